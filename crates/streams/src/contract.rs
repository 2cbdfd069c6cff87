//! What every implementation of the log must do, as one suite: give it a [`Fixture`] and let
//! [`streams::contract!`](crate::contract!) make a test of each case.
//!
//! Each case states a promise in its name, works on topics and groups of its own, and panics when the promise is broken.
//! A case waits for events, each under [`PATIENCE`]; only the one about a caller that does not read lets time pass.

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

/// How long a case waits for one thing before it fails.
pub const PATIENCE: Duration = Duration::from_secs(40);

/// One implementation, ready for a case.
#[async_trait]
pub trait Fixture: Send + Sync {
    /// The log.
    fn log(&self) -> &dyn Log;

    /// Put before the names of topics and groups, so that cases and runs do not meet.
    fn prefix(&self) -> &str;

    /// Stops what serves the log and starts it again on the same data. A log that lives in this process has nothing to
    /// restart and says so with an empty body.
    async fn restart(&self);

    /// How long a caller must ignore its source for the log to take it for dead, were nobody polling for it.
    fn unresponsive_after(&self) -> Duration;

    /// Whether records that nobody has read yet may fill the memory of this process (the log itself lives there).
    fn holds_the_log_in_memory(&self) -> bool;
}

/// Makes a test of each case of the contract: `streams::contract!(fixture)`.
///
/// The function is called in each test with the name of the case, and gives a future of a
/// [`Fixture`](crate::contract::Fixture).
#[macro_export]
macro_rules! contract {
    ($fixture:path) => {
        $crate::contract!(@cases $fixture;
            a_key_keeps_its_order_and_its_partition
            headers_tombstones_and_empty_values_arrive_as_they_were
            a_record_that_is_too_large_is_refused_and_its_neighbours_are_not
            what_cannot_be_written_is_reported
            a_full_queue_gives_the_record_back
            flush_waits_for_every_receipt
            everything_arrives_once_across_a_restart
            reading_starts_where_it_is_told
            a_seek_voids_what_was_read_before
            caught_up_comes_once_after_the_last_record
            a_caller_that_does_not_read_stays_a_member_and_misses_nothing
            a_group_resumes_in_the_middle_of_a_batch
            the_lowest_contiguous_offset_is_where_a_group_resumes
            nothing_is_delivered_before_the_assignment_was_taken
            a_paused_partition_is_silent_and_the_member_still_answers
            a_revoked_partition_is_flushed_and_committed_before_it_moves
            a_revocation_that_is_not_answered_ends_at_its_deadline
            what_is_not_owned_cannot_be_committed
            latest_starts_with_what_comes
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
