//! Reads the state topics into the view, and sends the changes to the shards.

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
use schemas::keys::PrivatePart;
use schemas::v1::{PrivateState, ZoneEvent, private_state};
use streams::trace::RecordTracer;
use streams::{Cluster, Event, Incoming, StreamError, TopicPartition};

use crate::app::{App, Live};
use crate::metrics::{KindLabel, Reason};
use crate::socket::{Changes, HopTimes, ShardSettings, Shards, TracedChange};
use crate::zone_view::EVENTS_HELD_US;
use fanout::session::SessionSettings;
use fanout::view::{Change, Origin, PrivacyView, State, View, Way};
use reader::Reader;
use record::{Decoded, Decoder};
use topics::{TopicUse, Topics};

/// Time between two checks of freshness.
const FRESHNESS_INTERVAL: Duration = Duration::from_secs(1);
/// Time between two measurements of the lag.
const LAG_INTERVAL: Duration = Duration::from_secs(1);

/// Reads the log until stopped.
pub(crate) struct Feed {
    app: App,
    cluster: Cluster,
    /// Ready while the log is reachable.
    log_part: Part,
    /// Ready since the log was read up to its end.
    picture_part: Part,
}

impl Feed {
    pub(crate) fn new(app: App, cluster: Cluster) -> Self {
        let (log_part, picture_part) = (app.context.readiness.part("log"), app.context.readiness.part("picture"));
        Self { app, cluster, log_part, picture_part }
    }

    /// Connects to the log, starts the shards and sends them the changes. At the end it closes the clients'
    /// connections.
    ///
    /// # Errors
    /// Fatal: the log refuses the credentials, or a shard fails.
    pub(crate) async fn run(self, stop: Shutdown) -> anyhow::Result<()> {
        let Some(connected) = stop.or(self.connect()).await else { return Ok(()) };
        let Some((epoch, topics, reader)) = connected? else { return Ok(()) };
        let view =
            Arc::new(RwLock::new(View::new(topics.public_partitions()).with_bound(self.app.options.max_objects)));
        let (counted, metrics) = (view.clone(), self.app.metrics.clone());
        self.app.context.metrics.before_export(move || metrics.count_aircraft(&counted.read()));
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
            fleets: self.app.fleets.clone(),
            fleet_requests: self.app.fleet_requests.clone(),
        })?);
        self.app.connection_lister.begin(shards.clone());
        let live = Arc::new(Live {
            epoch,
            view,
            privacy: Arc::default(),
            winds: Arc::default(),
            zones: Arc::default(),
            zone_events: Arc::default(),
            session,
            shards,
        });
        let connected_feed = ConnectedFeed {
            catching_up: topics.partitions().cloned().collect(),
            received_at: self.app.context.clock.monotonic(),
            decoder: Decoder::new().await?,
            privacy: live.privacy.clone(),
            traces: RecordTracer::new(self.app.context.tracer.clone(), self.cluster.log.as_ref()),
            new_zone_events: Vec::new(),
            private_records: Vec::new(),
            changed_fleets: Vec::new(),
            stale: false,
            log_failing: false,
            measured_at: Duration::ZERO,
            live: live.clone(),
            feed: self,
            topics,
        };
        let outcome = connected_feed.run(reader, &stop).await;
        outcome.and(live.shards.stop().await)
    }

    async fn connect(&self) -> Result<Option<(String, Topics, Reader)>, StreamError> {
        let attempt = || async {
            let epoch = self.cluster.log.epoch().await?;
            let topics = Topics::find(&self.cluster.log.describe_topics().await?, &self.cluster.topic_prefix)?;
            let topics = topics.with_events_since(self.app.context.clock.now_us().saturating_sub(EVENTS_HELD_US));
            let reader = Reader::open(self.cluster.log.as_ref(), &topics).await?;
            Ok((epoch, topics, reader))
        };
        let is_final = |error: &StreamError| !error.is_transient();
        keep_trying(&self.app.context, &self.log_part, &self.cluster.name, is_final, attempt).await
    }
}

