//! Commands to a partition's task, and its reports.

use streams::{Incoming, TopicPartition};
use tokio::sync::mpsc;

/// A command to a task; commands are executed in order. A task ends when its channel of commands is closed.
#[derive(Debug)]
pub enum Command {
    /// Records of its partition, in order.
    Records(Vec<Incoming>),
    /// Finish all records and answer with one [`TaskEvent::Checkpointed`].
    Checkpoint,
    /// Search for late writes of a former owner. A task for which they do not matter ignores it.
    FindLateWrites,
}

/// An event of a task.
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

/// An event and its task.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) partition: TopicPartition,
    pub(crate) generation: u64,
    pub(crate) event: TaskEvent,
}

/// The channel for the reports of one task.
#[derive(Debug, Clone)]
pub struct Reports {
    partition: TopicPartition,
    /// Distinguishes the task from an earlier one of the same partition, which may still report.
    generation: u64,
    sender: mpsc::Sender<Report>,
}

impl Reports {
    pub(crate) fn new(partition: TopicPartition, generation: u64, sender: mpsc::Sender<Report>) -> Self {
        Self { partition, generation, sender }
    }

    /// The reports of a task without a member, and their reader: for tests of a task.
    pub fn alone(partition: TopicPartition) -> (Self, ReportReader) {
        let (sender, receiver) = mpsc::channel(8);
        (Self::new(partition, 1, sender), ReportReader(receiver))
    }

    /// Sends a report. After the end of the member it is dropped; then the task's commands end, too.
    pub async fn send(&self, event: TaskEvent) {
        let report = Report { partition: self.partition.clone(), generation: self.generation, event };
        let _ = self.sender.send(report).await;
    }
}

/// The reader of the reports of a task without a member.
#[derive(Debug)]
pub struct ReportReader(mpsc::Receiver<Report>);

impl ReportReader {
    /// The next one; `None`: the task has ended.
    pub async fn next(&mut self) -> Option<TaskEvent> {
        self.0.recv().await.map(|report| report.event)
    }
}

/// The parameters of a new task.
#[derive(Debug)]
pub struct TaskStart {
    /// The partition that was assigned.
    pub partition: TopicPartition,
    /// Its commands.
    pub commands: mpsc::Receiver<Command>,
    /// Its reports.
    pub reports: Reports,
}
