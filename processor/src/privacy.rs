//! What was said about privacy, into a log that begins anew: what is never forgotten must not be forgotten with a log.

use std::sync::Arc;

use schemas::catalogue::topic;
use schemas::id::DeviceAddress;
use schemas::v1::{PrivacyState, ProcessorState, processor_state};
use streams::{Cluster, Flush, Headers, Sink, SinkSettings, Topic, put_version};

use crate::pipeline::restore;
use air::core::privacy::Consent;

/// Writes privacy for those who read the past, and as checkpoints for the stream core.
pub struct PrivacyWriter {
    privacy: Topic,
    checkpoints: Topic,
    sink: Arc<dyn Sink>,
    flush: Flush,
}

impl PrivacyWriter {
    /// For a log that no program reads yet.
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

    /// Writes what is known of one device.
    ///
    /// # Errors
    /// The log does not take it.
    pub async fn write(&mut self, state: &PrivacyState) -> anyhow::Result<()> {
        let key = || DeviceAddress(state.device).to_string();
        let mut headers = Headers::new();
        put_version(&mut headers, state.version);
        // By key, as frames of the same device go.
        let record = self.privacy.record(None, key(), state, state.hidden_until_us, headers);
        self.sink.send(record, self.flush.receipt()).await?;
        let part = Some(processor_state::Part::Device(Consent::checkpoint_of(state)));
        let headers = restore::headers(0, &[]);
        let record = self.checkpoints.record(None, key(), &ProcessorState { part }, state.hidden_until_us, headers);
        self.sink.send(record, self.flush.receipt()).await?;
        Ok(())
    }

    /// Waits until all of it is in the log.
    ///
    /// # Errors
    /// The log did not take it.
    pub async fn close(self) -> anyhow::Result<()> {
        Ok(self.flush.wait().await?)
    }
}
