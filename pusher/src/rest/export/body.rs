//! The bodies of exports: streamed where the format allows it, otherwise a completed file.
//!
//! While an export waits for its client, it holds a slot and no work permit. [`Exports`] limits both.

use std::fs::File;
use std::io::Read as _;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use futures::StreamExt as _;
use futures::stream::BoxStream;
use history::export::{Cells, ExportError, TableFormat, TableWriter, XlsxTable};
use history::{CsvForm, HistoryError};
use runtime::Clock;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::slots::{Slot, Slots};
use super::table::Table;
use crate::rest::problem::Problem;
use crate::rest::streamed::{Piece, streamed};

/// Exports that run at the same time. Beyond it, a new export is refused, and one in progress waits.
const MAX_RUNNING: usize = 4;
/// One piece of a completed file.
const PIECE_BYTES: u64 = 64 << 10;

/// Limits how many exports run, and how many wait for their clients. Clones share the limits.
#[derive(Clone)]
pub(crate) struct Exports {
    running: Arc<Semaphore>,
    slots: Slots<Export>,
}

impl Exports {
    /// Without exports.
    pub(crate) fn new(clock: Clock) -> Self {
        Self { running: Arc::new(Semaphore::new(MAX_RUNNING)), slots: Slots::new(clock) }
    }

    /// A permit to run a new export.
    ///
    /// # Errors
    /// 503: too many exports run.
    pub(crate) fn begin(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let permit = self.running.clone().try_acquire_owned();
        permit.map_err(|_| {
            busy(format!("{MAX_RUNNING} exports are running: repeat the request after the seconds of Retry-After"))
        })
    }

    /// A permit to continue an export.
    async fn resume(&self) -> OwnedSemaphorePermit {
        self.running.clone().acquire_owned().await.expect("never closed")
    }

    /// The body, and its length where it is known in advance. `failed` makes the problem document of a history error.
    ///
    /// # Errors
    /// 503: too many exports wait for their clients, the history does not answer, or the file cannot be written.
    pub(super) async fn body(
        &self,
        table: Table,
        (format, csv): (TableFormat, CsvForm),
        name: &str,
        created_at_us: u64,
        failed: fn(&HistoryError) -> Problem,
    ) -> Result<(Body, Option<u64>), Problem> {
        let slot = self.slots.take().ok_or_else(full)?;
        let (export, bytes) = match format.writer(table.columns, csv).map_err(|error| not_written(&error))? {
            Some(writer) => (Export::Table(StreamedTable { blocks: table.blocks, writer, has_begun: false }), None),
            None => {
                let (file, bytes) = spreadsheet(table, name, created_at_us, failed).await?;
                (Export::File(file), Some(bytes))
            }
        };
        slot.put(export);
        Ok((streamed((slot, self.clone()), next), bytes))
    }

    /// A body of lines that are read block by block.
    ///
    /// # Errors
    /// 503: too many exports wait for their clients.
    pub(crate) fn lines(&self, blocks: BoxStream<'static, Result<Bytes, HistoryError>>) -> Result<Body, Problem> {
        let slot = self.slots.take().ok_or_else(full)?;
        slot.put(Export::Lines(blocks));
        Ok(streamed((slot, self.clone()), next))
    }
}

fn full() -> Problem {
    busy("too many exports wait for their clients: repeat the request after the seconds of Retry-After".to_owned())
}

fn busy(detail: String) -> Problem {
    Problem::unavailable("exports_busy", detail)
}

