//! A checkpoint on its way into the log, while its partition's task goes on.
//!
//! What the core knew is taken when the checkpoint is commanded. It may be written when everything that was given out
//! before is in the log, and counts when it is there itself; nothing of that holds up the next record.

use anyhow::{Context as _, bail};
use bytes::Bytes;
use streams::DeliveryError;

use crate::pipeline::ledger::Page;

/// A key and its value; `None` ends the key.
pub(crate) type Part = (Bytes, Option<Bytes>);

/// What a core knew before one offset.
pub(crate) struct Checkpoint {
    pub(crate) next_offset: u64,
    /// The core's time then, microseconds.
    pub(crate) clock_us: u64,
    pub(crate) stage: Stage,
}

/// How far it has come.
pub(crate) enum Stage {
    /// Waits for what was given out before.
    Taken { outputs: Page, parts: Vec<Part> },
    /// Waits for its own records.
    Written(Page),
}

impl Checkpoint {
    /// The next stage may begin. Cancel-safe.
    ///
    /// # Errors
    /// The log did not take something that it may take when the group joins anew.
    pub(crate) async fn settled(&self) -> anyhow::Result<()> {
        match &self.stage {
            Stage::Taken { outputs, .. } => settled(outputs).await.context("outputs"),
            Stage::Written(page) => settled(page).await.context("checkpoint"),
        }
    }
}

/// Waits for all acknowledgements. A record that the log refuses for what it is would be refused again: it is counted
/// out, everything else is a reason to start anew.
async fn settled(page: &Page) -> anyhow::Result<()> {
    match page.settled().await {
        Ok(()) => Ok(()),
        Err(DeliveryError::Refused { reason, detail }) => {
            tracing::error!(reason, detail = %detail, "the log refuses a record: it is lost");
            Ok(())
        }
        Err(error) => bail!(error),
    }
}
