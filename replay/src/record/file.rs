//! The capture file.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Seek as _, SeekFrom};
use std::path::Path;

use anyhow::Context as _;
use capture::{Capture, Ending, FileHeader, Record, Writer};

use super::args::CaptureArgs;
use crate::input::open_file;
use crate::progress::Progress;
use crate::select::Selection;

/// The file that is written.
pub(super) type FileWriter = Writer<BufWriter<File>>;

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
    let end = match capture.ending() {
        Ending::CutOff { end, .. } => *end,
        Ending::Complete => {
            index.blocks.last().map_or(header.to_bytes().len() as u64, |entry| entry.start + entry.bytes)
        }
    };
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
