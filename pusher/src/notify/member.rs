//! A member of the consumer group that turns alerts and zone events into messages.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::BoxFuture;
use membership::{
    Command, Group, GroupProgress, Interrupted, Member, Membership, Reports, TaskEvent, TaskStart, part_of,
};
use notify::{Event, Message, body, filter};
use runtime::{Context, Metrics, Part, Readiness, Shutdown, Tasks};
use schemas::catalogue::topic;
use schemas::keys::{self, PrivatePart};
use schemas::v1::{AlertState, Notification, NotificationOutcome, PrivateState, ZoneEvent, private_state};
use streams::{Cluster, GroupSettings, Incoming, SeekTo, StreamError, Topic, TopicPartition};

use super::deliverer::Deliverer;
use super::public_picture::PublicPicture;
use super::targets::Target;
use crate::time::rfc3339;

/// The group's name, after the prefix.
const GROUP: &str = "notify";
/// What it reads.
const TOPICS: [&str; 3] = [topic::ALERT, topic::PRIVATE_STATE, topic::ZONE_EVENT];
/// Time between two looks whether the air picture is complete.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);
/// Time between two reports for `/ready`.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);
const DRAIN_DEADLINE: Duration = Duration::from_secs(4);
const STOP_DEADLINE: Duration = Duration::from_secs(8);

/// What the member needs.
#[derive(Clone)]
pub(crate) struct NotifyMember {
    pub(crate) deliverer: Arc<Deliverer>,
    pub(crate) picture: Arc<dyn PublicPicture>,
    pub(crate) cluster: Cluster,
    pub(crate) context: Context,
}

impl NotifyMember {
    /// Reads and delivers until stopped.
    ///
    /// # Errors
    /// Fatal: the log refuses the credentials, or the group makes no progress and joining again has not helped.
    pub(crate) async fn run(self, stop: Shutdown) -> anyhow::Result<()> {
        let metrics = self.deliverer.parts().metrics.clone();
        let group = self.cluster.full_name(GROUP).to_string();
        // A readiness of its own: the map goes on without notifications.
        let own = Readiness::new(self.context.clock.clone(), &Metrics::new());
        let shown = self.context.readiness.part("notifications");
        shown.degraded("starting");
        let member = Member {
            context: self.context.clone(),
            log: self.cluster.log.clone(),
            settings: GroupSettings::new(group.clone(), TOPICS.map(|name| self.cluster.full_name(name).to_string())),
            checkpoint_interval: None,
            commit_interval: None,
            drain_deadline: DRAIN_DEADLINE,
            part: own.part("member"),
            metrics: metrics.member(),
        };
        let progress = GroupProgress {
            context: Context { readiness: own.clone(), ..self.context.clone() },
            log: self.cluster.log.clone(),
            group,
            part: part_of(GROUP),
            stalls: metrics.stalls,
            lag: metrics.lag,
            lag_seconds: metrics.lag_seconds,
        };
        let mut tasks = Tasks::new(self.context.clock.clone(), stop);
        let (clock, deliverer, picture) = (self.context.clock.clone(), self.deliverer.clone(), self.picture.clone());
        tasks.spawn("show", |stop| async move {
            while stop.or(clock.sleep(REPORT_INTERVAL)).await.is_some() {
                show(&own, &shown);
            }
            Ok(())
        });
        tasks.spawn("progress", |stop| progress.run(stop));
        tasks.spawn("deliverer", |stop| deliverer.run(picture, stop));
        tasks.spawn("member", |stop| async move { member.run(&self, stop).await });
        tasks.run(STOP_DEADLINE).await
    }
}

fn show(own: &Readiness, shown: &Part) {
    let missing = own.parts().into_values().find(|part| !part.ready);
    match missing {
        None => shown.ready(),
        Some(part) => shown.degraded(format!("no notifications: {}", part.last_error.unwrap_or_default())),
    }
}

#[async_trait]
impl Group for NotifyMember {
    type Membership = NotifyMembership;

    async fn prepare(&self) -> Result<Option<NotifyMembership>, Interrupted> {
        // Before, it is not known which events are public.
        while !self.picture.is_complete() {
            self.context.clock.sleep(LOOK_INTERVAL).await;
        }
        let mut topics = Vec::new();
        for name in TOPICS {
            topics.push((name, self.cluster.try_topic(name).await?));
        }
        let messages = self.cluster.try_topic(topic::NOTIFICATION).await?;
        Ok(Some(NotifyMembership { group: self.clone(), topics: topics.into(), messages }))
    }
}

