//! Writes one block: with retries until it is written, and in halves where some of its rows are refused.

use std::sync::Arc;
use std::time::Duration;

use history::{HistoryError, HistoryWriter};
use runtime::retry::with_causes;
use runtime::trace::{Batch, Span};
use runtime::{Backoff, Context, Part};
use streams::registry::TopicCodec;
use streams::trace::RecordTracer;
use streams::{DeadLetter, DeliveryError, Flush, Incoming, Sink};

use crate::historian::block::build;
use crate::historian::metrics::HistorianMetrics;

/// The longest pause between two attempts. The store is used again within 30 s of its return.
const MAX_PAUSE: Duration = Duration::from_secs(5);
/// After this time without an answer the store is reported as not ready; the attempt continues. A block takes a fraction of it.
const SLOW_ANSWER: Duration = Duration::from_secs(8);

/// Writes blocks; shared by all tasks.
pub(super) struct BlockWriter {
    pub(super) context: Context,
    pub(super) writer: Arc<dyn HistoryWriter>,
    /// The producer of dead letters.
    pub(super) sink: Arc<dyn Sink>,
    pub(super) dead_letters: Arc<str>,
    /// Whether the history accepts blocks, for `/ready`.
    pub(super) part: Part,
    pub(super) traces: RecordTracer,
    pub(super) metrics: HistorianMetrics,
}

impl BlockWriter {
    /// Writes the records of a topic (its name in the catalogue); returns when their rows are in the history and the records
    /// without rows are in the dead-letter topic.
    ///
    /// # Errors
    /// Fatal errors: the history refuses the credentials or the table, the log refuses us.
    pub(super) async fn write(&self, topic: &str, codec: &TopicCodec, records: &[Incoming]) -> anyhow::Result<()> {
        let mut store = Batch::default();
        records.iter().for_each(|record| store.extend(self.traces.follow("store", record)));
        // A stack of ranges to write: a refused range is replaced by its halves.
        let mut remaining = vec![records];
        while let Some(records) = remaining.pop() {
            let (block, rejects) = build(topic, codec, records);
            for (record, reject) in &rejects {
                tracing::debug!(topic, offset = record.offset, reason = reject.reason, "{}", reject.detail);
            }
            let refused = match block.rows.is_empty() {
                true => false,
                false => !self.write_block(&block).await?,
            };
            match records {
                _ if !refused => {
                    self.dead_letter(rejects.iter().map(|(record, reject)| (*record, reject.reason))).await?;
                }
                [record] => self.dead_letter([(record, "refused_rows")]).await?,
                _ => {
                    let (before, after) = records.split_at(records.len() / 2);
                    remaining.extend([after, before]);
                }
            }
        }
        store.into_spans().for_each(Span::end);
        Ok(())
    }

    /// Retries until the block is written; `false`: its rows are refused.
    async fn write_block(&self, block: &history::Block) -> anyhow::Result<bool> {
        let mut backoff = Backoff::new(Duration::from_millis(100), MAX_PAUSE);
        loop {
            let began = self.context.clock.monotonic();
            match self.reporting_slow_answers(self.writer.write(block)).await {
                Ok(()) => {
                    self.part.ready();
                    self.metrics.insert_seconds.observe((self.context.clock.monotonic() - began).as_secs_f64());
                    self.metrics.wrote(&block.rows);
                    return Ok(true);
                }
                Err(error @ HistoryError::RefusedRows { .. }) => {
                    self.metrics.failed(error.reason());
                    tracing::warn!(token = block.token, "rows are refused: {}", with_causes(&error));
                    return Ok(false);
                }
                Err(error) if error.is_transient() => {
                    self.metrics.failed(error.reason());
                    self.part.not_ready(with_causes(&error));
                    tracing::debug!(token = block.token, reason = error.reason(), "not written yet");
                }
                Err(error) => return Err(error.into()),
            }
            self.context.clock.sleep(backoff.next_delay()).await;
        }
    }

    /// Waits for the store; reports it as not ready while it does not answer.
    async fn reporting_slow_answers<T>(&self, write: impl Future<Output = T> + Send) -> T {
        let mut write = std::pin::pin!(write);
        loop {
            tokio::select! {
                outcome = &mut write => return outcome,
                () = self.context.clock.sleep(SLOW_ANSWER) => {
                    self.part.not_ready(format!("the history has not answered a write for {} s", SLOW_ANSWER.as_secs()));
                }
            }
        }
    }

    async fn dead_letter(
        &self,
        records: impl IntoIterator<Item = (&Incoming, &'static str)> + Send,
    ) -> anyhow::Result<()> {
        let letters: Vec<_> = records.into_iter().collect();
        let flush = Flush::new();
        for (record, reason) in letters {
            self.metrics.dead_letter(reason);
            let letter = DeadLetter::of_record(
                record,
                reason,
                "historian",
                env!("CARGO_PKG_VERSION"),
                self.context.clock.now_us(),
            );
            self.sink.send(letter.into_record(self.dead_letters.clone()), flush.receipt()).await?;
        }
        match flush.wait().await {
            Err(DeliveryError::Refused { reason, detail }) => {
                tracing::error!(reason, detail = %detail, "the log refuses a dead letter: it is lost");
                Ok(())
            }
            outcome => Ok(outcome?),
        }
    }
}
