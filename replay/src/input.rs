//! The inputs of commands: a capture, or the captures of an archive one after the other.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::Context as _;
use archive::{Hour, Location, Manifest, S3Options, Store};
use capture::{Capture, Ending, FileHeader, Record};

use crate::select::{SelectArgs, Selection};
use crate::usage::BadUsage;

/// A capture's file, or an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recording {
    /// A file.
    Capture(PathBuf),
    /// The folder or bucket that `processor archive` writes.
    Archive(Location),
}

impl FromStr for Recording {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse()? {
            Location::Folder(path) if !Path::new(&path).is_dir() => Ok(Self::Capture(path.into())),
            location => Ok(Self::Archive(location)),
        }
    }
}

/// The selected records of a source, in order. Damaged parts are returned as errors.
pub struct SelectedRecords {
    /// The header of the first capture.
    pub header: FileHeader,
    /// Upper bound of the number of selected records: counts all records of each block (archive: hour) that may contain
    /// one. Late records in the hour after the selected ones come on top.
    pub max_records: u64,
    /// The first record's time, ms since the epoch; `None` where there is no record.
    pub first_ms: Option<i64>,
    /// The last record's time.
    pub last_ms: Option<i64>,
    selection: Selection,
    parts: std::vec::IntoIter<Part>,
    current: Option<Box<dyn Iterator<Item = capture::Result<Record>> + Send>>,
}

enum Part {
    /// Damage that was found when the capture was opened.
    Damaged(String),
    File(Box<Capture<BufReader<File>>>),
    Hour(Box<(Store, Manifest)>),
}

/// Opens an input and resolves the selection's times.
///
/// # Errors
/// - The file or archive cannot be opened.
/// - The file is not a capture.
/// - The archive has no hour in the selected time.
/// - The selected hours have different epochs.
#[allow(clippy::print_stderr, reason = "an incomplete capture is reported on standard error")]
pub fn open(input: &Recording, s3: &S3Options, select: &SelectArgs, now_ms: i64) -> anyhow::Result<SelectedRecords> {
    match input {
        Recording::Capture(path) => {
            let capture = open_file(path)?;
            if let Ending::CutOff { lost_bytes, .. } = capture.ending() {
                eprintln!(
                    "{}: incomplete capture (its writer is still running, or was killed): skipped {lost_bytes} bytes after the \
                     last complete block",
                    path.display()
                );
            }
            let summaries = || capture.index().blocks.iter().map(|entry| &entry.summary);
            let (first_ms, last_ms) = (summaries().map(|s| s.first_ms).min(), summaries().map(|s| s.last_ms).max());
            let selection = select.resolve(now_ms, first_ms)?;
            let wanted = summaries().filter(|summary| selection.filter.may_match(summary));
            let max_records = wanted.map(|summary| u64::from(summary.records)).sum();
            let header = capture.header().clone();
            let damaged = |(start, end): (u64, u64)| {
                Part::Damaged(format!("the capture is damaged: bytes {start} to {end} are unreadable"))
            };
            let mut parts: Vec<Part> = capture.damage().map(damaged).collect();
            parts.push(Part::File(Box::new(capture)));
            Ok(SelectedRecords {
                header,
                max_records,
                first_ms,
                last_ms,
                selection,
                parts: parts.into_iter(),
                current: None,
            })
        }
        Recording::Archive(location) => {
            let store = open_store(location, s3)?;
            block_on_new_thread(async {
                let hours = store.hours().await?;
                anyhow::ensure!(!hours.is_empty(), "{}", no_hours(location));
                let selection = select.resolve(now_ms, hours.first().map(|hour| hour.start_ms()))?;
                let mut manifests = Vec::new();
                for hour in hours.iter().filter(|hour| may_hold(**hour, &selection)) {
                    manifests.push(store.manifest(*hour).await?);
                }
                let first = manifests.first().with_context(|| {
                    format!(
                        "the archive {location} has no hour in the time selected with --from and --to: choose a time from {} to {}",
                        hours[0],
                        hours[hours.len() - 1]
                    )
                })?;
                if let Some(other) = manifests.iter().find(|manifest| manifest.epoch != first.epoch) {
                    anyhow::bail!(
                        "the hours {} and {} have different epochs (different Kafka clusters), whose offsets cannot be compared: \
                         limit --from and --to to hours of one epoch",
                        first.hour,
                        other.hour
                    );
                }
                let header = FileHeader {
                    topic: first.topic.clone(),
                    epoch: first.epoch.clone(),
                    partitions: first.partitions.len() as u32,
                    ..FileHeader::default()
                };
                let first_ms = Some(first.hour.start_ms());
                let last_ms = manifests.last().map(|manifest| manifest.hour.end_ms());
                let max_records = manifests.iter().map(|manifest| manifest.records).sum();
                for hour in hours.iter().filter(|hour| may_hold_late(**hour, &selection)) {
                    let after = store.manifest(*hour).await?;
                    // The hour after a change of the cluster continues nothing.
                    manifests.extend((after.epoch == header.epoch).then_some(after));
                }
                Ok(SelectedRecords {
                    header,
                    max_records,
                    first_ms,
                    last_ms,
                    selection,
                    parts: manifests
                        .into_iter()
                        .map(|manifest| Part::Hour(Box::new((store.clone(), manifest))))
                        .collect::<Vec<_>>()
                        .into_iter(),
                    current: None,
                })
            })
        }
    }
}

