//! The promises that every store must keep: [`history::contract!`](crate::contract!) makes a test of each.
//!
//! A promise is a function with its name. It gets an empty store of its own, and panics when the store breaks it.

#![allow(missing_docs, reason = "the name of a function is its promise")]

mod exports;
mod flights;
mod privacy;
mod regions;
mod stored;
mod tracks;

use std::future::Future;

use futures::StreamExt as _;
use geo::Bounds;

pub use self::exports::*;
pub use self::flights::*;
pub use self::privacy::*;
pub use self::regions::*;
pub use self::stored::*;
pub use self::tracks::*;
use crate::testing::NOON_MS;
use crate::{ExportQuery, HistoryReader, HistoryWriter, Period, Rows, Sqlite, TrackQuery, Visibility};

/// Makes a test of each promise: `history::contract! { store(); }`.
///
/// The expression makes an empty store; the names behind it are promises of this store only.
#[macro_export]
macro_rules! contract {
    (@promises $store:expr; $($promise:ident)*) => {$(
        #[tokio::test]
        async fn $promise() {
            $crate::contract::$promise(&$store).await;
        }
    )*};
    ($store:expr; $($also:ident)*) => {
        $crate::contract! { @promises $store;
            rows_are_read_back_unchanged
            extreme_values_survive
            writing_is_idempotent
            the_highest_version_of_a_thermal_is_kept
            a_track_is_a_period_of_one_device_in_order
            a_long_track_comes_in_bounded_blocks
            an_export_has_all_pages
            slow_readers_do_not_block_others
            implausible_positions_can_be_left_out
            unconfirmed_positions_wait_for_confirmation
            rejected_positions_are_left_out_until_accepted
            a_ground_object_has_a_track
            flights_begin_at_confirmed_positions
            slow_soaring_is_one_flight
            an_export_is_a_region_and_a_period
            a_region_comes_by_time_and_thinned
            a_region_continues_behind_any_position
            a_region_has_only_public_positions_of_tracks
            a_region_is_cut_at_its_edges
            empty_years_of_a_region_are_skipped
            ground_states_of_a_region_come_by_time
            a_region_has_only_public_ground_states_of_tracks
            weather_of_a_region_comes_by_time
            what_came_since_a_time_is_found
            receptions_are_found_by_their_position
            flights_are_found_in_positions
            erased_rows_stay_erased
            late_rows_of_an_erased_device_are_erased
            receptions_of_an_erased_device_are_erased
            everything_about_a_device_is_read
            the_newest_privacy_is_kept
            flights_begin_when_the_device_is_public_again
            $($also)*
        }
    };
}

/// Computes flights from positions now.
pub trait Refresh {
    /// Returns when the flights of all written positions are there.
    fn refresh_now(&self) -> impl Future<Output = ()>;
}

impl Refresh for Sqlite {
    async fn refresh_now(&self) {
        self.refresh().await.expect("refreshed");
    }
}

#[cfg(feature = "clickhouse")]
impl Refresh for crate::ClickHouse {
    async fn refresh_now(&self) {
        self.refresh().await.expect("refreshed");
    }
}

/// What the promises are about.
pub trait Store: HistoryReader + HistoryWriter + Refresh {}
impl<T: HistoryReader + HistoryWriter + Refresh> Store for T {}

const DAY: Period = Period { from_ms: NOON_MS - 36_000_000, to_ms: NOON_MS + 50_400_000 };

/// All rows of a question, which must be answered.
pub async fn all<T>(mut rows: Rows<T>) -> Vec<T> {
    let mut all = Vec::new();
    while let Some(block) = rows.next().await {
        all.append(&mut block.expect("the store answers"));
    }
    all
}

fn of(device: u32) -> TrackQuery {
    TrackQuery { device, period: DAY, visibility: Visibility::Public, plausible_only: false, limit: 1_000_000 }
}

fn export(bounds: Bounds) -> ExportQuery {
    ExportQuery { bounds, period: DAY, limit: 100_000 }
}
