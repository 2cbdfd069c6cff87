//! What the user of a member implements: the group, and the tasks of one session in it.

use async_trait::async_trait;
use futures::future::BoxFuture;
use streams::StreamError;

use crate::task::TaskStart;

/// The group, which outlives its sessions.
#[async_trait]
pub trait Group: Send + Sync {
    /// One session in the group.
    type Membership: Membership;

    /// Waits for the dependencies of a session. `None`: the program was asked to stop.
    ///
    /// # Errors
    /// [`Interrupted::Final`] where joining again cannot help.
    async fn prepare(&self) -> Result<Option<Self::Membership>, Interrupted>;

    /// Whether joining again cannot help after this error of a task.
    fn is_final(&self, _error: &anyhow::Error) -> bool {
        false
    }
}

/// One session in the group: makes the tasks of the partitions.
pub trait Membership: Send + Sync {
    /// The work on a partition, until its commands end. An error ends the session.
    fn open(&self, start: TaskStart) -> BoxFuture<'static, anyhow::Result<()>>;

    /// Whether tasks restore their state first, and then report `TaskEvent::Restored`.
    fn restores(&self) -> bool;

    /// Whether so many records wait for their tasks that all partitions are paused.
    fn is_full(&self) -> bool {
        false
    }
}

/// Why a session ended early.
#[derive(Debug, thiserror::Error)]
pub enum Interrupted {
    /// The log failed.
    #[error(transparent)]
    Log(#[from] StreamError),
    /// A task failed.
    #[error("a partition stopped: {0:#}")]
    Task(anyhow::Error),
    /// An error for which joining again cannot help.
    #[error("{0:#}")]
    Final(#[from] anyhow::Error),
}
