//! `processor verify`: compares the observations of the log with those of the history.
//!
//! Compares, per raw partition, the number of observations that make rows and the sum of their rows' hashes, over a period of
//! event time. An observation that is in the log twice counts once, as in the history.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;
use std::hash::{Hash, Hasher};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use clap::Args;
use futures::StreamExt as _;
use history::{
    BlockRows, ClickHouse, ClickHouseOptions, ErasureRow, GroundPositionRow, NameRow, Period, PositionRow, Rows,
    Stored, Value, WeatherRow,
};
use runtime::Context;
use rustc_hash::{FxHashMap, FxHasher};
use schemas::catalogue::{self, topic};
use schemas::id::RecordId;
use streams::registry::TopicCodec;
use streams::{Cluster, Event, Incoming, Log, SeekTo, TopicPartition};

use crate::historian::rows;

/// Which observations are compared.
#[derive(Debug, Clone, Args)]
pub struct VerifyOptions {
    /// First event time of the period, RFC 3339: 2026-06-01T10:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub from: i64,
    /// First event time after the period, RFC 3339.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub to: i64,
    /// The database of the history.
    #[command(flatten)]
    pub clickhouse: ClickHouseOptions,
}

/// Milliseconds since the epoch.
fn parse_time(text: &str) -> Result<i64, String> {
    let refuse = || format!("invalid time {text:?}: expected RFC 3339 in UTC, for example 2026-06-01T10:00:00Z");
    let time: SystemTime = humantime::parse_rfc3339(text).map_err(|_| refuse())?;
    let since = time.duration_since(UNIX_EPOCH).map_err(|_| refuse())?;
    i64::try_from(since.as_millis()).map_err(|_| refuse())
}

impl VerifyOptions {
    /// Checks the options.
    ///
    /// # Errors
    /// One line with the mistake.
    pub fn check(&self) -> Result<(), String> {
        if self.from >= self.to {
            return Err("invalid --from and --to: expected --from before --to".to_owned());
        }
        self.clickhouse.check()
    }
}

/// The number of observations of a partition, and the sum of the hashes of their rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Rows.
    pub count: u64,
    /// The sum of their hashes, modulo 2^64: the order does not matter.
    pub hash: u64,
}

/// By raw partition.
pub type Tallies = BTreeMap<u16, Tally>;

/// Compares; prints the differences and a summary.
///
/// # Errors
/// There are differences; the log, the registry or the database is unreachable.
#[allow(clippy::print_stdout, reason = "the lines are what the command is for")]
pub async fn run(options: VerifyOptions, cluster: Cluster, context: Context) -> anyhow::Result<()> {
    let database = ClickHouse::new(options.clickhouse.clickhouse_url.clone(), context.clock.clone())?;
    let period = Period { from_ms: options.from, to_ms: options.to };
    let work = async {
        let erased = Erased::read(&database).await?;
        let (in_log, unusable) = tally_log(&cluster, period, &erased).await?;
        let in_history = tally_history(&database, period).await?;
        let (text, differences) = compare(&in_log, &in_history);
        print!("{text}");
        if unusable > 0 {
            println!("{unusable} records of the log make no rows: see the dead letters");
        }
        anyhow::ensure!(
            differences == 0,
            "{differences} partitions differ: where the historian is still behind, run it again later"
        );
        Ok(())
    };
    context.shutdown.or(work).await.unwrap_or_else(|| Err(anyhow::anyhow!("stopped before the end: run it again")))
}