/// The feed while it is connected to the log.
struct ConnectedFeed {
    feed: Feed,
    live: Arc<Live>,
    topics: Topics,
    decoder: Decoder,
    privacy: Arc<RwLock<PrivacyView>>,
    traces: RecordTracer,
    /// Those of the present batch, for the WebSockets.
    new_zone_events: Vec<ZoneEvent>,
    /// Those of the present batch, for the view.
    private_records: Vec<(u32, PrivatePart, Option<PrivateState>)>,
    /// Those that the present batch changes.
    changed_fleets: Vec<Arc<str>>,
    /// Partitions that are not read up to their end yet.
    catching_up: HashSet<TopicPartition>,
    /// When records last arrived.
    received_at: Duration,
    stale: bool,
    /// Whether the log reported a failure at the last check.
    log_failing: bool,
    /// When the lag was last measured.
    measured_at: Duration,
}

impl ConnectedFeed {
    async fn run(mut self, mut reader: Reader, stop: &Shutdown) -> anyhow::Result<()> {
        let clock = self.feed.app.context.clock.clone();
        loop {
            tokio::select! {
                () = stop.requested() => return Ok(reader.close().await.or_else(ignore_transient)?),
                event = reader.next() => self.handle_event(event?).await?,
                () = clock.sleep(FRESHNESS_INTERVAL) => {
                    self.report_log_failure();
                    self.check_freshness().await;
                }
            }
            self.measure_lag(&reader);
        }
    }

    /// Measures the lag at most once a second, since it is called after each event.
    fn measure_lag(&mut self, reader: &Reader) {
        let App { context, metrics, .. } = &self.feed.app;
        let now = context.clock.monotonic();
        if now.saturating_sub(self.measured_at) < LAG_INTERVAL {
            return;
        }
        self.measured_at = now;
        if let Some(lag) = reader.lag() {
            metrics.measure_lag(&lag, context.clock.now_us());
        }
    }

    async fn handle_event(&mut self, event: Event) -> anyhow::Result<()> {
        match event {
            Event::Records(records) => {
                self.received_at = self.feed.app.context.clock.monotonic();
                self.apply_records(&records).await?;
                self.check_freshness().await;
            }
            Event::CaughtUp(partition) => {
                self.catching_up.remove(&partition);
                if self.catching_up.is_empty() && self.feed.app.live.set(self.live.clone()).is_ok() {
                    self.feed.picture_part.ready();
                    let objects = self.live.view.read().len();
                    tracing::info!(objects, "the air picture is complete");
                }
            }
            // Only members of a consumer group get these.
            Event::Assigned(_) | Event::Revoked(_) => {}
        }
        Ok(())
    }

    async fn apply_records(&mut self, records: &[Incoming]) -> anyhow::Result<()> {
        let now_us = self.feed.app.context.clock.now_us();
        let mut changes: Vec<Change> = Vec::new();
        let mut hidden: Vec<Change> = Vec::new();
        let mut read: Vec<Origin> = Vec::new();
        let mut hop_times = HopTimes::default();
        let (mut traced, mut spans) = (Vec::new(), Vec::new());
        {
            let inputs: Vec<_> =
                records.iter().filter_map(|record| Some((self.decode(record)?, record.headers.first(WAY)))).collect();
            // Records that are read to catch up are old: their times say nothing about the present latency.
            let is_live = self.catching_up.is_empty();
            if is_live {
                let header = records.iter().find_map(|record| record.headers.first(WAY));
                hop_times = header.map(|header| HopTimes::parse(header, now_us)).unwrap_or_default();
            }
            // Locked for one batch: decoding is done, so that only look-ups and moves remain.
            let mut view = self.live.view.write();
            let mut dropped = 0;
            for ((origin, input, span), way) in inputs {
                match read.iter_mut().find(|last| last.partition == origin.partition) {
                    Some(last) => *last = origin,
                    None => read.push(origin),
                }
                let before = changes.len();
                match input {
                    Some(input) => dropped += view.apply(origin, now_us, input, &mut changes),
                    None => view.skip(origin),
                }
                if let Some(header) = way.filter(|_| is_live) {
                    let of_devices = changes[before..].iter().filter(|change| change.device.is_some());
                    of_devices.for_each(|change| view.set_way(change.id, Way::parse(header, now_us)));
                }
                if let Some(span) = span {
                    let fold = span.context();
                    traced.extend((before..changes.len()).map(|index| TracedChange { index, fold }));
                    spans.push((span, self.feed.app.context.clock.monotonic()));
                }
            }
            self.feed.app.metrics.objects_dropped.inc_by(dropped as u64);
            if !self.private_records.is_empty() {
                for (device, part, state) in self.private_records.drain(..) {
                    view.private_mut().apply(device, part, state, now_us, &mut hidden);
                }
                self.feed.app.metrics.hidden.set(view.private().len() as i64);
                self.feed.app.metrics.hidden_alerts.set(view.private().alert_count() as i64);
            }
        }
        spans.into_iter().for_each(|(span, ended)| span.end_at(ended));
        if !(read.is_empty() && hidden.is_empty()) {
            self.feed.app.metrics.changes.inc_by(changes.len() as u64);
            self.feed.app.metrics.objects.set(self.live.view.read().len() as i64);
            self.live.shards.changed(Arc::new(Changes { changes, hidden, read, hop_times, traced })).await?;
        }
        self.send_zone_events().await;
        self.live.shards.fleets_changed(std::mem::take(&mut self.changed_fleets)).await;
        Ok(())
    }