/// An export that waits for its client.
enum Export {
    Table(StreamedTable),
    Lines(BoxStream<'static, Result<Bytes, HistoryError>>),
    File(File),
}

/// A table that is written block by block, on the threads for blocking work.
struct StreamedTable {
    blocks: BoxStream<'static, Result<Cells, HistoryError>>,
    writer: Box<dyn TableWriter>,
    has_begun: bool,
}

/// Why an export failed. The connection ends with it, so that the client does not take a part of the table for all of
/// it.
#[derive(Debug, thiserror::Error)]
enum BodyError {
    #[error(transparent)]
    Read(#[from] HistoryError),
    #[error(transparent)]
    Write(#[from] ExportError),
    #[error("cannot read the completed file")]
    File(#[from] std::io::Error),
    #[error("the program is stopping")]
    Stopping,
    #[error("the export was evicted: its client read nothing and other exports needed the slot")]
    Evicted,
}

type Waiting = (Slot<Export>, Exports);

async fn next((slot, exports): Waiting) -> Option<Piece<Waiting, BodyError>> {
    let piece = match slot.take() {
        Some(Export::Table(table)) => {
            let _permit = exports.resume().await;
            table.next().await.map(|(bytes, table)| (Some(bytes), table.map(Export::Table)))
        }
        Some(Export::Lines(blocks)) => {
            let _permit = exports.resume().await;
            next_lines(blocks).await
        }
        Some(Export::File(file)) => next_piece(file),
        None => Err(BodyError::Evicted),
    };
    match piece {
        Ok((bytes, Some(export))) => {
            slot.put(export);
            Some((Ok(bytes?), Some((slot, exports))))
        }
        Ok((bytes, None)) => Some((Ok(bytes?), None)),
        Err(error) => {
            tracing::warn!(%error, "an export failed");
            Some((Err(error), None))
        }
    }
}

/// The next lines, and the rest; none at the end.
async fn next_lines(
    mut blocks: BoxStream<'static, Result<Bytes, HistoryError>>,
) -> Result<(Option<Bytes>, Option<Export>), BodyError> {
    let block = blocks.next().await.transpose()?;
    let rest = block.is_some().then_some(Export::Lines(blocks));
    Ok((block, rest))
}

impl StreamedTable {
    /// The next bytes, and the table, unless it is complete.
    async fn next(mut self) -> Result<(Bytes, Option<Self>), BodyError> {
        loop {
            let block = self.blocks.next().await.transpose()?;
            let is_complete = block.is_none();
            let mut writer = self.writer;
            let is_first = !std::mem::replace(&mut self.has_begun, true);
            let write = move || {
                let mut out = Vec::new();
                if is_first {
                    writer.begin(&mut out)?;
                }
                match block {
                    Some(cells) => writer.rows(&cells, &mut out)?,
                    None => writer.end(&mut out)?,
                }
                Ok::<_, ExportError>((writer, out))
            };
            let (writer, out) = tokio::task::spawn_blocking(write).await.map_err(|_| BodyError::Stopping)??;
            self.writer = writer;
            if is_complete || !out.is_empty() {
                return Ok((out.into(), (!is_complete).then_some(self)));
            }
        }
    }
}

/// The complete file, in the directory for temporary files.
async fn spreadsheet(
    mut table: Table,
    name: &str,
    created_at_us: u64,
    failed: fn(&HistoryError) -> Problem,
) -> Result<(File, u64), Problem> {
    let mut sheet = XlsxTable::new(table.columns, name, (created_at_us / 1_000_000).cast_signed())
        .map_err(|error| not_written(&error))?;
    while let Some(cells) = table.blocks.next().await.transpose().map_err(|error| failed(&error))? {
        let written = tokio::task::spawn_blocking(move || sheet.rows(&cells).map(|()| sheet)).await;
        sheet = written.map_err(|_| stopping())?.map_err(|error| not_written(&error))?;
    }
    let completed = tokio::task::spawn_blocking(move || sheet.finish()).await;
    completed.map_err(|_| stopping())?.map_err(|error| not_written(&error))
}

/// The next piece of a completed file; none at its end. The file is in the page cache, so that the read does not block
/// for long.
fn next_piece(mut file: File) -> Result<(Option<Bytes>, Option<Export>), BodyError> {
    let mut piece = Vec::with_capacity(PIECE_BYTES as usize);
    let read = (&mut file).take(PIECE_BYTES).read_to_end(&mut piece)?;
    Ok(((read > 0).then(|| piece.into()), (read > 0).then_some(Export::File(file))))
}

fn not_written(error: &ExportError) -> Problem {
    tracing::warn!(%error, "cannot write an export");
    Problem::unavailable("export_failed", "the server cannot write the file now: try again later".to_owned())
}

fn stopping() -> Problem {
    Problem::unavailable("stopping", "this server is stopping: try again later".to_owned())
}