/// A line for each partition that differs and a summary; the number of partitions that differ.
pub fn compare(in_log: &Tallies, in_history: &Tallies) -> (String, usize) {
    let (mut text, mut differences, mut all) = (String::new(), 0, 0);
    let partitions: std::collections::BTreeSet<u16> = in_log.keys().chain(in_history.keys()).copied().collect();
    for partition in &partitions {
        let of = |tallies: &Tallies| tallies.get(partition).copied().unwrap_or_default();
        let (log, history) = (of(in_log), of(in_history));
        all += log.count;
        if log != history {
            differences += 1;
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "partition {partition}: {} observations in the log (hash {:016x}), {} in the history (hash {:016x})",
                log.count, log.hash, history.count, history.hash
            );
        }
    }
    let _ = writeln!(
        text,
        "{} partitions, {all} observations in the log, {differences} partitions differ",
        partitions.len()
    );
    (text, differences)
}

fn hash(row: &impl Stored) -> u64 {
    let mut hasher = FxHasher::default();
    for value in row.values() {
        match value {
            Value::Null => hasher.write_u8(0),
            Value::Integer(number) => hasher.write_i64(number),
            Value::Real(number) => hasher.write_u64(number.to_bits()),
            Value::Text(text) => text.hash(&mut hasher),
            Value::Blob(bytes) => bytes.hash(&mut hasher),
        }
    }
    hasher.finish()
}

fn count(tallies: &mut Tallies, id: u64, hash: u64) {
    let tally = tallies.entry(RecordId(id).partition()).or_default();
    tally.count += 1;
    tally.hash = tally.hash.wrapping_add(hash);
}

/// Erased devices: by device, the last erased id of each raw partition.
struct Erased(FxHashMap<u32, Vec<u64>>);

impl Erased {
    async fn read(database: &ClickHouse) -> anyhow::Result<Self> {
        let mut erased: FxHashMap<u32, Vec<u64>> = FxHashMap::default();
        let mut erasures = database.whole::<ErasureRow>(None, "read erasures");
        while let Some(block) = erasures.next().await {
            for erasure in block? {
                erased.entry(erasure.device).or_default().push(erasure.observation_id);
            }
        }
        Ok(Self(erased))
    }

    fn contains(&self, device: u32, id: u64) -> bool {
        let until = self.0.get(&device);
        until.is_some_and(|ids| ids.iter().any(|until| until >> 48 == id >> 48 && id <= *until))
    }
}

async fn tally_history(database: &ClickHouse, period: Period) -> anyhow::Result<Tallies> {
    let mut tallies = Tallies::new();
    add_all(&mut tallies, database.whole::<PositionRow>(Some(period), "read positions"), |row| {
        (!row.private).then_some(row.observation_id)
    })
    .await?;
    add_all(&mut tallies, database.whole::<GroundPositionRow>(Some(period), "read ground positions"), |row| {
        (!row.private).then_some(row.observation_id)
    })
    .await?;
    add_all(&mut tallies, database.whole::<WeatherRow>(Some(period), "read weather"), |row| {
        (!row.private).then_some(row.observation_id)
    })
    .await?;
    add_all(&mut tallies, database.whole::<NameRow>(Some(period), "read names"), |row| {
        (!row.private).then_some(row.observation_id)
    })
    .await?;
    Ok(tallies)
}

async fn add_all<T: Stored>(
    tallies: &mut Tallies,
    mut rows: Rows<T>,
    public_id: impl Fn(&T) -> Option<u64>,
) -> anyhow::Result<()> {
    while let Some(block) = rows.next().await {
        for row in block? {
            if let Some(id) = public_id(&row) {
                count(tallies, id, hash(&row));
            }
        }
    }
    Ok(())
}

/// The public observations of a period in the log, and the number of its records that make no rows.
async fn tally_log(cluster: &Cluster, period: Period, erased: &Erased) -> anyhow::Result<(Tallies, u64)> {
    let topic = catalogue::find(topic::OBSERVATION).context("in the catalogue")?;
    let name = cluster.full_name(&topic.name);
    // With a mistyped prefix the topic does not exist: fail before a schema is registered under the prefix.
    let partitions = cluster.log.partitions(&name).await?;
    let codec = cluster.schemas.prepare(&cluster.topic_prefix, &topic).await?;
    let (mut tallies, mut unusable) = (Tallies::new(), 0);
    for partition in 0..partitions {
        let source = TopicPartition::new(name.clone(), partition);
        let counted = tally_partition(cluster.log.as_ref(), &codec, source, period, erased, &mut tallies).await;
        unusable += counted.with_context(|| format!("{name}[{partition}]"))?;
    }
    Ok((tallies, unusable))
}

