//! The state topics into the view, and the news of it to the shards.

mod reader;
mod record;
mod topics;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use runtime::retry::with_causes;
use runtime::trace::Span;
use runtime::{Part, Shutdown, keep_trying};
use schemas::headers::WAY;
use streams::trace::RecordTracer;
use streams::{Cluster, Event, Incoming, StreamError, TopicPartition};

use crate::app::{App, Live};
use crate::metrics::{KindLabel, Reason};
use crate::socket::{Changes, ShardSettings, Shards, TracedChange, Way};
use fanout::session::SessionSettings;
use fanout::view::{Change, Origin, PrivacyView, PrivateView, View};
use reader::Reader;
use record::{Decoder, Input};
use topics::{Role, Topics};

/// How often freshness is looked at.
const FRESHNESS_INTERVAL: Duration = Duration::from_secs(1);

/// Follows the log until stopped.
pub(crate) struct Feed {
    app: App,
    cluster: Cluster,
    /// Whether the log can be reached.
    reached: Part,
    /// Whether the past is read.
    complete: Part,
}

impl Feed {
    pub(crate) fn new(app: App, cluster: Cluster) -> Self {
        let (reached, complete) = (app.context.readiness.part("log"), app.context.readiness.part("picture"));
        Self { app, cluster, reached, complete }
    }

    /// Reaches the log, starts the shards, and feeds them; sends the clients elsewhere at the end.
    ///
    /// # Errors
    /// Fatal: the log refuses us, or a shard fails.
    pub(crate) async fn run(self, stop: Shutdown) -> anyhow::Result<()> {
        let Some(found) = stop.or(self.reach()).await else { return Ok(()) };
        let Some((epoch, topics, reader)) = found? else { return Ok(()) };
        let view =
            Arc::new(RwLock::new(View::new(topics.public_partitions()).with_bound(self.app.options.max_objects)));
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
            tracer: self.app.context.tracer.clone(),
        })?);
        let live = Arc::new(Live { epoch, view, private: Arc::default(), privacy: Arc::default(), session, shards });
        let follower = Follower {
            behind: topics.partitions().cloned().collect(),
            heard_at: self.app.context.clock.monotonic(),
            decoder: Decoder::new().await?,
            private: live.private.clone(),
            privacy: live.privacy.clone(),
            traces: RecordTracer::new(self.app.context.tracer.clone(), self.cluster.log.as_ref()),
            stale: false,
            troubled: false,
            live: live.clone(),
            feed: self,
            topics,
        };
        let outcome = follower.run(reader, &stop).await;
        outcome.and(live.shards.stop().await)
    }

    async fn reach(&self) -> Result<Option<(String, Topics, Reader)>, StreamError> {
        let attempt = || async {
            let epoch = self.cluster.log.epoch().await?;
            let topics = Topics::find(&self.cluster.log.describe_topics().await?, &self.cluster.topic_prefix)?;
            let reader = Reader::open(self.cluster.log.as_ref(), &topics).await?;
            Ok((epoch, topics, reader))
        };
        let is_final = |error: &StreamError| !error.is_transient();
        keep_trying(&self.app.context, &self.reached, &self.cluster.name, is_final, attempt).await
    }
}

/// The feed once the log is reached.
struct Follower {
    feed: Feed,
    live: Arc<Live>,
    topics: Topics,
    decoder: Decoder,
    private: Arc<RwLock<PrivateView>>,
    privacy: Arc<RwLock<PrivacyView>>,
    traces: RecordTracer,
    /// Partitions whose past is not read yet.
    behind: HashSet<TopicPartition>,
    heard_at: Duration,
    stale: bool,
    /// The log was away when last looked.
    troubled: bool,
}

