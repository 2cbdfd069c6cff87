//! Positions sent by telephones: who may send them, and their way into the raw topic.

mod keys;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use runtime::Clock;
use runtime::trace::TraceContext;
use schemas::v1::{AppPosition, raw_record};
use schemas::{DeviceAddress, RecordId};

use crate::raw_writer::{NotInLog, RawWriter};
use crate::watched::Watched;
#[cfg(feature = "services")]
pub(crate) use keys::check;
pub(crate) use keys::{Keys, Sender};

/// A sender's shortest interval.
const INTERVAL: Duration = Duration::from_secs(1);

/// Writes positions into the raw topic.
pub(crate) struct Positions {
    keys: Arc<Watched<Keys>>,
    writer: Arc<RawWriter>,
    /// When each device last sent one. Bounded by the keys: only who has one gets here.
    last: Mutex<HashMap<u32, Duration>>,
}

/// Why a position is not in the log.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotWritten {
    /// Less than a second after the one before.
    #[error("one position a second is enough")]
    TooSoon,
    /// The log does not take it.
    #[error(transparent)]
    Log(#[from] NotInLog),
}

impl Positions {
    /// Reads the keys; the log is reached when the first position comes.
    ///
    /// # Errors
    /// The file cannot be used.
    pub(crate) fn open(file: &Path, writer: Arc<RawWriter>) -> anyhow::Result<Self> {
        Ok(Self { keys: keys::open(file)?, writer, last: Mutex::default() })
    }

    /// Who may send.
    pub(crate) fn keys(&self) -> Arc<Watched<Keys>> {
        self.keys.clone()
    }

    /// Writes a position; its id is that of the record. `cause`: the span of the request, where that is traced.
    ///
    /// # Errors
    /// It comes too soon, or the log does not take it. Where it was late it may still be taken: sent again, it is the same.
    pub(crate) async fn write(
        &self,
        position: AppPosition,
        cause: Option<TraceContext>,
        clock: &Clock,
    ) -> Result<RecordId, NotWritten> {
        self.admit(position.device, clock.monotonic())?;
        let device = DeviceAddress(position.device);
        Ok(self.writer.write(device, raw_record::Input::AppPosition(position), cause, clock).await?)
    }

    fn admit(&self, device: u32, now: Duration) -> Result<(), NotWritten> {
        let mut last = self.last.lock();
        if last.get(&device).is_some_and(|last| now.saturating_sub(*last) < INTERVAL) {
            return Err(NotWritten::TooSoon);
        }
        last.insert(device, now);
        Ok(())
    }
}