async fn tally_partition(
    log: &dyn Log,
    codec: &TopicCodec,
    partition: TopicPartition,
    period: Period,
    erased: &Erased,
    tallies: &mut Tallies,
) -> anyhow::Result<u64> {
    // A record's timestamp is its event time, so no record of the period is before the first one with that timestamp. Event
    // times that the historian moves to a limit are in later records.
    let begin = SeekTo::Time { timestamp_ms: period.from_ms };
    let mut source = log.read(vec![(partition, begin)]).await?;
    let (mut seen, mut unusable) = (HashSet::new(), 0);
    loop {
        match source.next().await? {
            Event::CaughtUp(_) => break,
            Event::Records(records) => {
                for record in &records {
                    unusable += u64::from(!tally_record(codec, record, period, erased, &mut seen, tallies));
                }
            }
            Event::Assigned(_) | Event::Revoked(_) => {}
        }
    }
    source.close().await?;
    Ok(unusable)
}

/// `false`: the record makes no rows although it should.
fn tally_record(
    codec: &TopicCodec,
    record: &Incoming,
    period: Period,
    erased: &Erased,
    seen: &mut HashSet<u64>,
    tallies: &mut Tallies,
) -> bool {
    let mut made = BlockRows::default();
    if rows::add(topic::OBSERVATION, codec, record, &mut made).is_err() {
        return false;
    }
    let mut add = |id: u64, device: u32, at_ms: i64, private: bool, hash: u64| {
        let counts = (period.from_ms..period.to_ms).contains(&at_ms) && !private && !erased.contains(device, id);
        if counts && seen.insert(id) {
            count(tallies, id, hash);
        }
    };
    made.positions.iter().for_each(|row| add(row.observation_id, row.device, row.event_at_ms, row.private, hash(row)));
    made.ground_positions
        .iter()
        .for_each(|row| add(row.observation_id, row.device, row.event_at_ms, row.private, hash(row)));
    made.weather.iter().for_each(|row| add(row.observation_id, row.device, row.event_at_ms, row.private, hash(row)));
    made.names.iter().for_each(|row| add(row.observation_id, row.device, row.event_at_ms, row.private, hash(row)));
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rfc_3339() {
        assert_eq!(parse_time("1970-01-01T00:00:01.5Z"), Ok(1_500));
        for bad in ["", "yesterday", "1969-01-01T00:00:00Z", "2026-06-01"] {
            assert!(parse_time(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn each_difference_is_a_line() {
        let tally = |count, hash| Tally { count, hash };
        let log = Tallies::from([(1, tally(5, 7)), (2, tally(5, 7)), (3, tally(1, 1))]);
        let history = Tallies::from([(1, tally(5, 7)), (2, tally(5, 8)), (4, tally(2, 2))]);
        let (text, differences) = compare(&log, &history);
        assert_eq!(differences, 3);
        assert!(!text.contains("partition 1:") && text.contains("partition 2: 5 observations in the log"), "{text}");
        assert!(text.ends_with("4 partitions, 11 observations in the log, 3 partitions differ\n"), "{text}");
        assert_eq!(compare(&log, &log).1, 0);
    }

    #[test]
    fn an_erasure_applies_in_its_partition_up_to_its_id() {
        let erased = Erased(FxHashMap::from_iter([(7, vec![3 << 48 | 100])]));
        assert!(erased.contains(7, 3 << 48 | 100) && erased.contains(7, 3 << 48));
        assert!(!erased.contains(7, 3 << 48 | 101) && !erased.contains(7, 2 << 48) && !erased.contains(8, 3 << 48));
    }
}
