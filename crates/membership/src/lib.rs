//! A member of a consumer group, with a task for each partition that it owns.
//!
//! ```text
//! source --records--> task (one per partition) --> the log, or a store
//!    ^                  |
//!    +----- commit -----+ when all before an offset is done
//! ```
//!
//! [`Member::run`] joins the group again after each failure. A [`Membership`] makes the tasks of one session in the group and
//! decides what a task does with its records. The member keeps what is the same for all groups:
//!
//! - A task that [restores](Membership::restores) receives no record before it has reported the first offset that it needs.
//! - An offset is committed after the task has reported that everything before it is done.
//! - A revoked partition is drained and committed before it is released, as far as the deadline allows.
//! - While a membership [is full](Membership::is_full), its partitions are paused; it stays in the group.
//! - When a task fails, all of them end and the member joins again.

mod group;
mod member;
mod progress;
mod run;
mod schedule;
mod session;
mod task;

pub use group::{Group, Interrupted, Membership};
pub use member::{Member, MemberMetrics};
pub use progress::{GroupProgress, part_of};
pub use schedule::Schedule;
pub use task::{Command, ReportReader, Reports, TaskEvent, TaskStart};
