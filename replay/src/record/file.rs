//! The capture file.

use std::collections::BTreeMap;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{BufWriter, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use anyhow::Context as _;
use archive::{Hour, Location};
use capture::{Capture, FileHeader, Index, Record, Writer};

use super::args::{CaptureArgs, Source};
use crate::input::{Recording, open_file};
use crate::progress::Progress;
use crate::select::Selection;
use crate::usage::BadUsage;

/// The beginning of the names of an archive's files: `2026-07-14T13`.
const HOUR_CHARS: usize = 13;

/// Refuses an output that is also read: it would be emptied before, or doubled.
///
/// # Errors
/// [`BadUsage`].
pub(super) fn refuse_input(args: &CaptureArgs) -> anyhow::Result<()> {
    let out = &args.out;
    let is_input = match &args.from_what {
        Source::Recording(Recording::Capture(path)) if path.as_os_str() == "-" => is_same(Path::new("/dev/stdin"), out),
        Source::Recording(Recording::Capture(path)) => is_same(path, out),
        Source::Recording(Recording::Archive(Location::Folder(folder))) => is_hour_of(Path::new(folder), out),
        Source::Recording(Recording::Archive(Location::Bucket { .. })) | Source::Kafka | Source::Mqtt(_) => false,
    };
    if is_input {
        let line = format!("{} is the input: expected another file, choose another --out", out.display());
        return Err(BadUsage(line).into());
    }
    Ok(())
}

/// Whether two names are of one file, by links too.
fn is_same(one: &Path, other: &Path) -> bool {
    let file =
        |path: &Path| std::fs::metadata(path).ok().filter(Metadata::is_file).map(|file| (file.dev(), file.ino()));
    file(one).is_some_and(|one| file(other) == Some(one))
}

/// Whether a file is one of the archive in a folder.
fn is_hour_of(folder: &Path, file: &Path) -> bool {
    let (Ok(folder), Ok(file)) = (folder.canonicalize(), file.canonicalize()) else { return false };
    let hour = file.file_name().and_then(|name| name.to_str()?.get(..HOUR_CHARS));
    file.starts_with(folder) && hour.is_some_and(|hour| hour.parse::<Hour>().is_ok())
}

/// The last record of a partition in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Last {
    /// Its offset.
    pub(super) offset: u64,
    /// The highest time of the partition's records, ms since the epoch.
    pub(super) at_ms: i64,
}

/// The file before anything is changed.
pub(super) struct Target<'a> {
    args: &'a CaptureArgs,
    /// The header of a new file.
    pub(super) header: FileHeader,
    /// The last record of each partition in a file that is continued.
    pub(super) last: BTreeMap<u32, Last>,
    /// The blocks of a file that is continued, and where they end.
    old: Option<(Index, u64)>,
}

/// Looks at the file.
///
/// # Errors
/// It is to be continued, and cannot be read, or is of another topic or cluster.
pub(super) fn look(args: &CaptureArgs, header: FileHeader) -> anyhow::Result<Target<'_>> {
    let path = &args.out;
    if !args.append || !path.exists() {
        return Ok(Target { args, header, last: BTreeMap::new(), old: None });
    }
    let capture: Capture<_> = open_file(path)?;
    let old = capture.header();
    anyhow::ensure!(
        (&old.topic, &old.epoch, old.partitions) == (&header.topic, &header.epoch, header.partitions),
        "{} is of topic {:?} in cluster {:?}; the new records are of topic {:?} in cluster {:?}: choose another --out",
        path.display(),
        old.topic,
        old.epoch,
        header.topic,
        header.epoch
    );
    let index = capture.index().clone();
    Ok(Target { args, header, last: last_records(&index), old: Some((index, capture.end())) })
}

