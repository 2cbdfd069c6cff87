//! Another detection of circling: a hidden Markov model over the rate of turn.
//!
//! Published tools for flight logs decide this way (igc_lib by M. Osowski: two states, Viterbi's algorithm). Here are three
//! states, straight, left and right, and a least time on one side, so that turns to both sides in a row are no circle. What is observed of each second is
//! whether the way turns left, right, or hardly; the most likely sequence of states is the answer. It shares no threshold with
//! the evaluation's own definition: no degrees within a time, but a rate and how long circling and straight flight last.

/// A second turns when its way, over the seconds around it, turns at least so fast, degrees per second.
const TURNING_DPS: f64 = 6.0;
/// Mean times in the states, seconds.
const CIRCLING_S: f64 = 60.0;
const STRAIGHT_S: f64 = 120.0;
/// How often a circling second shows the turn of its side, another side's, and hardly any;
const WHILE_CIRCLING: [f64; 3] = [0.90, 0.01, 0.09];
/// and a straight one hardly any.
const WHILE_STRAIGHT: f64 = 0.84;

/// A turn to one side that is over sooner is no circle, seconds: the fastest take that long for one.
const LEAST_S: usize = 20;

const STATES: usize = 3;

/// Whether each second is circled, from the rates of turn, degrees per second; `None`: the recorder was silent, which
/// separates the parts before and after.
pub(super) fn circled(rates_dps: &[Option<f64>]) -> Vec<bool> {
    let mut circled = Vec::with_capacity(rates_dps.len());
    for part in rates_dps.split_inclusive(Option::is_none) {
        let rates: Vec<f64> = part.iter().flatten().copied().collect();
        for turn in most_likely(&rates).chunk_by(|one, next| one == next) {
            let is_circle = turn[0] != 0 && turn.len() >= LEAST_S;
            circled.extend(turn.iter().map(|_| is_circle));
        }
        circled.extend(part.iter().filter(|rate| rate.is_none()).map(|_| false));
    }
    circled
}

/// Viterbi's algorithm: states 0 straight, 1 left, 2 right.
fn most_likely(rates_dps: &[f64]) -> Vec<usize> {
    let leave = [1.0 / STRAIGHT_S, 1.0 / CIRCLING_S, 1.0 / CIRCLING_S];
    let step = |from: usize, to: usize| match from == to {
        true => (1.0 - leave[from]).ln(),
        // From straight flight to either side; from a side to straight flight, hardly ever to the other side.
        false if from == 0 => (leave[from] / 2.0).ln(),
        false if to == 0 => (leave[from] * 0.9).ln(),
        false => (leave[from] * 0.1).ln(),
    };
    let mut likely = [0.0_f64.ln(); STATES];
    likely[0] = 0.0;
    let mut before: Vec<[usize; STATES]> = Vec::with_capacity(rates_dps.len());
    for rate_dps in rates_dps {
        let best = |to: usize| {
            let of = |from: usize| likely[from] + step(from, to);
            (0..STATES).max_by(|a, b| of(*a).total_cmp(&of(*b))).map_or((0, f64::NEG_INFINITY), |from| (from, of(from)))
        };
        let reached = [best(0), best(1), best(2)];
        before.push(reached.map(|(from, _)| from));
        likely = [0, 1, 2].map(|state| reached[state].1 + seen(state, *rate_dps).ln());
    }
    let last = (0..STATES).max_by(|a, b| likely[*a].total_cmp(&likely[*b])).unwrap_or_default();
    let mut states = vec![last; rates_dps.len()];
    for index in (1..rates_dps.len()).rev() {
        states[index - 1] = before[index][states[index]];
    }
    states
}

/// How often a state shows such a rate.
fn seen(state: usize, rate_dps: f64) -> f64 {
    let side = match rate_dps {
        rate if rate <= -TURNING_DPS => 1,
        rate if rate >= TURNING_DPS => 2,
        _ => 0,
    };
    match (state, side) {
        (0, 0) => WHILE_STRAIGHT,
        (0, _) => (1.0 - WHILE_STRAIGHT) / 2.0,
        (_, 0) => WHILE_CIRCLING[2],
        (state, side) if state == side => WHILE_CIRCLING[0],
        _ => WHILE_CIRCLING[1],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(circled: &[bool]) -> f64 {
        circled.iter().filter(|is| **is).count() as f64 / circled.len() as f64
    }

    #[test]
    fn steady_turns_are_circles_straight_flight_is_not() {
        let rates: Vec<Option<f64>> = (0..300).map(|second| Some(if second < 150 { 1.0 } else { 14.0 })).collect();
        let circled = circled(&rates);
        assert!(share(&circled[..140]) < 0.01 && share(&circled[160..]) > 0.99);
    }

    #[test]
    fn turns_to_both_sides_are_no_circles() {
        let rates: Vec<Option<f64>> =
            (0..300).map(|second| Some(if second / 8 % 2 == 0 { 15.0 } else { -15.0 })).collect();
        assert!(share(&circled(&rates)) < 0.1);
    }

    #[test]
    fn a_short_break_stays_and_silence_interrupts() {
        let rates: Vec<Option<f64>> =
            (0..200).map(|second| Some(if (100..104).contains(&second) { 2.0 } else { -12.0 })).collect();
        assert!(share(&circled(&rates)[20..]) > 0.99);
        assert_eq!(circled(&[None, Some(0.0), None]), [false; 3]);
        assert!(circled(&[]).is_empty());
    }
}
