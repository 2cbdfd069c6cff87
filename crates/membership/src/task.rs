//! Commands to a partition's task, and what it reports.

use streams::{Incoming, TopicPartition};
use tokio::sync::mpsc;

/// What a task is to do, in order. A task ends when its channel of commands is closed.
#[derive(Debug)]
pub enum Command {
    /// Records of its partition, in order.
    Records(Vec<Incoming>),
    /// Finishes everything it was given and answers with one [`TaskEvent::Checkpointed`].
    Checkpoint,
    /// Looks for late writes of a former owner. A task for which they do not matter ignores it.
    FindLateWrites,
}

/// What happened in a task.
#[derive(Debug)]
pub enum TaskEvent {
    /// Its state is restored. `next_offset`: the first record that it needs; `None`: the first after the committed offset.
    Restored {
        /// The offset of that record.
        next_offset: Option<u64>,
    },
    /// All before this offset is done, and may be committed.
    Done {
        /// The offset.
        next_offset: u64,
    },
    /// The answer to one [`Command::Checkpoint`].
    Checkpointed {
        /// All before this offset is done; `None`: as the last [`TaskEvent::Done`] reported.
        next_offset: Option<u64>,
    },
}

/// One report, and which task it is from.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) partition: TopicPartition,
    pub(crate) generation: u64,
    pub(crate) event: TaskEvent,
}

/// Where one task reports to.
#[derive(Debug, Clone)]
pub struct Reports {
    partition: TopicPartition,
    /// Tells the task from an earlier one of the same partition, which may still report.
    generation: u64,
    sender: mpsc::Sender<Report>,
}

impl Reports {
    pub(crate) fn new(partition: TopicPartition, generation: u64, sender: mpsc::Sender<Report>) -> Self {
        Self { partition, generation, sender }
    }

    /// Reports of a task on its own, and where they arrive: for tests of a task.
    pub fn alone(partition: TopicPartition) -> (Self, ReportReader) {
        let (sender, receiver) = mpsc::channel(8);
        (Self::new(partition, 1, sender), ReportReader(receiver))
    }

    /// Reports. When the member has ended nobody receives it, and the task's commands end too.
    pub async fn send(&self, event: TaskEvent) {
        let report = Report { partition: self.partition.clone(), generation: self.generation, event };
        let _ = self.sender.send(report).await;
    }
}

/// Where the reports of a task on its own arrive.
#[derive(Debug)]
pub struct ReportReader(mpsc::Receiver<Report>);

impl ReportReader {
    /// The next one; `None`: the task has ended.
    pub async fn next(&mut self) -> Option<TaskEvent> {
        self.0.recv().await.map(|report| report.event)
    }
}

/// What a task starts with.
#[derive(Debug)]
pub struct TaskStart {
    /// The partition that was assigned.
    pub partition: TopicPartition,
    /// What it is to do.
    pub commands: mpsc::Receiver<Command>,
    /// Where it reports to.
    pub reports: Reports,
}