    /// Sends the batch's events of devices that are still public.
    async fn send_zone_events(&mut self) {
        let mut events = std::mem::take(&mut self.new_zone_events);
        {
            let privacy = self.privacy.read();
            events.retain(|event| privacy.public_past(event.device).shows(event.event_at_us));
        }
        if !events.is_empty() {
            self.live.shards.zone_events(events.into()).await;
        }
    }

    /// The input of a record for the public view; `None` for records of other topics. An unusable record is counted,
    /// and counts as read.
    fn decode(&mut self, record: &Incoming) -> Option<(Origin, Option<fanout::view::Input>, Option<Span>)> {
        let topic_use = self.topics.use_of(&record.topic, record.partition)?;
        let mut span = self.continue_trace(&topic_use, record);
        let metrics = &self.feed.app.metrics;
        let label = KindLabel { kind: topic_use.as_str() };
        metrics.records.get_or_create(&label).inc();
        let decoded = self.decoder.decode(&topic_use, record);
        if let Err(reason) = &decoded {
            metrics.rejected.get_or_create(&Reason { reason }).inc();
            tracing::debug!(topic = %record.topic, record.partition, record.offset, reason, "unusable record");
            span.iter_mut().for_each(|span| span.fail(reason));
        }
        match (topic_use, decoded) {
            (TopicUse::Public { partition, .. }, decoded) => {
                let origin = Origin { partition, offset: record.offset };
                let input = match decoded {
                    Ok(Decoded::Public(input)) => {
                        self.check_claims(&input);
                        Some(input)
                    }
                    _ => None,
                };
                Some((origin, input, span))
            }
            (TopicUse::Private, Ok(Decoded::Private { device, part, state })) => {
                if let Some(name) = state.as_ref().and_then(private_name) {
                    self.feed.app.claims.check_name(device, name);
                }
                self.private_records.push((device, part, state));
                span.into_iter().for_each(Span::end);
                None
            }
            (TopicUse::Privacy, Ok(Decoded::Privacy(state))) => {
                let mut privacy = self.privacy.write();
                privacy.apply(&state);
                self.feed.app.metrics.hidden_pasts.set(privacy.hidden() as i64);
                drop(privacy);
                span.into_iter().for_each(Span::end);
                None
            }
            (TopicUse::Account, Ok(Decoded::Account { key, offset, account })) => {
                // An owner is taken away by a record without one.
                account.iter().for_each(|account| self.feed.app.ownership.apply(account));
                self.changed_fleets.extend(self.feed.app.fleets.apply(&key, offset, account.as_ref()));
                match &account {
                    Some(account) => self.feed.app.notifications.apply(account),
                    None => self.feed.app.notifications.end(&key),
                }
                span.into_iter().for_each(Span::end);
                None
            }
            (TopicUse::Wind, Ok(Decoded::Wind { key, version, state })) => {
                self.live.winds.write().apply(&key, version, state);
                span.into_iter().for_each(Span::end);
                None
            }
            (TopicUse::Zone, Ok(Decoded::Zone(part))) => {
                let mut zones = self.live.zones.write();
                if let Err(reason) = zones.take(part) {
                    metrics.rejected.get_or_create(&Reason { reason }).inc();
                }
                metrics.zones.set(zones.inside(None, None).count() as i64);
                drop(zones);
                span.into_iter().for_each(Span::end);
                None
            }
            (TopicUse::ZoneEvent, Ok(Decoded::ZoneEvent(event))) => {
                let now_us = self.feed.app.context.clock.now_us();
                let is_new = self.live.zone_events.write().add(event.clone(), now_us);
                // Those that are read to catch up are in REST, and no client is connected yet.
                if is_new && self.catching_up.is_empty() {
                    self.new_zone_events.push(event);
                }
                span.into_iter().for_each(Span::end);
                None
            }
            _ => {
                span.into_iter().for_each(Span::end);
                None
            }
        }
    }