/// What is wrong with an archive without hours.
pub(crate) fn no_hours(location: &Location) -> String {
    format!(
        "the archive {location} is empty: expected hourly files; write them with `processor archive`, or check the location"
    )
}

/// Whether an hour may hold records of this time.
pub(crate) fn may_hold(hour: Hour, selection: &Selection) -> bool {
    let time_ms = selection.filter.time_ms.as_ref();
    time_ms.is_none_or(|time| hour.start_ms() < time.end && hour.end_ms() > time.start)
}

/// Whether an hour is the one after this time: late records, written behind an hour's border, are in the next file.
fn may_hold_late(hour: Hour, selection: &Selection) -> bool {
    let time_ms = selection.filter.time_ms.as_ref();
    time_ms.is_some_and(|time| hour == Hour::of_ms(time.end.saturating_sub(1)).next())
}

/// Opens an archive.
///
/// # Errors
/// The options do not fit together ([`BadUsage`]), or the store cannot be used.
pub(crate) fn open_store(location: &Location, s3: &S3Options) -> anyhow::Result<Store> {
    s3.check().map_err(BadUsage)?;
    Store::open(location.clone(), s3)
}

/// Opens the capture in a file.
///
/// # Errors
/// There is no such file, or it is no capture.
pub fn open_file(path: &Path) -> anyhow::Result<Capture<BufReader<File>>> {
    let name = || path.display().to_string();
    let file = File::open(path)
        .with_context(|| format!("cannot open {}: expected a capture file, or the folder of an archive", name()))?;
    Capture::open(BufReader::with_capacity(1 << 18, file)).with_context(name)
}

/// Runs a future to completion on a new thread, because the caller may be inside an async runtime.
fn block_on_new_thread<T: Send>(work: impl Future<Output = anyhow::Result<T>> + Send) -> anyhow::Result<T> {
    std::thread::scope(|scope| scope.spawn(|| block_on(work)).join())
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Runs a future to completion. Panics inside an async runtime.
pub(crate) fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    runtime.context("cannot start the async runtime")?.block_on(work)
}

impl SelectedRecords {
    /// Keeps ticks when a selection by device, receiver, type or bounds would drop them: the processor's core needs them
    /// to advance its clock.
    #[must_use]
    pub fn with_ticks(mut self) -> Self {
        self.selection = self.selection.with_ticks();
        self
    }

    fn next_part(&mut self) -> Option<anyhow::Result<()>> {
        let filter = self.selection.filter.clone();
        let current: Box<dyn Iterator<Item = capture::Result<Record>> + Send> = match self.parts.next()? {
            Part::Damaged(damage) => return Some(Err(anyhow::anyhow!(damage))),
            Part::File(capture) => Box::new((*capture).into_records(filter)),
            Part::Hour(hour) => match block_on_new_thread(hour.0.open_hour(&hour.1)) {
                Ok(capture) => Box::new(capture.into_records(filter)),
                Err(error) => return Some(Err(error.context(format!("the hour {}", hour.1.hour)))),
            },
        };
        self.current = Some(current);
        Some(Ok(()))
    }
}

impl Iterator for SelectedRecords {
    type Item = anyhow::Result<Record>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(current) = &mut self.current {
                match current.next() {
                    Some(Ok(record)) if self.selection.matches(&record) => return Some(Ok(record)),
                    Some(Ok(_)) => continue,
                    Some(Err(error)) => return Some(Err(error.into())),
                    None => self.current = None,
                }
            }
            match self.next_part()? {
                Ok(()) => {}
                Err(error) => return Some(Err(error)),
            }
        }
    }
}
