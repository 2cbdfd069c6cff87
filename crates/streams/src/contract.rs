//! The tests that every implementation of the log must pass: pass a [`Fixture`], and
//! [`streams::contract!`](crate::contract!) makes a test of each case.
//!
//! Each case names its promise, uses topics and groups of its own, and panics when the promise is broken. A case waits
//! for each event up to [`TIMEOUT`]; only the one about a caller that does not read sleeps.

#![allow(clippy::missing_panics_doc, reason = "a case fails by panicking")]

mod groups;
mod reading;
mod support;
mod topics;
mod writing;

use std::time::Duration;

use async_trait::async_trait;

pub use self::groups::*;
pub use self::reading::*;
pub use self::topics::*;
pub use self::writing::*;
use crate::Log;

/// How long a case waits for one event before it fails.
pub const TIMEOUT: Duration = Duration::from_secs(40);

/// One implementation, for one case.
#[async_trait]
pub trait Fixture: Send + Sync {
    /// The log.
    fn log(&self) -> &dyn Log;

    /// The prefix of topic and group names, so that cases and runs do not share any.
    fn prefix(&self) -> &str;

    /// Stops the log's server and starts it again on the same data. Empty for an embedded log.
    async fn restart(&self);

    /// After how long without a poll the log takes a member for dead.
    fn unresponsive_after(&self) -> Duration;

    /// Whether unread records fill the memory of this process, since the log itself is in it.
    fn holds_the_log_in_memory(&self) -> bool;
}

/// Makes a test of each case of the contract: `streams::contract!(fixture)`.
///
/// Each test calls the function with the name of the case; it returns a future of a
/// [`Fixture`](crate::contract::Fixture).
#[macro_export]
macro_rules! contract {
    ($fixture:path) => {
        $crate::contract!(@cases $fixture;
            a_key_keeps_its_order_and_partition
            records_arrive_unchanged
            only_the_too_large_record_is_refused
            failed_writes_are_reported
            a_full_queue_returns_the_record
            flush_waits_for_every_receipt
            records_arrive_once_across_a_restart
            reading_starts_at_the_requested_position
            a_seek_drops_fetched_records
            caught_up_is_reported_once_after_the_last_record
            a_caller_that_does_not_read_stays_a_member
            a_group_resumes_in_the_middle_of_a_batch
            a_group_resumes_at_the_lowest_contiguous_offset
            the_assignment_comes_before_its_records
            a_member_with_paused_partitions_answers
            a_revoked_partition_moves_after_the_commit
            an_unanswered_revocation_ends_at_its_deadline
            only_owned_partitions_can_be_committed
            latest_starts_after_the_newest_record
            topics_are_created_once_and_compared
            watermarks_and_epoch_name_the_data
        );
    };
    (@cases $fixture:path; $($case:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let fixture = $fixture(stringify!($case)).await;
                $crate::contract::$case(&fixture).await;
            }
        )*
    };
}
