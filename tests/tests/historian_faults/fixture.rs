//! A log with observations, a database, and the programs between them.

use std::sync::LazyLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use harness::{Program, ProgramOptions, Stack, wait_until};
use prost::Message;
use schemas::catalogue::{self, topic};
use schemas::id::RecordId;
use schemas::v1::observation::Body;
use schemas::v1::reception::Content;
use schemas::v1::{AircraftKind, AircraftPosition, HeardFrame, Observation, Position, Reception, SourceKind};
use streams::registry::{Schemas, TopicCodec};
use streams::{Flush, Headers, KafkaLog, KafkaSettings, Log, Outgoing, Sink, SinkSettings};

pub(crate) const PARTITIONS: u64 = 24;
pub(crate) const TIMEOUT: Duration = Duration::from_secs(120);
const HOUR_US: u64 = 3_600_000_000;
pub(crate) const SPAN_US: u64 = 2 * HOUR_US;

/// Yesterday at 08:00 UTC in microseconds: the observations are in the two hours after it. Not earlier, since Kafka's
/// retention uses the records' times.
pub(crate) static MORNING_US: LazyLock<u64> = LazyLock::new(|| {
    #[allow(clippy::disallowed_methods, reason = "the programs under test use the clock of the machine, too")]
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    (since.as_secs() / 86_400 - 1) * 24 * HOUR_US + 8 * HOUR_US
});

/// The settings, prefix and database of a test.
pub(crate) struct Fixture {
    pub(crate) settings: Vec<(String, String)>,
    pub(crate) log: KafkaLog,
    pub(crate) prefix: String,
    schemas: Schemas,
    pub(crate) clickhouse: String,
    database: String,
}

impl Fixture {
    /// Creates empty topics and tables.
    pub(crate) async fn start(name: &str, bootstrap: &str, clickhouse: &str) -> Result<Self> {
        let prefix = harness::unique_prefix(name);
        let database = prefix.replace(['-', '.'], "_");
        let registry = Stack::shared().registry().await?.url();
        let settings = [
            ("UPDRAFT_KAFKA_BOOTSTRAP", bootstrap.to_owned()),
            ("UPDRAFT_SCHEMA_REGISTRY_URL", registry.to_owned()),
            ("UPDRAFT_TOPIC_PREFIX", prefix.clone()),
            ("UPDRAFT_CLICKHOUSE_URL", format!("{clickhouse}/{database}")),
            ("UPDRAFT_HISTORIAN_BLOCK_AGE", "300ms".to_owned()),
            // No deletion by age: the rows' times do not depend on the server's clock.
            ("UPDRAFT_HISTORY_POSITION_DAYS", "0".to_owned()),
            ("UPDRAFT_HISTORY_RECEPTION_DAYS", "0".to_owned()),
        ];
        let settings = settings.map(|(name, value)| (name.to_owned(), value)).to_vec();
        let log = KafkaLog::connect(KafkaSettings::new(bootstrap, "historian-faults"))?;
        let schemas = Schemas::registry(registry)?;
        let fixture = Self { settings, log, prefix, schemas, clickhouse: clickhouse.to_owned(), database };
        fixture.command(&["topics", "apply", "--new-prefix"]).await?;
        fixture.command(&["migrate", "--new-database"]).await?;
        Ok(fixture)
    }

    /// Runs a command of the processor to its end.
    pub(crate) async fn command(&self, arguments: &[&str]) -> Result<String> {
        let options = ProgramOptions::new("processor").args(arguments.iter().copied()).envs(self.settings.clone());
        options.start_within(TIMEOUT).run().await
    }

    /// Compares log and history for the complete time.
    pub(crate) async fn verify(&self) -> Result<String> {
        let time = |us| humantime::format_rfc3339(UNIX_EPOCH + Duration::from_micros(us)).to_string();
        let (from, to) = (time(*MORNING_US), time(*MORNING_US + 3 * HOUR_US));
        self.command(&["verify", "--from", &from, "--to", &to]).await
    }

    /// Starts a historian without waiting until it is ready.
    pub(crate) fn historian(&self, settings: &[(&str, &str)]) -> Result<Program> {
        let mut options = ProgramOptions::new("processor").args(["historian"]).envs(self.settings.clone());
        for (name, value) in settings {
            options = options.env(name, value);
        }
        Program::spawn(options)
    }

    /// Executes a statement in the database.
    pub(crate) async fn sql(&self, text: &str) -> Result<String> {
        let url = format!("{}/?database={}", self.clickhouse, self.database);
        let request = reqwest::Client::new().post(url).body(text.to_owned()).timeout(Duration::from_secs(60));
        let answer = request.send().await.context("the database")?;
        let (good, body) = (answer.status().is_success(), answer.text().await?);
        ensure!(good, "{text}: {body}");
        Ok(body.trim().to_owned())
    }

    /// Makes flights now, as the historian does every ten minutes.
    pub(crate) async fn make_flights(&self) -> Result<()> {
        let url = format!("{}/{}", self.clickhouse, self.database);
        Ok(history::ClickHouse::new(url, runtime::Clock::system())?.refresh().await?)
    }

    /// The result of a query that returns a number.
    pub(crate) async fn number(&self, text: &str) -> Result<u64> {
        self.sql(text).await?.parse().with_context(|| text.to_owned())
    }

