//! Latency per hop, from the times at the bridge and the processor in the header of each state's record.

use std::collections::{HashMap, HashSet};

use anyhow::{Context as _, Result};
use harness::Stage;
use prost::Message as _;
use schemas::catalogue::topic;
use schemas::v1::AircraftState;
use streams::{Event, KafkaLog, KafkaSettings, Log as _, SeekTo, TopicPartition};

use crate::fleet::Mark;
use crate::listener::Times;

/// Reads the states after the measurement, so that reading does not distort it.
pub(crate) async fn print(stage: &Stage, suffix: &str, frames: &HashMap<Mark, Times>) -> Result<()> {
    let mut hops = [const { Vec::new() }; 3];
    for (mark, (bridge_us, processor_us)) in transit_times(stage).await? {
        let Some(Times { published_us, seen_us: Some(seen_us) }) = frames.get(&mark).copied() else { continue };
        let stations = [published_us, bridge_us, processor_us, seen_us];
        for (hop, pair) in hops.iter_mut().zip(stations.windows(2)) {
            hop.push((pair[1] as f64 - pair[0] as f64) / 1e3);
        }
    }
    for (hop, latencies) in ["publish_to_bridge", "bridge_to_processor", "processor_to_socket"].iter().zip(&mut hops) {
        latencies.sort_by(f64::total_cmp);
        for (word, share) in [("p50", 0.5), ("p95", 0.95)] {
            println!("bench: hop_{hop}{suffix}_{word}_ms {:.1} ms", quantile(latencies, share));
        }
    }
    Ok(())
}

/// A quantile of sorted values; 0 without values.
pub(crate) fn quantile(sorted: &[f64], share: f64) -> f64 {
    sorted.get((sorted.len().saturating_sub(1) as f64 * share) as usize).copied().unwrap_or_default()
}

/// The times at the bridge and the processor, by mark.
async fn transit_times(stage: &Stage) -> Result<HashMap<Mark, (u64, u64)>> {
    let settings = stage.settings();
    let bootstrap = settings.iter().rev().find(|(name, _)| name == "UPDRAFT_KAFKA_BOOTSTRAP");
    let (_, bootstrap) = bootstrap.context("the stage has a Kafka")?;
    let log = KafkaLog::connect(KafkaSettings::new(bootstrap.clone(), "bench"))?;
    let name = format!("{}{}", stage.prefix(), topic::AIRCRAFT);
    let count = log.partitions(&name).await?;
    let all: Vec<_> = (0..count).map(|partition| TopicPartition::new(name.clone(), partition)).collect();
    let mut source = log.read(all.iter().map(|at| (at.clone(), SeekTo::Beginning)).collect()).await?;
    let (mut behind, mut transit_times): (HashSet<_>, _) = (all.into_iter().collect(), HashMap::new());
    while !behind.is_empty() {
        match source.next().await? {
            Event::CaughtUp(partition) => {
                behind.remove(&partition);
            }
            Event::Records(records) => {
                let all = records.iter().filter_map(|record| {
                    // Magic byte, schema id, and the index of the first message: six bytes.
                    let state = AircraftState::decode(record.value.as_ref()?.get(6..)?).ok()?;
                    let latitude_e7 = (state.position?.latitude_deg * 1e7).round() as i32;
                    let way = std::str::from_utf8(record.headers.first("way")?).ok()?;
                    let time = |tier: &str| way.split(',').find_map(|part| part.strip_prefix(tier)?.parse().ok());
                    Some(((state.device, latitude_e7), (time("b=")?, time("p=")?)))
                });
                transit_times.extend(all);
            }
            _ => {}
        }
    }
    source.close().await?;
    Ok(transit_times)
}
