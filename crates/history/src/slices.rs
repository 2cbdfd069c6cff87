//! Observations by time, read slice by slice.
//!
//! Neither store keeps observations in the order of time, so that a query reads and sorts all of its period, however few rows
//! are wanted. A slice bounds that. Slices begin and end where steps do: the first row of a step is the same in every
//! page. Between two slices nothing of the store is held. Behind an empty slice of full length the store is asked where its
//! rows go on, so that empty years take a few queries instead of one for each hour.

use std::future::Future;

use futures::{StreamExt as _, stream};

use crate::{HistoryError, ObservedRow, Period, PositionKey, RegionQuery, Rows};

/// Steps of the first slice, and so at most as many rows of each device.
const STEPS: i64 = 60;
/// No slice is longer, milliseconds, unless its one step is.
const LONGEST_MS: i64 = 3_600_000;
/// A slice with so many times fewer rows than wanted is followed by one that is twice as long.
const FEW: u64 = 4;
/// Behind an empty slice the store is asked for its rows in this time, then in twice as much, and so on, milliseconds.
const FIRST_SEARCH_MS: i64 = 24 * 3_600_000;

/// What to read next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slice {
    /// Its part of the period.
    pub(crate) period: Period,
    /// Begins behind this row.
    pub(crate) after: Option<PositionKey>,
    /// At most so many rows.
    pub(crate) rows: u64,
    /// Whether a new question begins with it.
    pub(crate) is_first: bool,
}

/// What comes next in a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// Reads a slice.
    Read(Slice),
    /// Asks where in this period the rows go on.
    Search(Period),
}

/// The rows of a question, `page_rows` at most in each block. `read` answers one slice. `begin_of_rows` returns a time before
/// which a period has no rows of any region, or `None` where it has none at all.
pub(crate) fn slices<T, R, F, B, G>(query: RegionQuery, page_rows: u64, read: R, begin_of_rows: B) -> Rows<T>
where
    T: ObservedRow + Send + 'static,
    R: Fn(Slice) -> F + Send + 'static,
    F: Future<Output = Result<Vec<T>, HistoryError>> + Send + 'static,
    B: Fn(Period) -> G + Send + 'static,
    G: Future<Output = Result<Option<i64>, HistoryError>> + Send + 'static,
{
    let next = move |(progress, read, begin_of_rows): (Option<Progress>, R, B)| async move {
        let mut progress = progress?;
        loop {
            let read_on = match progress.next(page_rows)? {
                Next::Read(slice) => read(slice).await.inspect(|block| progress.advance(&slice, block)),
                Next::Search(period) => begin_of_rows(period).await.map(|begin_ms| {
                    progress.skip(period, begin_ms);
                    Vec::new()
                }),
            };
            match read_on {
                Err(error) => return Some((Err(error), (None, read, begin_of_rows))),
                Ok(block) if block.is_empty() => {}
                Ok(block) => return Some((Ok(block), (Some(progress), read, begin_of_rows))),
            }
        }
    };
    stream::unfold((Some(Progress::new(query)), read, begin_of_rows), next).fuse().boxed()
}

/// How far a question was answered.
#[derive(Debug)]
struct Progress {
    period: Period,
    step_ms: i64,
    /// Where the next slice begins, and behind which row.
    from_ms: i64,
    after: Option<PositionKey>,
    /// How long it is: a multiple of the step.
    length_ms: i64,
    /// How far to search for rows before the next slice, if the last one had none.
    search_ms: Option<i64>,
    /// Rows that are still wanted.
    left: u64,
    is_first: bool,
}

impl Progress {
    fn new(query: RegionQuery) -> Self {
        let RegionQuery { period, step_ms, after, limit, .. } = query;
        let step_ms = step_ms.max(1);
        let from_ms = period.from_ms;
        let length_ms = whole_steps(step_ms, step_ms.saturating_mul(STEPS));
        let progress =
            Self { period, step_ms, from_ms, after, length_ms, search_ms: None, left: limit, is_first: true };
        match after {
            Some(key) => Self { from_ms: progress.begin_of_step(key.event_at_ms), ..progress },
            None => progress,
        }
    }