/// One session in the group.
pub(crate) struct NotifyMembership {
    group: NotifyMember,
    topics: Arc<[(&'static str, Topic)]>,
    messages: Topic,
}

impl Membership for NotifyMembership {
    fn open(&self, start: TaskStart) -> BoxFuture<'static, anyhow::Result<()>> {
        let TaskStart { partition, mut commands, reports } = start;
        let Some((name, topic)) = self.topics.iter().find(|(_, topic)| topic.name == partition.topic) else {
            // The group reads no other topics.
            return Box::pin(std::future::ready(Ok(())));
        };
        let task = PartitionTask {
            group: self.group.clone(),
            topic: topic.clone(),
            messages: self.messages.clone(),
            origin: ((*name).into(), partition.partition),
        };
        Box::pin(async move {
            let worked = task.run(&mut commands, reports).await;
            task.group.deliverer.outbox().lock().release(&task.origin);
            worked
        })
    }

    fn restores(&self) -> bool {
        true
    }
}

struct PartitionTask {
    group: NotifyMember,
    topic: Topic,
    messages: Topic,
    /// The name in the catalogue, and the partition.
    origin: (Arc<str>, u32),
}

impl PartitionTask {
    async fn run(&self, commands: &mut tokio::sync::mpsc::Receiver<Command>, reports: Reports) -> anyhow::Result<()> {
        self.restore().await?;
        reports.send(TaskEvent::Restored { next_offset: None }).await;
        while let Some(command) = commands.recv().await {
            match command {
                Command::Records(records) => {
                    let next_offset = records.last().map(|record| record.offset + 1);
                    for record in &records {
                        if let Some(event) = self.event(record) {
                            self.send(&event).await?;
                        }
                    }
                    if let Some(next_offset) = next_offset {
                        reports.send(TaskEvent::Done { next_offset }).await;
                    }
                }
                Command::Checkpoint => reports.send(TaskEvent::Checkpointed { next_offset: None }).await,
                // A message of a former owner has the same id.
                Command::FindLateWrites => {}
            }
        }
        Ok(())
    }

    /// Reads the partition's messages.
    async fn restore(&self) -> Result<(), StreamError> {
        let partition = TopicPartition { topic: self.messages.name.clone(), partition: self.origin.1 };
        let mut source = self.group.cluster.log.read(vec![(partition, SeekTo::Beginning)]).await?;
        let mut newest = std::collections::BTreeMap::new();
        let prefix = format!("{}/", self.origin.0);
        loop {
            match source.next().await? {
                streams::Event::Records(records) => {
                    for record in records.into_iter().filter(|record| is_of(record, &prefix)) {
                        let value = record.value.as_ref();
                        let value = value.and_then(|value| self.messages.codec.decode::<Notification>(value).ok());
                        newest.insert(record.key.unwrap_or_default(), value);
                    }
                }
                streams::Event::CaughtUp(_) => break,
                streams::Event::Assigned(_) | streams::Event::Revoked(_) => {}
            }
        }
        source.close().await?;
        for record in newest.into_values().flatten() {
            let (origin, id) = (self.origin.clone(), record.message_id.as_str().into());
            if record.outcome() != NotificationOutcome::Pending {
                self.group.deliverer.outbox().lock().finish(origin, id);
                continue;
            }
            self.group.deliverer.queue(Message {
                id,
                target: record.target.into(),
                origin,
                created_at_us: record.created_at_us,
                device: record.device,
                hidden: record.hidden,
                body: record.body,
            });
        }
        Ok(())
    }

    /// The event of a record. `None`: there is none.
    fn event(&self, record: &Incoming) -> Option<Event> {
        let value = record.value.as_ref()?;
        let codec = &self.topic.codec;
        match &*self.origin.0 {
            topic::ALERT => Event::of_alert(codec.decode::<AlertState>(value).ok()?, false),
            topic::PRIVATE_STATE => {
                let key = std::str::from_utf8(record.key.as_ref()?).ok()?;
                let (_, part) = keys::parse_private(key)?;
                // Most are positions: they are not decoded.
                if part != PrivatePart::Alert {
                    return None;
                }
                match codec.decode::<PrivateState>(value).ok()?.state? {
                    private_state::State::Alert(alert) => Event::of_alert(alert, true),
                    _ => None,
                }
            }
            _ => {
                let event = codec.decode::<ZoneEvent>(value).ok()?;
                let is_public = self.group.picture.shows(event.device, event.event_at_us);
                is_public.then_some(event).and_then(Event::of_zone)
            }
        }
    }

    /// Makes a message for each target that wants the event.
    async fn send(&self, event: &Event) -> anyhow::Result<()> {
        let deliverer = &self.group.deliverer;
        let (now_us, happened_at_us) = (self.group.context.clock.now_us(), event.happened_at_us());
        if happened_at_us.saturating_add(deliverer.retry_for_us()) < now_us {
            return Ok(());
        }
        let device = event.device().0;
        let is_wanted = |target: &Target| {
            // What happened before it was made is over.
            let is_since = target.created_at_us <= happened_at_us;
            is_since && filter::wants(&target.filter, event, now_us, deliverer.ties(target, device))
        };
        for target in deliverer.parts().targets.matching(is_wanted) {
            let id: Arc<str> = format!("{}:{}", target.id(), event.id()).into();
            if deliverer.outbox().lock().knows(&id) {
                continue;
            }
            let message = Message {
                id,
                target: target.key.clone(),
                origin: self.origin.clone(),
                created_at_us: happened_at_us,
                device: Some(device),
                hidden: event.is_hidden(),
                body: self.body(event, &target).into(),
            };
            deliverer.store_and_queue(message, &target).await?;
        }
        Ok(())
    }

    fn body(&self, event: &Event, target: &Target) -> Vec<u8> {
        let name = match event {
            Event::Alert { alert, .. } => alert.name.clone(),
            Event::Zone(event) => self.group.picture.name(event.device),
        };
        body(event, target.language, name.as_deref(), rfc3339(event.happened_at_us()))
    }
}

fn is_of(record: &Incoming, prefix: &str) -> bool {
    record.key.as_ref().is_some_and(|key| key.starts_with(prefix.as_bytes()))
}