    pub(crate) async fn wait_for_rows(&self, table: &str, count: u64) -> Result<()> {
        let enough = async || {
            let rows = self.number(&format!("SELECT count() FROM {table}")).await.ok()?;
            (rows >= count).then_some(())
        };
        wait_until(TIMEOUT, &format!("{count} rows in {table}"), enough).await.map(|_| ())
    }

    pub(crate) async fn wait_for_exact_count(&self, table: &str, count: u64) -> Result<()> {
        let query = format!("SELECT count() FROM {table} FINAL");
        let equal = async || (self.number(&query).await.ok()? == count).then_some(());
        wait_until(TIMEOUT, &format!("{count} rows in {table}"), equal).await.map(|_| ())
    }

    pub(crate) async fn writer(&self) -> Result<Writer> {
        let codec = async |name| {
            let topic = catalogue::find(name).context("in the catalogue")?;
            anyhow::Ok((topic.full_name(&self.prefix), self.schemas.prepare(&self.prefix, &topic).await?))
        };
        Ok(Writer {
            sink: self.log.sink(SinkSettings::new("historian-faults"))?,
            flush: Flush::new(),
            observations: codec(topic::OBSERVATION).await?,
            private_observations: codec(topic::PRIVATE_OBSERVATION).await?,
            receptions: codec(topic::RECEPTION).await?,
        })
    }
}

/// Writes records as the processor does.
pub(crate) struct Writer {
    sink: std::sync::Arc<dyn Sink>,
    flush: Flush,
    observations: (String, TopicCodec),
    private_observations: (String, TopicCodec),
    receptions: (String, TopicCodec),
}

impl Writer {
    pub(crate) async fn observation(&self, observation: &Observation) -> Result<()> {
        let partition = RecordId(observation.observation_id).partition();
        self.send(&self.observations, partition, observation, observation.event_at_us).await
    }

    pub(crate) async fn private_observation(&self, observation: &Observation) -> Result<()> {
        let partition = RecordId(observation.observation_id).partition();
        self.send(&self.private_observations, partition, observation, observation.event_at_us).await
    }

    pub(crate) async fn reception(&self, reception: &Reception) -> Result<()> {
        let partition = RecordId(reception.reception_id).partition();
        self.send(&self.receptions, partition, reception, reception.ingested_at_us).await
    }

    /// Writes a record that is not an observation.
    pub(crate) async fn invalid_record(&self, partition: u32) -> Result<()> {
        self.record(&self.observations.0, partition, "this is not an observation".into(), *MORNING_US).await
    }

    pub(crate) async fn done(self) -> Result<()> {
        Ok(self.flush.wait().await?)
    }

    async fn send(&self, to: &(String, TopicCodec), partition: u16, value: &impl Message, at_us: u64) -> Result<()> {
        self.record(&to.0, partition.into(), to.1.encode(value), at_us).await
    }

    async fn record(&self, topic: &str, partition: u32, value: bytes::Bytes, at_us: u64) -> Result<()> {
        let record = Outgoing {
            topic: topic.into(),
            partition: Some(partition),
            key: None,
            value: Some(value),
            headers: Headers::new(),
            timestamp_ms: (at_us / 1_000).cast_signed(),
        };
        Ok(self.sink.send(record, self.flush.receipt()).await?)
    }
}

/// The id of the n-th observation, round robin over the partitions.
pub(crate) fn id(number: u64) -> u64 {
    RecordId::new((number % PARTITIONS) as u16, number / PARTITIONS).0
}

/// The n-th of `count` observations: `devices` paragliders fly side by side for two hours.
pub(crate) fn observation(number: u64, count: u64, devices: u64) -> Observation {
    let at_us = *MORNING_US + (u128::from(number) * u128::from(SPAN_US) / u128::from(count)) as u64;
    let (device, step) = (number % devices, number / devices);
    Observation {
        observation_id: id(number),
        event_at_us: at_us,
        ingested_at_us: at_us,
        device: (0x11_0000 + device) as u32,
        source: SourceKind::Radio.into(),
        score: Some(90),
        packet_type: Some(1),
        body: Some(Body::Position(AircraftPosition {
            position: Some(Position {
                latitude_deg: 45.0 + step as f64 * 0.000_05,
                longitude_deg: 6.0 + device as f64 * 0.01,
                altitude_m: Some(1_000.0 + (step % 900) as f64),
            }),
            online_tracking: true,
            aircraft_kind: AircraftKind::Paraglider.into(),
            speed_kmh: 36.0,
            climb_mps: 1.2,
            course_deg: Some(0.0),
            ..AircraftPosition::default()
        })),
        ..Observation::default()
    }
}

/// The reception of an observation.
pub(crate) fn reception(observation: &Observation) -> Reception {
    let Some(Body::Position(position)) = &observation.body else { unreachable!("only positions have receptions here") };
    Reception {
        reception_id: observation.observation_id,
        receiver_id: format!("Receiver{}", observation.observation_id % 3),
        ingested_at_us: observation.ingested_at_us,
        content: Some(Content::HeardFrame(HeardFrame {
            observation_id: Some(observation.observation_id),
            rssi_dbm: -95,
            snr_db: 5,
            receiver_stamp_s: (observation.event_at_us / 1_000_000) as u32,
            relayed: false,
            packet_type: Some(1),
            position: position.position,
            ..HeardFrame::default()
        })),
    }
}
