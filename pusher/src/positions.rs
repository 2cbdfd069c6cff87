//! Positions of telephones: checks the sender's rate and writes them into the raw topic.

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

use crate::raw_writer::{RawWriteError, RawWriter};
use crate::watched::Watched;
#[cfg(feature = "services")]
pub(crate) use keys::check;
pub(crate) use keys::{Keys, Sender};

/// The shortest interval between two positions of a device.
const INTERVAL: Duration = Duration::from_secs(1);

/// Writes positions into the raw topic.
pub(crate) struct Positions {
    keys: Arc<Watched<Keys>>,
    writer: Arc<RawWriter>,
    /// When each device last sent a position. Bounded by the number of keys.
    last_sent: Mutex<HashMap<u32, Duration>>,
}

/// Why a position was not written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PositionError {
    /// It came less than a second after the previous one.
    #[error("more than one position per second: send the next one a second after the last")]
    TooSoon,
    /// The log did not accept it.
    #[error(transparent)]
    Log(#[from] RawWriteError),
}

impl Positions {
    /// Reads the keys. The first position opens the writer.
    ///
    /// # Errors
    /// The file cannot be read or is invalid.
    pub(crate) fn open(file: &Path, writer: Arc<RawWriter>) -> anyhow::Result<Self> {
        Ok(Self { keys: keys::open(file)?, writer, last_sent: Mutex::default() })
    }

    /// The keys of permitted senders.
    pub(crate) fn keys(&self) -> Arc<Watched<Keys>> {
        self.keys.clone()
    }

    /// Writes a position and returns the id of its record. `cause`: the span of the request, where it is traced.
    ///
    /// # Errors
    /// [`PositionError::TooSoon`]; [`PositionError::Log`]. After a timeout the position may still be written:
    /// sending it again is safe.
    pub(crate) async fn write(
        &self,
        position: AppPosition,
        cause: Option<TraceContext>,
        clock: &Clock,
    ) -> Result<RecordId, PositionError> {
        self.check_rate(position.device, clock.monotonic())?;
        let device = DeviceAddress(position.device);
        Ok(self.writer.write(device, raw_record::Input::AppPosition(position), cause, clock).await?)
    }

    fn check_rate(&self, device: u32, now: Duration) -> Result<(), PositionError> {
        let mut last_sent = self.last_sent.lock();
        if last_sent.get(&device).is_some_and(|last| now.saturating_sub(*last) < INTERVAL) {
            return Err(PositionError::TooSoon);
        }
        last_sent.insert(device, now);
        Ok(())
    }
}
