//! Which fixes of a file belong to one recording, when some have a wrong time.
//!
//! A recorder without satellites writes any time at all: a first fix at midnight, a fix hours ahead, a clock that
//! stands. The first fix is not trusted more than others: of all sequences in which each fix follows the one before,
//! the one with the most fixes is the recording.

const DAY_S: u32 = 86_400;
/// A step back is midnight, and not a fault, where it leads at most this far into the next day from the fix before.
const MIDNIGHT_STEP_S: u32 = 3_600;
/// A fix that is further ahead of the one before has a wrong time.
const LONGEST_PAUSE_S: u32 = 6 * 3_600;

/// The indexes of the longest run of fixes that follow each other, with their seconds since midnight of the first day.
/// `times_s`: seconds of the day, as they stand in the file. Of equal runs the earliest counts.
pub(super) fn longest_run(times_s: &[u32]) -> Vec<(usize, u32)> {
    let mut best = Best::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(times_s.len());
    for (index, time_s) in times_s.iter().map(|time_s| time_s % DAY_S).enumerate() {
        let same_day = best.within(time_s.saturating_sub(LONGEST_PAUSE_S), time_s);
        let over_midnight = best.within((time_s + DAY_S).saturating_sub(MIDNIGHT_STEP_S), DAY_S);
        let run = same_day.max(over_midnight);
        before.push(run.last());
        best.put(time_s, Run::of(run.length + 1, index));
    }
    let mut indexes: Vec<usize> = std::iter::successors(best.within(0, DAY_S).last(), |index| before[*index]).collect();
    indexes.reverse();
    let (mut day_s, mut last_s) = (0, 0);
    let on_its_day = |index: usize| {
        let time_s = times_s[index] % DAY_S;
        if time_s + day_s < last_s {
            day_s += DAY_S;
        }
        last_s = time_s + day_s;
        (index, last_s)
    };
    indexes.into_iter().map(on_its_day).collect()
}

/// A run of fixes: how many, and which is the last. The longer is the greater, of equals the earlier.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Run {
    length: u32,
    last: std::cmp::Reverse<usize>,
}

impl Run {
    fn of(length: u32, last: usize) -> Self {
        Self { length, last: std::cmp::Reverse(last) }
    }

    fn last(self) -> Option<usize> {
        (self.length > 0).then_some(self.last.0)
    }
}

/// The best run that ends at each second of the day: a tree of maxima, the leaves in its second half.
struct Best(Vec<Run>);

impl Best {
    const LEAVES: usize = (DAY_S as usize).next_power_of_two();

    fn new() -> Self {
        Self(vec![Run::default(); 2 * Self::LEAVES])
    }

    fn put(&mut self, time_s: u32, run: Run) {
        let mut at = Self::LEAVES + time_s as usize;
        while at > 0 {
            self.0[at] = self.0[at].max(run);
            at /= 2;
        }
    }

    /// The best of the seconds from `from_s` up to, without, `to_s`.
    fn within(&self, from_s: u32, to_s: u32) -> Run {
        let (mut from, mut to) = (Self::LEAVES + from_s as usize, Self::LEAVES + to_s as usize);
        let mut best = Run::default();
        while from < to {
            if from % 2 == 1 {
                best = best.max(self.0[from]);
                from += 1;
            }
            if to % 2 == 1 {
                to -= 1;
                best = best.max(self.0[to]);
            }
            (from, to) = (from / 2, to / 2);
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_wrong_time_costs_one_fix() {
        let noon: Vec<u32> = (43_200..43_400).collect();
        for (at, wrong_s) in [(0, 0), (0, 86_399), (100, 60_000), (100, 0), (199, 86_399), (50, 43_200)] {
            let mut times = noon.clone();
            times.insert(at, wrong_s);
            let run: Vec<u32> = longest_run(&times).into_iter().map(|(_, at_s)| at_s).collect();
            assert_eq!(run, noon, "{wrong_s} at {at}");
        }
    }

    #[test]
    fn a_stretch_of_wrong_times_is_left_out() {
        let times = (43_200..43_300).chain(60_000..60_050).chain(43_350..43_450);
        let run = longest_run(&times.collect::<Vec<_>>());
        assert_eq!(run.len(), 200);
        assert_eq!((run[99], run[100]), ((99, 43_299), (150, 43_350)));
    }

    #[test]
    fn runs_go_over_midnight_and_not_back() {
        let found = |times: &[u32]| longest_run(times).into_iter().map(|(_, at_s)| at_s).collect::<Vec<_>>();
        assert_eq!(found(&[86_398, 86_399, 1, 1, 0, 5, 86_340]), [86_398, 86_399, 86_401, 86_405]);
        assert_eq!(found(&[100, 100, 99]), [100]);
        assert_eq!(found(&[0, 21_601]), [0], "a pause of more than six hours");
        assert_eq!(found(&[82_799, 0]), [82_799], "more than an hour around midnight");
        assert!(found(&[]).is_empty());
    }
}
