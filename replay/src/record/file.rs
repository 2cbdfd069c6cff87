//! The capture file.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{BufWriter, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use anyhow::Context as _;
use archive::{Hour, Location};
use capture::{Capture, FileHeader, Record, Writer};

use super::args::{CaptureArgs, Source};
use crate::input::{Recording, open_file};
use crate::progress::Progress;
use crate::select::Selection;
use crate::usage::BadUsage;

/// The beginning of the names of an archive's files: `2026-07-14T13`.
const HOUR_CHARS: usize = 13;

/// The file that is written.
pub(super) type FileWriter = Writer<BufWriter<File>>;

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

/// Opens the file: a new one, or the old one behind its last complete block.
pub(super) fn begin(args: &CaptureArgs, header: FileHeader) -> anyhow::Result<FileWriter> {
    let written_by = format!("replay {}", env!("CARGO_PKG_VERSION"));
    let header = FileHeader { written_by, ..header };
    let path = &args.out;
    if args.append && path.exists() {
        return append(path, &header);
    }
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

fn append(path: &Path, header: &FileHeader) -> anyhow::Result<FileWriter> {
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
    let end = capture.end();
    drop(capture);
    let mut file = OpenOptions::new().write(true).open(path)?;
    file.set_len(end)?;
    file.seek(SeekFrom::Start(end))?;
    Ok(Writer::resume(BufWriter::new(file), end, index))
}

/// Takes a record into the capture, where it is selected.
pub(super) fn take(
    writer: &mut FileWriter,
    progress: &mut Progress,
    selection: &Selection,
    record: &Record,
) -> anyhow::Result<()> {
    if selection.matches(record) {
        writer.push(record.partition, record)?;
        progress.add(record.timestamp_ms);
    }
    Ok(())
}
