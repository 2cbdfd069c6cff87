//! Detects a stalled window with waiting frames. Pure.

use std::time::Duration;

use streams::watchdog::StallTimer;

/// A responsive log takes a frame within milliseconds, and a sink without answers is replaced before this time.
const STANDS_STILL: Duration = Duration::from_secs(30);
/// This many sinks in a row are replaced; then the process should end.
const TRIES: u32 = 5;

/// What to do about a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// It makes progress, or is empty.
    None,
    /// It is stalled: replace the sink.
    Replace,
    /// Other sinks did not help.
    End,
}

/// A window over time.
#[derive(Debug, Default)]
pub(crate) struct StallDetector {
    still: StallTimer,
    done: u64,
    tries: u32,
}

impl StallDetector {
    /// An observation: how many frames wait, how many were done in total, and whether the log answers.
    pub(crate) fn observe(&mut self, now: Duration, waiting: usize, done: u64, log_answers: bool) -> Step {
        if done != self.done || waiting == 0 {
            (self.done, self.tries) = (done, 0);
        }
        if self.still.observe(now, waiting > 0 && log_answers, done) < STANDS_STILL {
            return Step::None;
        }
        if self.tries == TRIES {
            return Step::End;
        }
        self.tries += 1;
        self.still = StallTimer::default();
        Step::Replace
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(
        detector: &mut StallDetector,
        seconds: std::ops::Range<u64>,
        seen: impl Fn(u64) -> (usize, u64, bool),
    ) -> Vec<(u64, Step)> {
        let observed = |second| {
            let (waiting, done, answers) = seen(second);
            (second, detector.observe(Duration::from_secs(second), waiting, done, answers))
        };
        seconds.map(observed).filter(|(_, step)| *step != Step::None).collect()
    }

    #[test]
    fn a_window_that_moves_or_is_empty_is_left_alone() {
        /// What is seen at a second: waiting, done, whether the log answers.
        type Seen = fn(u64) -> (usize, u64, bool);
        let cases: [Seen; 3] = [|second| (9, second / 29, true), |_| (0, 7, true), |_| (9, 7, false)];
        for seen in cases {
            assert_eq!(steps(&mut StallDetector::default(), 0..200, seen), []);
        }
    }

    #[test]
    fn one_that_stands_still_is_tried_and_given_up() {
        let found = steps(&mut StallDetector::default(), 0..190, |_| (9, 7, true));
        let expected = [30, 61, 92, 123, 154].map(|second| (second, Step::Replace));
        assert_eq!(found[..5], expected);
        assert_eq!(found[5], (185, Step::End));
    }

    #[test]
    fn after_a_move_it_is_tried_again() {
        let mut detector = StallDetector::default();
        let found = steps(&mut detector, 0..400, |second| (9, second / 150, true));
        assert!(found.iter().all(|(_, step)| *step == Step::Replace), "{found:?}");
    }
}
