//! Writes the privacy states of a former log into a new one: an objection must outlive the log.

use std::sync::Arc;

use schemas::catalogue::topic;
use schemas::id::DeviceAddress;
use schemas::v1::{PrivacyState, ProcessorState, processor_state};
use streams::{Cluster, Flush, Headers, Sink, SinkSettings, Topic, put_version};

use crate::pipeline::checkpoint_parts;
use air::core::privacy::Consent;

/// Writes privacy states for the readers of the past, and as checkpoints for the stream core.
pub struct PrivacyWriter {
    privacy: Topic,
    checkpoints: Topic,
    sink: Arc<dyn Sink>,
    flush: Flush,
}

impl PrivacyWriter {
    /// Opens a writer to a log that no program reads yet.
    ///
    /// # Errors
    /// The registry or the log refuses.
    pub async fn open(cluster: &Cluster) -> anyhow::Result<Self> {
        Ok(Self {
            privacy: cluster.try_topic(topic::PRIVACY).await?,
            checkpoints: cluster.try_topic(topic::PROCESSOR_STATE).await?,
            sink: cluster.log.sink(SinkSettings::new("updraft-privacy"))?,
            flush: Flush::new(),
        })
    }

    /// Writes the privacy state of one device.
    ///
    /// # Errors
    /// The log does not accept it.
    pub async fn write(&mut self, state: &PrivacyState) -> anyhow::Result<()> {
        let key = || DeviceAddress(state.device).to_string();
        let mut headers = Headers::new();
        put_version(&mut headers, state.version);
        // By key: into the partition of the device's frames.
        let record = self.privacy.record(None, key(), state, state.hidden_until_us, headers);
        self.sink.send(record, self.flush.receipt()).await?;
        let part = Some(processor_state::Part::Device(Consent::checkpoint_of(state)));
        let headers = checkpoint_parts::headers(0, &[]);
        let record = self.checkpoints.record(None, key(), &ProcessorState { part }, state.hidden_until_us, headers);
        self.sink.send(record, self.flush.receipt()).await?;
        Ok(())
    }

    /// Waits until all of them are in the log.
    ///
    /// # Errors
    /// The log did not accept one of them.
    pub async fn close(self) -> anyhow::Result<()> {
        Ok(self.flush.wait().await?)
    }
}