    /// `None`: there is nothing more to read.
    fn next(&self, page_rows: u64) -> Option<Next> {
        if self.left == 0 || self.from_ms >= self.period.to_ms {
            return None;
        }
        if let Some(search_ms) = self.search_ms {
            let to_ms = self.from_ms.saturating_add(search_ms).min(self.period.to_ms);
            return Some(Next::Search(Period { from_ms: self.from_ms, to_ms }));
        }
        let to_ms = (self.from_ms - self.from_ms.rem_euclid(self.step_ms)).saturating_add(self.length_ms);
        Some(Next::Read(Slice {
            period: Period { from_ms: self.from_ms, to_ms: to_ms.min(self.period.to_ms) },
            after: self.after,
            rows: self.left.min(page_rows),
            is_first: self.is_first,
        }))
    }

    /// Continues where the rows do, or behind a period without rows.
    fn skip(&mut self, searched: Period, begin_ms: Option<i64>) {
        match begin_ms {
            Some(begin_ms) => {
                self.from_ms = self.begin_of_step(begin_ms).max(self.from_ms);
                self.search_ms = None;
            }
            None => {
                self.from_ms = searched.to_ms;
                self.search_ms = self.search_ms.map(|search_ms| search_ms.saturating_mul(2));
            }
        }
    }

    fn advance(&mut self, slice: &Slice, block: &[impl ObservedRow]) {
        let count = block.len() as u64;
        self.is_first = false;
        self.left = self.left.saturating_sub(count);
        match block.last() {
            Some(last) if count >= slice.rows => {
                let key = last.time_key();
                self.from_ms = self.begin_of_step(key.event_at_ms);
                self.after = Some(key);
            }
            _ => {
                self.from_ms = slice.period.to_ms;
                self.after = None;
                let is_longest = self.length_ms >= whole_steps(self.step_ms, LONGEST_MS);
                self.search_ms = (block.is_empty() && is_longest).then_some(FIRST_SEARCH_MS);
                if count.saturating_mul(FEW) < slice.rows {
                    self.length_ms = whole_steps(self.step_ms, self.length_ms.saturating_mul(2));
                }
            }
        }
    }

    fn begin_of_step(&self, at_ms: i64) -> i64 {
        (at_ms - at_ms.rem_euclid(self.step_ms)).max(self.period.from_ms)
    }
}

