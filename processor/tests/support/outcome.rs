//! The expected and the written outputs of the stream core, for complete groups on any log.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use air::core::Settings;
use processor::pipeline::{Emission, Machine as _};
use processor::raw::RawMachine;
use processor::sinks::topics::RawTopics;
use processor::{ClockReadiness, RawMetrics};
use runtime::{Clock, Context, Metrics};
use schemas::catalogue;
use schemas::v1::raw_record::Input;
use schemas::v1::{RawRecord, Zone, ZonePolygon, ZoneRing, ZoneSetPart};
use streams::registry::Schemas;
use streams::{
    Cluster, Event, Flush, Headers, Incoming, Log, Outgoing, SeekTo, SinkSettings, TopicPartition, partitioner,
};
use tokio::sync::watch;

use crate::traffic::{self, Plan, Sent};

pub(crate) const PARTITIONS: u32 = 24;

/// An output without its time of processing: topic, partition, key, value, version.
pub(crate) type Output = (String, u32, Option<Vec<u8>>, Option<Vec<u8>>, Option<String>);

fn output(topic: &str, partition: u32, key: Option<&[u8]>, value: Option<&[u8]>, headers: &Headers) -> Output {
    let version = headers.first("version").map(|version| String::from_utf8_lossy(version).into_owned());
    (topic.to_owned(), partition, key.map(<[u8]>::to_vec), value.map(<[u8]>::to_vec), version)
}

const OUTPUTS: [&str; 11] = [
    "fanet.observation.v1",
    "fanet.private.observation.v1",
    "fanet.reception.v1",
    "fanet.state.aircraft.v1",
    "fanet.state.ground.v1",
    "fanet.state.station.v1",
    "fanet.alert.v1",
    "fanet.private.state.v1",
    "fanet.private.privacy.v1",
    "fanet.thermal-report.v1",
    "fanet.zone-event.v1",
];

/// With a set of zones that all pilots fly through: before the first record, and halfway another version of it in two parts.
fn with_zones(mut records: Vec<Sent>) -> Vec<Sent> {
    let zone = |zone_id: &str, west_deg: f64, east_deg: f64| {
        let e6 = |degrees: f64| (degrees * 1e6) as i32;
        let width = e6(east_deg) - e6(west_deg);
        let outline = ZoneRing {
            latitudes_e6: vec![e6(44.0), 0, e6(4.0), 0],
            longitudes_e6: vec![e6(west_deg), width, 0, -width],
        };
        let polygons = vec![ZonePolygon { outline: Some(outline), holes: Vec::new() }];
        Zone { zone_id: zone_id.to_owned(), name: zone_id.to_owned(), polygons, ..Zone::default() }
    };
    let part = |version: u64, part: u32, parts: u32, zone: Zone| ZoneSetPart {
        set: "test".to_owned(),
        version,
        part,
        parts,
        zones: vec![zone],
        ..ZoneSetPart::default()
    };
    let sent = |at: &Sent, part: ZoneSetPart| Sent {
        key: None,
        record: RawRecord {
            ingested_at_us: at.record.ingested_at_us,
            input: Some(Input::ZoneSet(part)),
            ..RawRecord::default()
        },
    };
    let middle = records.len() / 2;
    let narrow = sent(&records[0], part(1, 0, 1, zone("a", 6.01, 6.02)));
    let wide = [part(2, 0, 2, zone("a", 6.005, 6.03)), part(2, 1, 2, zone("b", 6.0, 6.01))];
    let wide = wide.map(|part| sent(&records[middle], part));
    records.splice(middle..middle, wide);
    records.insert(0, narrow);
    records
}

fn partitions_of(topic: &str) -> u32 {
    catalogue::find(topic).expect("in the catalogue").partitions
}

/// The topics of one prefix in a log.
pub(crate) struct Environment {
    pub(crate) log: Arc<dyn Log>,
    pub(crate) prefix: String,
    pub(crate) schemas: Schemas,
}

impl Environment {
    fn partitions(&self, topic: &str) -> impl Iterator<Item = (TopicPartition, SeekTo)> {
        let name: Arc<str> = format!("{}{topic}", self.prefix).into();
        (0..partitions_of(topic)).map(move |at| (TopicPartition::new(name.clone(), at), SeekTo::Beginning))
    }

    fn output(&self, record: &Incoming) -> Output {
        let topic = record.topic.strip_prefix(&self.prefix).expect("a topic of this environment");
        output(topic, record.partition, record.key.as_deref(), record.value.as_deref(), &record.headers)
    }

