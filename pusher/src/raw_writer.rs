//! Writes the inputs of people (positions of telephones, commands) into the raw topic.

use runtime::Clock;
use runtime::trace::{TraceContext, Tracer};
use schemas::catalogue::topic;
use schemas::v1::{RawRecord, raw_record};
use schemas::{DeviceAddress, RecordId};
use streams::Cluster;

use crate::log_writer::{LogWriter, WriteError};

/// Writes into the raw topic.
pub(crate) struct RawWriter(LogWriter);

impl RawWriter {
    /// Not connected yet.
    pub(crate) fn new(cluster: Cluster, tracer: Tracer) -> Self {
        Self(LogWriter::new(cluster, topic::RAW, tracer))
    }

    /// Writes an input about a device into the partition of the device's frames, and returns the id of its record.
    ///
    /// # Errors
    /// As [`LogWriter::write`].
    pub(crate) async fn write(
        &self,
        device: DeviceAddress,
        input: raw_record::Input,
        cause: Option<TraceContext>,
        clock: &Clock,
    ) -> Result<RecordId, WriteError> {
        let now_us = clock.now_us();
        let raw = RawRecord { ingested_at_us: now_us, input: Some(input), ..Default::default() };
        // By key, as the frames of the device.
        self.0.write(device.to_string(), Some(&raw), now_us, cause, clock).await
    }
}