/// The whole steps in a time, at least one and not more than fit into the longest slice.
fn whole_steps(step_ms: i64, ms: i64) -> i64 {
    (ms.min(LONGEST_MS) / step_ms).max(1) * step_ms
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use geo::Bounds;
    use parking_lot::Mutex;

    use super::*;
    use crate::{PositionRow, testing};

    fn row(device: u32, event_at_ms: i64) -> PositionRow {
        PositionRow { event_at_ms, observation_id: event_at_ms.unsigned_abs(), ..testing::position(device, 0) }
    }

    fn query(period: (i64, i64), step_ms: i64, limit: u64) -> RegionQuery {
        let period = Period { from_ms: period.0, to_ms: period.1 };
        RegionQuery { bounds: Bounds::WORLD, period, step_ms, after: None, limit }
    }

    /// A store as the contract has it, and the slices that were asked for.
    fn rows_of(all: Vec<PositionRow>, query: RegionQuery) -> (Rows<PositionRow>, Arc<Mutex<Vec<Slice>>>) {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = asked.clone();
        let times: Vec<i64> = all.iter().map(|row| row.event_at_ms).collect();
        let begin_of_rows = move |period: Period| {
            let inside = times.iter().copied().filter(|at_ms| (period.from_ms..period.to_ms).contains(at_ms));
            // A store may know it by the minute only.
            std::future::ready(Ok(inside.min().map(|at_ms| at_ms - at_ms.rem_euclid(60_000))))
        };
        let read = move |slice: Slice| {
            seen.lock().push(slice);
            let mut rows: Vec<_> = all.clone();
            rows.retain(|row| (slice.period.from_ms..slice.period.to_ms).contains(&row.event_at_ms));
            rows.sort_by_key(PositionRow::time_key);
            let mut steps = BTreeSet::new();
            rows.retain(|row| steps.insert((row.device, row.event_at_ms.div_euclid(query.step_ms))));
            rows.retain(|row| slice.after.is_none_or(|after| row.time_key() > after));
            rows.truncate(usize::try_from(slice.rows).expect("small"));
            std::future::ready(Ok(rows))
        };
        (slices(query, 10, read, begin_of_rows), asked)
    }

    async fn read(all: Vec<PositionRow>, query: RegionQuery) -> (Vec<(i64, u32)>, Vec<Slice>) {
        let (mut rows, asked) = rows_of(all, query);
        let mut found = Vec::new();
        while let Some(block) = rows.next().await {
            let block = block.expect("answers");
            assert!((1..=10).contains(&block.len()));
            found.extend(block.iter().map(|row| (row.event_at_ms, row.device)));
        }
        let asked = asked.lock().clone();
        (found, asked)
    }

    /// Two devices, a position every 5 s, of two hours.
    fn two() -> Vec<PositionRow> {
        (0..1_440).flat_map(|step| [row(7, step * 5_000), row(3, step * 5_000 + 1_000)]).collect()
    }

    #[tokio::test]
    async fn each_step_has_its_first_position_once() {
        for (step_ms, from_ms) in [(60_000, 0), (60_000, 1_234_567), (7_000, 11_000), (1_000, 0), (10_000_000, 5)] {
            let (found, asked) = read(two(), query((from_ms, 7_200_000), step_ms, u64::MAX)).await;
            let mut expected = two();
            expected.retain(|row| row.event_at_ms >= from_ms);
            expected.sort_by_key(PositionRow::time_key);
            let mut steps = BTreeSet::new();
            expected.retain(|row| steps.insert((row.device, row.event_at_ms.div_euclid(step_ms))));
            let expected: Vec<_> = expected.iter().map(|row| (row.event_at_ms, row.device)).collect();
            assert_eq!(found, expected, "{step_ms} {from_ms}");
            let longest = asked.iter().map(|slice| slice.period.to_ms - slice.period.from_ms).max();
            assert!(longest <= Some(LONGEST_MS.max(step_ms)), "{step_ms}: {longest:?}");
        }
    }

    #[tokio::test]
    async fn a_question_continues_behind_any_row() {
        let whole = query((2_500, 3_000_000), 30_000, u64::MAX);
        let (all, _) = read(two(), whole).await;
        for (index, (event_at_ms, device)) in all.iter().copied().enumerate() {
            let after = Some(row(device, event_at_ms).time_key());
            let (rest, asked) = read(two(), RegionQuery { after, ..whole }).await;
            assert_eq!(rest, all[index + 1..], "{event_at_ms} {device}");
            assert!(asked[0].is_first && asked[1..].iter().all(|slice| !slice.is_first));
        }
    }

    #[tokio::test]
    async fn the_limit_ends_it() {
        for limit in [0, 1, 10, 13, 40] {
            let (found, _) = read(two(), query((0, 7_200_000), 5_000, limit)).await;
            assert_eq!(found.len() as u64, limit);
        }
    }

    #[tokio::test]
    async fn an_empty_time_is_passed_in_long_slices() {
        let (found, asked) = read(Vec::new(), query((0, 12 * 3_600_000), 1_000, 100)).await;
        assert!(found.is_empty());
        assert!(asked.len() < 20, "{}", asked.len());
        let gaps = asked.windows(2).filter(|pair| pair[0].period.to_ms != pair[1].period.from_ms).count();
        assert_eq!(gaps, 0);
    }

    #[tokio::test]
    async fn empty_years_are_skipped_to_the_next_rows() {
        const YEAR_MS: i64 = 365 * 86_400_000;
        for step_ms in [1_000, 7_000, 60_000, 10_000_000] {
            let rows = || vec![row(7, 3), row(7, 50 * YEAR_MS + 12_345), row(3, 50 * YEAR_MS + 3 * 3_600_000)];
            let (found, asked) = read(rows(), query((0, 60 * YEAR_MS), step_ms, 100)).await;
            assert_eq!(found, rows().iter().map(|row| (row.event_at_ms, row.device)).collect::<Vec<_>>(), "{step_ms}");
            assert!(asked.len() < 40, "{step_ms}: {}", asked.len());
        }
    }

    #[test]
    fn a_search_doubles_until_it_finds_rows() {
        let mut progress = Progress::new(query((0, i64::MAX), 1_000, 5));
        progress.search_ms = Some(FIRST_SEARCH_MS);
        let mut searches = 0;
        while let Some(Next::Search(period)) = progress.next(10) {
            searches += 1;
            progress.skip(period, None);
        }
        assert!(progress.next(10).is_none() && searches < 50, "{searches}");
    }

    #[tokio::test]
    async fn nothing_comes_after_an_error() {
        let failing = |_: Slice| std::future::ready(Err(HistoryError::transient("busy", "read", "no")));
        let none = |_: Period| std::future::ready(Ok(None));
        let mut rows: Rows<PositionRow> = slices(query((0, 1_000), 1_000, 5), 10, failing, none);
        assert!(rows.next().await.is_some_and(|block| block.is_err()));
        assert!(rows.next().await.is_none());
    }
}
