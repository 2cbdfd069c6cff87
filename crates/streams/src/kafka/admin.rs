//! Creates missing topics; describes and compares existing ones.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{
    AdminClient, AdminOptions, ConfigResource, ConfigSource, NewTopic as KafkaTopic, OwnedResourceSpecifier,
    ResourceSpecifier, TopicReplication,
};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;

use super::client::SharedClient;
use super::context::QueryContext;
use super::errors::classify;
use super::settings::REQUEST_TIMEOUT;
use crate::topics::differences;
use crate::{NewTopic, StreamError, TopicDescription, TopicOutcome};

/// How long the cluster may take to elect the leaders of a new topic.
const CREATE_TIMEOUT: Duration = Duration::from_secs(30);
/// A busy broker learns of a topic some time after the controller has created it: how many attempts, and the time
/// between them.
const KNOWN_ATTEMPTS: u32 = 50;
const KNOWN_INTERVAL: Duration = Duration::from_millis(200);

pub(super) async fn create(client: &Arc<SharedClient>, topics: &[NewTopic]) -> Result<Vec<TopicOutcome>, StreamError> {
    let known = partition_counts(client).await?;
    let missing: Vec<_> = topics.iter().filter(|topic| !known.contains_key(&topic.name)).collect();
    let admin = admin(client)?;
    let mut created = Vec::new();
    if !missing.is_empty() {
        let wanted: Vec<_> = missing.iter().map(|topic| kafka_topic(topic)).collect();
        let options = AdminOptions::new().operation_timeout(Some(CREATE_TIMEOUT)).request_timeout(Some(CREATE_TIMEOUT));
        let outcomes = admin.create_topics(&wanted, &options).await;
        for outcome in outcomes.map_err(|error| classify(error, "create topics"))? {
            match outcome {
                Ok(name) => created.push(name),
                // Another program has created it; it is compared below like any other.
                Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                Err((name, code)) => {
                    return Err(classify(KafkaError::AdminOp(code), format!("create topic {name}")));
                }
            }
        }
    }
    let known = if missing.is_empty() { known } else { await_known(client, topics).await? };
    let existing: Vec<_> =
        topics.iter().map(|topic| &*topic.name).filter(|name| !created.iter().any(|new| new == name)).collect();
    let settings = settings(&admin, &existing).await?;
    let outcome = |topic: &NewTopic| match settings.get(&topic.name) {
        None => TopicOutcome::Created,
        Some(found) => TopicOutcome::Exists {
            partitions: known.get(&topic.name).copied().unwrap_or_default(),
            differences: differences(&topic.settings, |name| found.get(name).and_then(|entry| entry.value.clone())),
        },
    };
    Ok(topics.iter().map(outcome).collect())
}

pub(super) async fn describe(client: &Arc<SharedClient>) -> Result<Vec<TopicDescription>, StreamError> {
    let known = partition_counts(client).await?;
    let names: Vec<_> = known.keys().map(String::as_str).collect();
    let mut settings = settings(&admin(client)?, &names).await?;
    let describe = |(name, partitions): (String, u32)| {
        let entries = settings.remove(&name).map(|resource| resource.entries).unwrap_or_default();
        let own = entries.into_iter().filter(|entry| entry.source == ConfigSource::DynamicTopic);
        let settings = own.filter_map(|entry| Some((entry.name, entry.value?))).collect();
        TopicDescription { name, partitions, settings }
    };
    Ok(known.into_iter().map(describe).collect())
}

/// Created for each call: no thread serves its events, so that they would accumulate in a long-lived client.
fn admin(client: &Arc<SharedClient>) -> Result<AdminClient<QueryContext>, StreamError> {
    let mut config: ClientConfig = client.settings.for_metadata();
    // Statistics are not read.
    config.set("statistics.interval.ms", "0");
    config.create_with_context(QueryContext).map_err(|error| classify(error, "open an admin client"))
}

fn kafka_topic(topic: &NewTopic) -> KafkaTopic<'_> {
    let replication = TopicReplication::Fixed(topic.replication.map_or(-1, i32::from));
    let new = KafkaTopic::new(&topic.name, topic.partitions.cast_signed(), replication);
    topic.settings.iter().fold(new, |new, (name, value)| new.set(name, value))
}

/// Like [`partition_counts`], but retries until the broker knows all of `topics`, or until the attempts are used up.
async fn await_known(client: &Arc<SharedClient>, topics: &[NewTopic]) -> Result<BTreeMap<String, u32>, StreamError> {
    let mut known = partition_counts(client).await?;
    for _ in 0..KNOWN_ATTEMPTS {
        if topics.iter().all(|topic| known.get(&topic.name).is_some_and(|partitions| *partitions > 0)) {
            break;
        }
        tokio::time::sleep(KNOWN_INTERVAL).await;
        known = partition_counts(client).await?;
    }
    Ok(known)
}

/// The number of partitions of all topics except internal ones.
pub(super) async fn partition_counts(client: &Arc<SharedClient>) -> Result<BTreeMap<String, u32>, StreamError> {
    let request = |client: &SharedClient| {
        let metadata = client
            .metadata_client()?
            .client()
            .fetch_metadata(None, REQUEST_TIMEOUT)
            .map_err(|error| classify(error, format!("request the topics of {}", client.settings.bootstrap)))?;
        let topics = metadata.topics().iter().filter(|topic| !topic.name().starts_with("__"));
        let count = |partitions: usize| u32::try_from(partitions).unwrap_or(u32::MAX);
        Ok(topics.map(|topic| (topic.name().to_owned(), count(topic.partitions().len()))).collect())
    };
    client.run_blocking("request the topics", request).await
}

async fn settings(
    admin: &AdminClient<QueryContext>,
    topics: &[&str],
) -> Result<BTreeMap<String, ConfigResource>, StreamError> {
    if topics.is_empty() {
        return Ok(BTreeMap::new());
    }
    let wanted: Vec<_> = topics.iter().map(|name| ResourceSpecifier::Topic(name)).collect();
    let options = AdminOptions::new().request_timeout(Some(REQUEST_TIMEOUT));
    let found = admin.describe_configs(&wanted, &options).await;
    let mut settings = BTreeMap::new();
    for resource in found.map_err(|error| classify(error, "describe topics"))? {
        let resource = resource.map_err(|code| classify(KafkaError::AdminOp(code), "describe topics"))?;
        if let OwnedResourceSpecifier::Topic(name) = &resource.specifier {
            settings.insert(name.clone(), resource);
        }
    }
    Ok(settings)
}