    /// Creates all topics and writes the traffic into the raw one.
    pub(crate) async fn fill(&self, plan: Plan) {
        processor::topics::create(&self.prefix, self.log.as_ref()).await.expect("topics");
        let raw = catalogue::find("fanet.raw.v1").expect("in the catalogue");
        let codec = self.schemas.prepare(&self.prefix, &raw).await.expect("a codec");
        let sink = self.log.sink(SinkSettings::new("test")).expect("a sink");
        let (flush, name) = (Flush::new(), Arc::<str>::from(raw.full_name(&self.prefix)));
        for sent in with_zones(traffic::records(plan)) {
            let partitions = match &sent.key {
                Some(key) => vec![partitioner::partition_of(key.as_bytes(), PARTITIONS)],
                None => (0..PARTITIONS).collect(),
            };
            for partition in partitions {
                let record = Outgoing {
                    topic: name.clone(),
                    partition: Some(partition),
                    key: sent.key.clone().map(Into::into),
                    value: Some(codec.encode(&sent.record)),
                    headers: Headers::new(),
                    timestamp_ms: (sent.record.ingested_at_us / 1_000).cast_signed(),
                };
                sink.send(record, flush.receipt()).await.expect("sent");
            }
        }
        flush.wait().await.expect("written");
    }

    /// All records of a topic at the time of the call.
    pub(crate) async fn read_all(&self, topic: &str) -> Vec<Incoming> {
        let mut source = self.log.read(self.partitions(topic).collect()).await.expect("a reader");
        let (mut records, mut caught_up) = (Vec::new(), 0);
        while caught_up < partitions_of(topic) {
            match source.next().await.expect("reads") {
                Event::Records(more) => records.extend(more),
                Event::CaughtUp(_) => caught_up += 1,
                _ => {}
            }
        }
        records
    }

    /// The outputs in a topic, repeated ones once.
    #[allow(dead_code, reason = "not every test reads single topics")]
    pub(crate) async fn outputs_in(&self, topic: &str) -> BTreeSet<Output> {
        self.read_all(topic).await.iter().map(|record| self.output(record)).collect()
    }

    /// The outputs of the cores without any failure.
    pub(crate) async fn expected(&self) -> BTreeSet<Output> {
        let (log, schemas, topic_prefix) = (self.log.clone(), self.schemas.clone(), self.prefix.clone());
        let (cluster, context) = (Cluster::new(log, schemas, topic_prefix), Context::new(Clock::system()));
        let topics = Arc::new(RawTopics::prepare(&cluster, &context).await.expect("schemas"));
        let metrics = RawMetrics::register(&Metrics::new());
        let mut machines: BTreeMap<u32, RawMachine> = BTreeMap::new();
        let mut out = Emission::default();
        for record in self.read_all("fanet.raw.v1").await {
            let machine = machines.entry(record.partition).or_insert_with(|| {
                let (topics, metrics, clock) = (topics.clone(), metrics.clone(), Clock::system());
                let clocks = ClockReadiness::new(context.readiness.part("clock"));
                RawMachine::new(record.partition, "epoch", Settings::default(), topics, clock, metrics, clocks)
            });
            machine.apply(&record, &mut out);
        }
        let output_of = |record: &Outgoing| {
            let topic = record.topic.strip_prefix(&self.prefix).expect("a topic of this environment");
            let key = record.key.as_deref();
            let by_key = || partitioner::partition_of(key.unwrap_or_default(), partitions_of(topic));
            let partition = record.partition.unwrap_or_else(by_key);
            output(topic, partition, key, record.value.as_deref(), &record.headers)
        };
        let expected: BTreeSet<Output> = out.records.iter().map(output_of).collect();
        assert!(expected.len() > 1_000, "only {} records", expected.len());
        expected
    }

    /// Waits until so many records are in the topic of observations.
    #[allow(dead_code, reason = "not every test waits once")]
    pub(crate) async fn until_observed(&self, count: usize) {
        self.observed().await.wait_for(|observed| *observed >= count).await.expect("observations are counted");
    }

    /// The number of records in the topic of observations, which a task counts as they come.
    pub(crate) async fn observed(&self) -> watch::Receiver<usize> {
        let mut source = self.log.read(self.partitions("fanet.observation.v1").collect()).await.expect("a reader");
        let (observed, receiver) = watch::channel(0);
        tokio::spawn(async move {
            while !observed.is_closed() {
                if let Event::Records(records) = source.next().await.expect("reads") {
                    observed.send_modify(|observed| *observed += records.len());
                }
            }
        });
        receiver
    }

    /// Waits until all expected outputs are there, and asserts that there are no others.
    pub(crate) async fn until_written(&self, expected: &BTreeSet<Output>) {
        let from = OUTPUTS.iter().flat_map(|topic| self.partitions(topic)).collect();
        let mut source = self.log.read(from).await.expect("a reader");
        let mut missing = expected.clone();
        let all = async {
            while !missing.is_empty() {
                if let Event::Records(records) = source.next().await.expect("reads") {
                    for record in records {
                        missing.remove(&self.output(&record));
                    }
                }
            }
        };
        if tokio::time::timeout(Duration::from_secs(90), all).await.is_err() {
            let some: Vec<_> = missing.iter().take(3).map(|output| (&output.0, output.1, &output.4)).collect();
            panic!("{} records are missing, for example {some:?}", missing.len());
        }
        let mut written = BTreeSet::new();
        for topic in OUTPUTS {
            written.extend(self.read_all(topic).await.iter().map(|record| self.output(record)));
        }
        let more: Vec<_> = written.difference(expected).take(3).collect();
        assert!(more.is_empty(), "{} records too many, for example {more:?}", written.difference(expected).count());
    }
}