    /// A device proves its owner by sending the claim's code as its name.
    fn check_claims(&self, input: &fanout::view::Input) {
        let fanout::view::Input::State(state) = input else { return };
        let device = match state {
            State::Aircraft(state) => state.device,
            State::Ground(state) => state.device,
            State::Station(state) => state.device,
            State::Thermal(_) | State::Receiver(_) | State::Alert(_) | State::Landmark(_) => return,
        };
        if let Some(name) = state.name() {
            self.feed.app.claims.check_name(device, name);
        }
    }

    /// Begins the span `fold` of applying a state to the view, where its record is traced. Records that are read to
    /// catch up are old, and their traces have ended.
    fn continue_trace(&self, topic_use: &TopicUse, record: &Incoming) -> Option<Span> {
        let is_new_state = !matches!(topic_use, TopicUse::Clock) && self.catching_up.is_empty();
        is_new_state.then(|| self.traces.follow("fold", record)).flatten()
    }

    /// Reports a failure of the log at once. The last air picture is still served.
    fn report_log_failure(&mut self) {
        let failure = self.feed.cluster.log.unavailable_reason();
        match &failure {
            Some(reason) if !self.stale => {
                let log = &self.feed.cluster.name;
                self.feed.log_part.degraded(format!("cannot reach {log}: {reason}; the last air picture is served"));
            }
            None if self.log_failing && !self.stale => self.feed.log_part.ready(),
            _ => {}
        }
        self.log_failing = failure.is_some();
    }

    async fn check_freshness(&mut self) {
        if self.log_failing {
            self.report_log_failure();
        }
        let silence = self.feed.app.context.clock.monotonic().saturating_sub(self.received_at);
        let stale = silence >= self.feed.app.options.stale_after;
        if stale != self.stale {
            self.stale = stale;
            if stale {
                // Degraded and still ready: if no instance were ready, the load balancer would have none to send
                // clients to.
                let since = self.feed.app.options.stale_after;
                let log = &self.feed.cluster.name;
                let reason = format!("stale: no records from {log} for {since:?}; the last air picture is served");
                self.feed.log_part.degraded(reason);
                tracing::warn!(
                    seconds = silence.as_secs(),
                    "no records from the log: clients are notified that it is stale"
                );
            } else {
                self.feed.log_part.ready();
                tracing::info!("the log has new records again");
            }
            self.live.shards.set_stale(stale).await;
        }
    }
}

/// The name of a hidden device.
fn private_name(state: &PrivateState) -> Option<&str> {
    match state.state.as_ref()? {
        private_state::State::Aircraft(state) => state.name.as_deref(),
        private_state::State::Ground(state) => state.name.as_deref(),
        private_state::State::Station(state) => state.name.as_deref(),
        private_state::State::Alert(_) => None,
    }
}

/// An unreachable log is not an error while stopping.
fn ignore_transient(error: StreamError) -> Result<(), StreamError> {
    if error.is_transient() {
        tracing::debug!(error = with_causes(&error), "the log was unreachable while its readers closed");
        return Ok(());
    }
    Err(error)
}
