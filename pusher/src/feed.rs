//! The state topics into the view, and the news of it to the shards.

mod reader;
mod record;
mod topics;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use runtime::patience::with_causes;
use runtime::{Part, Shutdown, keep_trying};
use streams::{Event, Incoming, Log, StreamError, TopicPartition};

use crate::app::{App, Live};
use crate::metrics::{KindLabel, Reason};
use crate::session::SessionSettings;
use crate::socket::{Changes, ShardSettings, Shards, Way};
use crate::view::{Change, Origin, PrivateView, View};
use reader::Reader;
use record::{Decoder, Input};
use topics::{Role, Topics};

/// How often freshness is looked at.
const FRESHNESS_INTERVAL: Duration = Duration::from_secs(1);

/// Follows the log until stopped.
pub(crate) struct Feed {
    app: App,
    log: Arc<dyn Log>,
    /// What the log is, for people.
    log_name: String,
    topic_prefix: String,
    /// Whether the log can be reached.
    reached: Part,
    /// Whether the past is read.
    complete: Part,
}

impl Feed {
    pub(crate) fn new(app: App, log: Arc<dyn Log>, log_name: String, topic_prefix: String) -> Self {
        let (reached, complete) = (app.context.readiness.part("log"), app.context.readiness.part("picture"));
        Self { app, log, log_name, topic_prefix, reached, complete }
    }

    /// Reaches the log, starts the shards, and feeds them; sends the clients elsewhere at the end.
    ///
    /// # Errors
    /// Fatal: the log refuses us, or a shard fails.
    pub(crate) async fn run(self, stop: Shutdown) -> anyhow::Result<()> {
        let Some(found) = stop.or(self.reach()).await else { return Ok(()) };
        let Some((epoch, topics, reader)) = found? else { return Ok(()) };
        let view = Arc::new(RwLock::new(View::new(topics.public_partitions())));
        let session = Arc::new(SessionSettings {
            version: env!("CARGO_PKG_VERSION"),
            epoch: epoch.clone(),
            heartbeat: self.app.options.heartbeat,
            limits: self.app.options.session_limits(),
        });
        let shards = Arc::new(Shards::start(&ShardSettings {
            shards: self.app.options.shard_count(),
            tick: self.app.options.tick,
            session: session.clone(),
            view: view.clone(),
            clock: self.app.context.clock.clone(),
            metrics: self.app.metrics.clone(),
        })?);
        let live = Arc::new(Live { epoch, view, private: Arc::default(), session, shards });
        let follower = Follower {
            behind: topics.partitions().cloned().collect(),
            heard_at: self.app.context.clock.monotonic(),
            decoder: Decoder::new().await?,
            private: live.private.clone(),
            stale: false,
            live: live.clone(),
            feed: self,
            topics,
        };
        let outcome = follower.run(reader, &stop).await;
        outcome.and(live.shards.stop().await)
    }

    async fn reach(&self) -> Result<Option<(String, Topics, Reader)>, StreamError> {
        let attempt = || async {
            let epoch = self.log.epoch().await?;
            let topics = Topics::find(&self.log.describe_topics().await?, &self.topic_prefix)?;
            let reader = Reader::open(self.log.as_ref(), &topics).await?;
            Ok((epoch, topics, reader))
        };
        let is_final = |error: &StreamError| !error.is_transient();
        keep_trying(&self.app.context, &self.reached, &self.log_name, is_final, attempt).await
    }
}

/// The feed once the log is reached.
struct Follower {
    feed: Feed,
    live: Arc<Live>,
    topics: Topics,
    decoder: Decoder,
    private: Arc<RwLock<PrivateView>>,
    /// Partitions whose past is not read yet.
    behind: HashSet<TopicPartition>,
    heard_at: Duration,
    stale: bool,
}

impl Follower {
    async fn run(mut self, mut reader: Reader, stop: &Shutdown) -> anyhow::Result<()> {
        let clock = self.feed.app.context.clock.clone();
        loop {
            tokio::select! {
                () = stop.requested() => return Ok(reader.close().await.or_else(ignore_transient)?),
                event = reader.next() => self.take(event?).await?,
                () = clock.sleep(FRESHNESS_INTERVAL) => self.judge_freshness().await,
            }
        }
    }

