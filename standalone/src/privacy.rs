//! The privacy of devices, copied from the history into a log that lacks it: the history is kept where the log is not.

use std::collections::HashMap;
use std::pin::pin;

use futures::StreamExt as _;
use history::{HistoryReader as _, Sqlite};
use processor::privacy::PrivacyWriter;
use schemas::catalogue::{self, topic};
use schemas::v1::PrivacyState;
use streams::registry::Schemas;
use streams::{Cluster, Event, SeekTo, TopicPartition};

/// Copies what the log does not know, or knows older. A state that it has stays, with the device's checkpoint, which a copy would
/// replace. Call it before any program starts: none may serve history without it.
///
/// # Errors
/// The history or the log cannot be read.
pub(crate) async fn remember(cluster: &Cluster, history: &Sqlite) -> anyhow::Result<()> {
    let known = versions(cluster).await?;
    let mut writer = PrivacyWriter::open(cluster).await?;
    let mut rows = pin!(history.privacy());
    while let Some(block) = rows.next().await {
        for row in block? {
            let state = row.state();
            if known.get(&state.device).is_none_or(|version| *version < state.version) {
                writer.write(&state).await?;
            }
        }
    }
    writer.close().await
}

/// The version of each device's state in the log.
async fn versions(cluster: &Cluster) -> anyhow::Result<HashMap<u32, u64>> {
    let name = cluster.full_name(topic::PRIVACY);
    let codec = Schemas::local().prepare("", &catalogue::find(topic::PRIVACY).expect("in the catalogue")).await?;
    let partitions = cluster.log.partitions(&name).await?;
    let beginning = |partition| (TopicPartition::new(name.clone(), partition), SeekTo::Beginning);
    let mut source = cluster.log.read((0..partitions).map(beginning).collect()).await?;
    let (mut versions, mut behind) = (HashMap::new(), partitions);
    while behind > 0 {
        match source.next().await? {
            Event::Records(records) => {
                let states =
                    records.iter().filter_map(|record| codec.decode::<PrivacyState>(record.value.as_ref()?).ok());
                for state in states {
                    let newest = versions.entry(state.device).or_insert(state.version);
                    *newest = state.version.max(*newest);
                }
            }
            Event::CaughtUp(_) => behind -= 1,
            Event::Assigned(_) | Event::Revoked(_) => {}
        }
    }
    source.close().await?;
    Ok(versions)
}