impl Follower {
    async fn run(mut self, mut reader: Reader, stop: &Shutdown) -> anyhow::Result<()> {
        let clock = self.feed.app.context.clock.clone();
        loop {
            tokio::select! {
                () = stop.requested() => return Ok(reader.close().await.or_else(ignore_transient)?),
                event = reader.next() => self.take(event?).await?,
                () = clock.sleep(FRESHNESS_INTERVAL) => {
                    self.tell_trouble();
                    self.judge_freshness().await;
                }
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
        let (mut traced, mut folded) = (Vec::new(), Vec::new());
        {
            // Held for one batch: look-ups and moves of what is decoded already.
            let inputs: Vec<_> = records.iter().filter_map(|record| self.decode(record)).collect();
            // What is read to catch up is old news, and says nothing of how fast the way is.
            if self.behind.is_empty() {
                let header = records.iter().find_map(|record| record.headers.first(WAY));
                way = header.map(|header| Way::read(header, now_us)).unwrap_or_default();
            }
            let mut view = self.live.view.write();
            let mut dropped = 0;
            for (origin, input, span) in inputs {
                match read.iter_mut().find(|last| last.partition == origin.partition) {
                    Some(last) => *last = origin,
                    None => read.push(origin),
                }
                let before = changes.len();
                match input {
                    Some(input) => dropped += view.apply(origin, now_us, input, &mut changes),
                    None => view.skip(origin),
                }
                if let Some(span) = span {
                    let fold = span.context();
                    traced.extend((before..changes.len()).map(|index| TracedChange { index, fold }));
                    folded.push((span, self.feed.app.context.clock.monotonic()));
                }
            }
            self.feed.app.metrics.objects_dropped.inc_by(dropped as u64);
        }
        folded.into_iter().for_each(|(span, ended)| span.end_at(ended));
        if !read.is_empty() {
            self.feed.app.metrics.changes.inc_by(changes.len() as u64);
            self.feed.app.metrics.objects.set(self.live.view.read().len() as i64);
            self.live.shards.changed(Arc::new(Changes { changes, read, way, traced })).await?;
        }
        Ok(())
    }

    /// What a record means for the public view; `None` for those of other topics. What cannot be decoded is counted and
    /// taken as read.
    fn decode(&mut self, record: &Incoming) -> Option<(Origin, Option<fanout::view::Input>, Option<Span>)> {
        let role = self.topics.role(&record.topic, record.partition)?;
        let mut span = self.follow(&role, record);
        let metrics = &self.feed.app.metrics;
        let label = KindLabel { kind: role.word() };
        metrics.records.get_or_create(&label).inc();
        let decoded = self.decoder.decode(&role, record);
        if let Err(reason) = &decoded {
            metrics.rejected.get_or_create(&Reason { reason }).inc();
            tracing::debug!(topic = %record.topic, record.partition, record.offset, reason, "a record is of no use");
            span.iter_mut().for_each(|span| span.fail(reason));
        }
        match (role, decoded) {
            (Role::Public { partition, .. }, decoded) => {
                let origin = Origin { partition, offset: record.offset };
                let input = match decoded {
                    Ok(Input::Public(input)) => Some(input),
                    _ => None,
                };
                Some((origin, input, span))
            }
            (Role::Private, Ok(Input::Private(device, part, state))) => {
                let mut private = self.private.write();
                private.apply(device, part, state);
                self.feed.app.metrics.hidden.set(private.len() as i64);
                self.feed.app.metrics.hidden_alerts.set(private.alerts().count() as i64);
                drop(private);
                span.into_iter().for_each(Span::end);
                None
            }
            (Role::Privacy, Ok(Input::Privacy(state))) => {
                let mut privacy = self.privacy.write();
                privacy.apply(&state);
                self.feed.app.metrics.hidden_pasts.set(privacy.hidden() as i64);
                drop(privacy);
                span.into_iter().for_each(Span::end);
                None
            }
            _ => {
                span.into_iter().for_each(Span::end);
                None
            }
        }
    }

    /// Begins the span of taking a state into the view, where its record is traced. What is read to catch up is old, and
    /// its trace is over.
    fn follow(&self, role: &Role, record: &Incoming) -> Option<Span> {
        let is_new_state = !matches!(role, Role::Clock) && self.behind.is_empty();
        is_new_state.then(|| self.traces.follow("fold", record)).flatten()
    }

    /// Says at once when the log is away, and why; what is served stays.
    fn tell_trouble(&mut self) {
        let trouble = self.feed.cluster.log.trouble();
        match &trouble {
            Some(why) if !self.stale => {
                let log = &self.feed.cluster.name;
                self.feed.reached.degraded(format!("cannot reach {log}: {why}; the last picture is served"));
            }
            None if self.troubled && !self.stale => self.feed.reached.ready(),
            _ => {}
        }
        self.troubled = trouble.is_some();
    }

    async fn judge_freshness(&mut self) {
        if self.troubled {
            self.tell_trouble();
        }
        let silent = self.feed.app.context.clock.monotonic().saturating_sub(self.heard_at);
        let stale = silent >= self.feed.app.options.stale_after;
        if stale != self.stale {
            self.stale = stale;
            if stale {
                // It serves what it has: were every instance to call itself not ready, there would be none left to ask.
                let since = self.feed.app.options.stale_after;
                let log = &self.feed.cluster.name;
                self.feed
                    .reached
                    .degraded(format!("stale: nothing came from {log} for {since:?}; the last picture is served"));
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