    async fn take(&mut self, event: Event) -> anyhow::Result<()> {
        match event {
            Event::Records(records) => {
                self.heard_at = self.feed.app.context.clock.monotonic();
                self.fold(&records).await?;
                self.judge_freshness().await;
            }
            Event::CaughtUp(partition) => {
                self.behind.remove(&partition);
                if self.behind.is_empty() && self.feed.app.live.set(self.live.clone()).is_ok() {
                    self.feed.complete.ready();
                    let objects = self.live.view.read().len();
                    tracing::info!(objects, "the air picture is complete");
                }
            }
            // Of consumer groups, and this reader is in none.
            Event::Assigned(_) | Event::Revoked(_) => {}
        }
        Ok(())
    }

    async fn fold(&mut self, records: &[Incoming]) -> anyhow::Result<()> {
        let now_us = self.feed.app.context.clock.now_us();
        let mut changes: Vec<Change> = Vec::new();
        let mut read: Vec<Origin> = Vec::new();
        let mut way = Way::default();
        {
            // Held for one batch: look-ups and moves of what is decoded already.
            let inputs: Vec<_> = records.iter().filter_map(|record| self.decode(record)).collect();
            // What is read to catch up is old news, and says nothing of how fast the way is.
            if self.behind.is_empty() {
                let header = records.iter().find_map(|record| record.headers.first("way"));
                way = header.map(|header| Way::parse(header).read_at(now_us)).unwrap_or_default();
            }
            let mut view = self.live.view.write();
            for (origin, input) in inputs {
                match read.iter_mut().find(|last| last.partition == origin.partition) {
                    Some(last) => *last = origin,
                    None => read.push(origin),
                }
                match input {
                    Some(input) => view.apply(origin, now_us, input, &mut changes),
                    None => view.skip(origin),
                }
            }
        }
        if !read.is_empty() {
            self.feed.app.metrics.changes.inc_by(changes.len() as u64);
            self.feed.app.metrics.objects.set(self.live.view.read().len() as i64);
            self.live.shards.changed(Arc::new(Changes { changes, read, way })).await?;
        }
        Ok(())
    }

    /// What a record means for the public view; `None` for those of other topics. What cannot be decoded is counted and
    /// taken as read.
    fn decode(&mut self, record: &Incoming) -> Option<(Origin, Option<crate::view::Input>)> {
        let role = self.topics.role(&record.topic, record.partition)?;
        let metrics = &self.feed.app.metrics;
        let label = KindLabel { kind: role.word() };
        metrics.records.get_or_create(&label).inc();
        let decoded = self.decoder.decode(&role, record);
        if let Err(reason) = &decoded {
            metrics.rejected.get_or_create(&Reason { reason }).inc();
            tracing::debug!(topic = %record.topic, record.partition, record.offset, reason, "a record is of no use");
        }
        match (role, decoded) {
            (Role::Public { partition, .. }, decoded) => {
                let origin = Origin { partition, offset: record.offset };
                let input = match decoded {
                    Ok(Input::Public(input)) => Some(input),
                    _ => None,
                };
                Some((origin, input))
            }
            (Role::Private, Ok(Input::Private(device, part, state))) => {
                let mut private = self.private.write();
                private.apply(device, part, state);
                self.feed.app.metrics.hidden.set(private.len() as i64);
                self.feed.app.metrics.hidden_alerts.set(private.alerts().count() as i64);
                None
            }
            _ => None,
        }
    }

    async fn judge_freshness(&mut self) {
        let silent = self.feed.app.context.clock.monotonic().saturating_sub(self.heard_at);
        let stale = silent >= self.feed.app.options.stale_after;
        if stale != self.stale {
            self.stale = stale;
            if stale {
                // It serves what it has: were every instance to call itself not ready, there would be none left to ask.
                let since = self.feed.app.options.stale_after;
                let log = &self.feed.log_name;
                self.feed
                    .reached
                    .limps(format!("stale: nothing came from {log} for {since:?}; the last picture is served"));
                tracing::warn!(seconds = silent.as_secs(), "nothing comes from the log: clients are told it is stale");
            } else {
                self.feed.reached.ready();
                tracing::info!("the log gives fresh data again");
            }
            self.live.shards.set_stale(stale).await;
        }
    }
}

/// Leaving a log that is away is no failure.
fn ignore_transient(error: StreamError) -> Result<(), StreamError> {
    if error.is_transient() {
        tracing::debug!(error = with_causes(&error), "the log was left while away");
        return Ok(());
    }
    Err(error)
}
