//! Positions of telephones: checks the sender's rate and writes them into the raw topic.

mod keys;

use std::sync::Arc;

use access::Limited;
use runtime::Clock;
use runtime::trace::TraceContext;
use schemas::v1::{AppPosition, raw_record};
use schemas::{DeviceAddress, RecordId};

use crate::log_writer::WriteError;
use crate::raw_writer::RawWriter;
use crate::throttle::Throttle;
#[cfg(feature = "services")]
pub(crate) use keys::check;
pub(crate) use keys::{Keys, open};

/// Writes positions into the raw topic.
pub(crate) struct Positions {
    writer: Arc<RawWriter>,
    throttle: Arc<Throttle>,
}

/// Why a position was not written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PositionError {
    /// The device has sent more than one per second.
    #[error("too many positions: expected one per second")]
    TooSoon(Limited),
    /// The log did not accept it.
    #[error(transparent)]
    Log(#[from] WriteError),
}

impl Positions {
    /// The first position opens the writer.
    pub(crate) fn new(writer: Arc<RawWriter>, throttle: Arc<Throttle>) -> Self {
        Self { writer, throttle }
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
        self.throttle.position(position.device).await.map_err(PositionError::TooSoon)?;
        let device = DeviceAddress(position.device);
        Ok(self.writer.write(device, raw_record::Input::AppPosition(position), cause, clock).await?)
    }
}
