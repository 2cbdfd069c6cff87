//! The bodies of exports: streamed where the form can be, a finished file where it cannot.
//!
//! While the client takes its time, an export holds its slot and no permit: [`Exports`] says how many of each there are.

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

use super::slots::{Held, Slots};
use super::table::Table;
use crate::rest::problem::Problem;
use crate::rest::streamed::{Piece, streamed};

/// Exports that are worked on at the same time. A new one beyond is told to come back; one under way waits for its turn.
const AT_ONCE: usize = 4;
/// Of a finished file, per piece.
const PIECE_BYTES: u64 = 64 << 10;

/// Bounds how many exports are worked on, and how many wait for their clients. Clones share the bounds.
#[derive(Clone)]
pub(crate) struct Exports {
    work: Arc<Semaphore>,
    slots: Slots<Export>,
}

impl Exports {
    /// No export yet.
    pub(crate) fn new(clock: Clock) -> Self {
        Self { work: Arc::new(Semaphore::new(AT_ONCE)), slots: Slots::new(clock) }
    }

    /// A permit to work on a new export.
    ///
    /// # Errors
    /// Peer: there is none.
    pub(super) fn begin(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let permit = self.work.clone().try_acquire_owned();
        permit.map_err(|_| busy(format!("{AT_ONCE} exports are worked on; come back soon")))
    }

    async fn go_on(&self) -> OwnedSemaphorePermit {
        self.work.clone().acquire_owned().await.expect("never closed")
    }

    /// The body, and its size where it is known before it is sent. `failed`: what a client is told of a history that fails.
    ///
    /// # Errors
    /// Peer: too many exports wait for their clients, the history does not answer, or the file cannot be written.
    pub(super) async fn body(
        &self,
        table: Table,
        (format, csv): (TableFormat, CsvForm),
        name: &str,
        created_at_us: u64,
        failed: fn(&HistoryError) -> Problem,
    ) -> Result<(Body, Option<u64>), Problem> {
        let full = || busy("too many exports wait for their clients; come back soon".to_owned());
        let held = self.slots.take().ok_or_else(full)?;
        let (export, bytes) = match format.writer(table.columns, csv).map_err(|error| not_written(&error))? {
            Some(writer) => (Export::Table(Sent { blocks: table.blocks, writer, stage: Stage::Begin }), None),
            None => {
                let (file, bytes) = spreadsheet(table, name, created_at_us, failed).await?;
                (Export::File(file), Some(bytes))
            }
        };
        held.put(export);
        Ok((streamed((held, self.clone()), next), bytes))
    }
}

fn busy(detail: String) -> Problem {
    Problem::busy("exports_busy", detail)
}

/// An export on its way out.
enum Export {
    Table(Sent),
    File(File),
}

/// A table, block by block; the work is done beside the async threads.
struct Sent {
    blocks: BoxStream<'static, Result<Cells, HistoryError>>,
    writer: Box<dyn TableWriter>,
    stage: Stage,
}

enum Stage {
    Begin,
    Rows,
}

/// Why an export ended early. The connection ends with it, so that nobody takes half a table for a whole one.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error(transparent)]
    Read(#[from] HistoryError),
    #[error(transparent)]
    Write(#[from] ExportError),
    #[error("cannot read the finished file")]
    File(#[from] std::io::Error),
    #[error("the export was stopped")]
    Stopped,
    #[error("the export had to make room for others: its client took nothing")]
    MadeRoom,
}

type Waiting = (Held<Export>, Exports);

async fn next((held, exports): Waiting) -> Option<Piece<Waiting, Broken>> {
    let stepped = match held.take() {
        Some(Export::Table(sent)) => {
            let _permit = exports.go_on().await;
            sent.step().await.map(|(bytes, sent)| (Some(bytes), sent.map(Export::Table)))
        }
        Some(Export::File(file)) => next_piece(file),
        None => Err(Broken::MadeRoom),
    };
    match stepped {
        Ok((bytes, Some(export))) => {
            held.put(export);
            Some((Ok(bytes?), Some((held, exports))))
        }
        Ok((bytes, None)) => Some((Ok(bytes?), None)),
        Err(error) => {
            tracing::warn!(%error, "an export ends early");
            Some((Err(error), None))
        }
    }
}

impl Sent {
    async fn step(mut self) -> Result<(Bytes, Option<Self>), Broken> {
        let mut begun = matches!(std::mem::replace(&mut self.stage, Stage::Rows), Stage::Begin);
        loop {
            let block = self.blocks.next().await.transpose()?;
            let done = block.is_none();
            let mut writer = self.writer;
            let work = move || {
                let mut out = Vec::new();
                if begun {
                    writer.begin(&mut out)?;
                }
                match block {
                    Some(cells) => writer.rows(&cells, &mut out)?,
                    None => writer.end(&mut out)?,
                }
                Ok::<_, ExportError>((writer, out))
            };
            let (writer, out) = tokio::task::spawn_blocking(work).await.map_err(|_| Broken::Stopped)??;
            self.writer = writer;
            begun = false;
            if done || !out.is_empty() {
                return Ok((out.into(), (!done).then_some(self)));
            }
        }
    }
}

/// The whole file, in the folder for temporary files.
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
        sheet = written.map_err(|_| stopped())?.map_err(|error| not_written(&error))?;
    }
    let finished = tokio::task::spawn_blocking(move || sheet.finish()).await;
    finished.map_err(|_| stopped())?.map_err(|error| not_written(&error))
}

/// The next piece of a file that is there; none at its end. It is in the system's cache: reading it does not block for long.
fn next_piece(mut file: File) -> Result<(Option<Bytes>, Option<Export>), Broken> {
    let mut piece = Vec::with_capacity(PIECE_BYTES as usize);
    let read = (&mut file).take(PIECE_BYTES).read_to_end(&mut piece)?;
    Ok(((read > 0).then(|| piece.into()), (read > 0).then_some(Export::File(file))))
}

fn not_written(error: &ExportError) -> Problem {
    tracing::warn!(%error, "an export cannot be written");
    Problem::busy("export_failed", "the file cannot be written now".to_owned())
}

fn stopped() -> Problem {
    Problem::busy("stopping", "this server is stopping".to_owned())
}