/// The last record of each partition.
fn last_records(index: &Index) -> BTreeMap<u32, Last> {
    let mut records: BTreeMap<u32, Last> = BTreeMap::new();
    for summary in index.blocks.iter().map(|entry| &entry.summary) {
        let (offset, at_ms) = (summary.last_offset, summary.last_ms);
        let last = records.entry(summary.run).or_insert(Last { offset, at_ms });
        (last.offset, last.at_ms) = (last.offset.max(offset), last.at_ms.max(at_ms));
    }
    records
}

/// Looks at the file and opens it.
///
/// # Errors
/// As [`look`] and [`Target::begin`].
pub(super) fn begin(args: &CaptureArgs, header: FileHeader) -> anyhow::Result<FileWriter> {
    look(args, header)?.begin()
}

impl Target<'_> {
    /// Opens the file: a new one, or the old one behind its last complete block.
    ///
    /// # Errors
    /// It cannot be written, or exists and is neither replaced nor continued.
    pub(super) fn begin(self) -> anyhow::Result<FileWriter> {
        let Self { args, header, last, old } = self;
        let are_messages = header.partitions == 0;
        let writer = match old {
            Some((index, end)) => {
                let mut file = OpenOptions::new().write(true).open(&args.out)?;
                file.set_len(end)?;
                file.seek(SeekFrom::Start(end))?;
                Writer::resume(BufWriter::new(file), end, index)
            }
            None => create(args, header)?,
        };
        Ok(FileWriter { writer, last, are_messages, skipped: 0 })
    }
}

fn create(args: &CaptureArgs, header: FileHeader) -> anyhow::Result<Writer<BufWriter<File>>> {
    let written_by = format!("replay {}", env!("CARGO_PKG_VERSION"));
    let header = FileHeader { written_by, ..header };
    let path = &args.out;
    let mut options = OpenOptions::new();
    options.write(true);
    if args.force {
        options.create(true).truncate(true)
    } else {
        options.create_new(true)
    };
    let file = options.open(path).with_context(|| match path.exists() {
        true => format!("{} exists: choose another --out, or give --append or --force", path.display()),
        false => format!("cannot make {}", path.display()),
    })?;
    Ok(Writer::new(BufWriter::new(file), &header)?)
}

/// The file that is written: of each partition, what is behind the records that it had before.
pub(super) struct FileWriter {
    writer: Writer<BufWriter<File>>,
    last: BTreeMap<u32, Last>,
    are_messages: bool,
    skipped: u64,
}

impl FileWriter {
    /// Takes a record into the capture, where it is selected.
    ///
    /// # Errors
    /// As [`FileWriter::push`].
    pub(super) fn take(
        &mut self,
        progress: &mut Progress,
        selection: &Selection,
        record: Record,
    ) -> anyhow::Result<()> {
        if selection.matches(&record) { self.push(progress, record) } else { Ok(()) }
    }

    /// Takes a record into the capture, unless the file had it before.
    ///
    /// # Errors
    /// The record is too large, or the file cannot be written.
    pub(super) fn push(&mut self, progress: &mut Progress, mut record: Record) -> anyhow::Result<()> {
        if let Some(last) = self.last.get(&record.partition) {
            if self.are_messages {
                // Messages are counted by their captures: no two of them have the same one.
                record.offset = last.offset.saturating_add(1).saturating_add(record.offset);
            } else if record.offset <= last.offset {
                self.skipped += 1;
                return Ok(());
            }
        }
        self.writer.push(record.partition, &record)?;
        progress.add(record.timestamp_ms);
        Ok(())
    }

    /// Writes the buffered records: a kill loses only later ones.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn flush(&mut self) -> capture::Result<()> {
        self.writer.flush()
    }

    /// Completes the file.
    ///
    /// # Errors
    /// It cannot be written.
    #[allow(clippy::print_stderr, reason = "skipped records are reported on standard error")]
    pub(super) fn finish(self) -> capture::Result<()> {
        self.writer.finish()?;
        if self.skipped > 0 {
            eprintln!("skipped {} records: the file has them, or later ones of their partition", self.skipped);
        }
        Ok(())
    }
}
