//! A checkpoint that is being written, while its partition's task continues.
//!
//! The core's state is taken when the checkpoint is commanded. It is written when all outputs from before it are acknowledged,
//! and counts when its own records are acknowledged. Neither delays the next record.

use anyhow::{Context as _, bail};
use bytes::Bytes;
use streams::DeliveryError;

use crate::pipeline::ledger::Receipts;

/// A key and its value; `None` ends the key.
pub(crate) type Part = (Bytes, Option<Bytes>);

/// The core's state before one offset.
pub(crate) struct Checkpoint {
    pub(crate) next_offset: u64,
    /// The core's clock at that offset, microseconds.
    pub(crate) clock_us: u64,
    pub(crate) stage: Stage,
}

/// The stages of writing a checkpoint.
pub(crate) enum Stage {
    /// Waits for the acknowledgements of the outputs from before it.
    Taken { outputs: Receipts, parts: Vec<Part> },
    /// Waits for the acknowledgements of its own records.
    Written(Receipts),
}

impl Checkpoint {
    /// Waits until the next stage can begin. Cancel-safe.
    ///
    /// # Errors
    /// The log did not accept a record that it may accept after the member has joined again.
    pub(crate) async fn acknowledged(&self) -> anyhow::Result<()> {
        match &self.stage {
            Stage::Taken { outputs, .. } => acknowledged(outputs).await.context("outputs"),
            Stage::Written(receipts) => acknowledged(receipts).await.context("checkpoint"),
        }
    }
}

/// Waits for all acknowledgements. The log would refuse the same record again: a refused record is logged and given up. Any
/// other failure makes the member join again.
async fn acknowledged(receipts: &Receipts) -> anyhow::Result<()> {
    match receipts.acknowledged().await {
        Ok(()) => Ok(()),
        Err(DeliveryError::Refused { reason, detail }) => {
            tracing::error!(reason, detail = %detail, "the log refuses a record: it is lost");
            Ok(())
        }
        Err(error) => bail!(error),
    }
}
