//! Circling in a complete recording, a fix per second. Unlike the detector it uses every second, and the seconds after
//! as well as those before.
//!
//! A second is circled when the way turns by more than 270 degrees within the 45 seconds around it, all of them turned
//! the same way around in total. The centre is the mean of the positions over the one full turn around the second:
//! with the turn in the middle, an even drift adds up to nothing.

use geo::Position;
use geo::distance::{distance_m, local_m, shifted};
use geo::position::wrap_difference_deg;

use super::climb::{Recording, TruthSample};
use super::second_opinion;
use crate::igc::Flight;

const TURNED_DEG: f64 = 270.0;
const WITHIN_S: i64 = 45;
/// A course is computed over this time: single seconds are too coarse.
const COURSE_S: i64 = 2;
/// Slower than this there is no course, m/s.
const LEAST_MPS: f64 = 1.0;
/// A recorder that is silent for longer interrupts everything, seconds.
const LONGEST_GAP_S: i64 = 6;
/// Altitudes are means over this much before and after, seconds.
const SMOOTH_S: i64 = 5;
/// Half of a turn takes at most this long, seconds.
const HALF_TURN_S: i64 = 45;

/// The rate of turn is a mean over this much before and after, for the second opinion, seconds.
const RATE_S: i64 = 2;

/// The truth of a flight, a sample per second: by this module's definition of circling, and by the second opinion.
/// Seconds count from midnight of its day.
pub(crate) fn recordings(device: u32, flight: &Flight) -> [Recording; 2] {
    let mut fixes = every_second(flight);
    smooth(&mut fixes);
    let turns = turns(&fixes);
    let rates: Vec<Option<f64>> = (0..fixes.len()).map(|index| rate_dps(&fixes, &turns, index)).collect();
    let by_other_means = second_opinion::circled(&rates);
    let recording = |circled: &dyn Fn(usize) -> bool| {
        let samples = fixes.iter().enumerate().map(|(index, fix)| TruthSample {
            at_s: fix.at_s,
            position: fix.position,
            altitude_m: fix.altitude_m,
            centre: circled(index).then(|| centre(&fixes, &turns, index)).flatten(),
            wind_mps: None,
        });
        Recording { device, samples: samples.collect() }
    };
    [recording(&|index| is_circled(&fixes, &turns, index)), recording(&|index| by_other_means[index])]
}

/// The rate of turn around a second; `None`: the recorder was silent before it.
fn rate_dps(fixes: &[Second], turns: &[f64], index: usize) -> Option<f64> {
    let (from, to) = (reach(fixes, index, -RATE_S), reach(fixes, index, RATE_S));
    let seconds = (to - from).max(1) as f64;
    (!fixes[index].begins).then(|| (turns[to] - turns[from]) / seconds)
}

#[derive(Clone, Copy)]
struct Second {
    at_s: i64,
    position: Position,
    altitude_m: f64,
    /// The recorder was silent before it.
    begins: bool,
}

/// The fixes, and between fixes a few seconds apart straight lines.
fn every_second(flight: &Flight) -> Vec<Second> {
    let mut seconds: Vec<Second> = Vec::new();
    for fix in &flight.fixes {
        let at_s = i64::from(fix.at_s);
        let position = Position::new(fix.position.latitude_deg, fix.position.longitude_deg);
        let next = Second { at_s, position, altitude_m: fix.position.altitude_m, begins: true };
        let Some(last) = seconds.last().copied().filter(|last| at_s - last.at_s <= LONGEST_GAP_S) else {
            seconds.push(next);
            continue;
        };
        let (east_m, north_m) = local_m(last.position, position);
        let gap_s = at_s - last.at_s;
        for step in 1..=gap_s {
            let share = step as f64 / gap_s as f64;
            seconds.push(Second {
                at_s: last.at_s + step,
                position: shifted(last.position, east_m * share, north_m * share),
                altitude_m: last.altitude_m + (next.altitude_m - last.altitude_m) * share,
                begins: false,
            });
        }
    }
    seconds
}

/// GPS altitudes have metres of noise from second to second: the mean over the seconds around is taken.
fn smooth(fixes: &mut [Second]) {
    let altitudes_m: Vec<f64> = fixes.iter().map(|fix| fix.altitude_m).collect();
    for index in 0..fixes.len() {
        let (from, to) = (reach(fixes, index, -SMOOTH_S), reach(fixes, index, SMOOTH_S));
        // As many before as after: the mean of a steady climb is its middle.
        let half = (index - from).min(to - index);
        let around = &altitudes_m[index - half..=index + half];
        fixes[index].altitude_m = around.iter().sum::<f64>() / around.len() as f64;
    }
}

/// The turn of the way up to each second since the recording began, degrees.
fn turns(fixes: &[Second]) -> Vec<f64> {
    let mut turns = Vec::with_capacity(fixes.len());
    let (mut turned, mut course) = (0.0, None);
    for index in 0..fixes.len() {
        let now = course_at(fixes, index);
        if let (Some(before), Some(now)) = (course, now) {
            turned += wrap_difference_deg(now - before);
        }
        course = now.or(course);
        turns.push(turned);
    }
    turns
}

fn course_at(fixes: &[Second], index: usize) -> Option<f64> {
    let half = (COURSE_S / 2) as usize;
    let (from, to) = (index.checked_sub(half)?, index + half);
    let (before, after) = (fixes.get(from)?, fixes.get(to)?);
    let is_whole = fixes[from + 1..=to].iter().all(|fix| !fix.begins);
    let metres = distance_m(before.position, after.position);
    let moves = metres >= LEAST_MPS * (after.at_s - before.at_s) as f64;
    (is_whole && moves).then(|| geo::distance::bearing_deg(before.position, after.position))
}

fn is_circled(fixes: &[Second], turns: &[f64], index: usize) -> bool {
    let half = WITHIN_S / 2;
    let from = reach(fixes, index, -half);
    let to = reach(fixes, index, half);
    (turns[to] - turns[from]).abs() > TURNED_DEG
}

/// The index so many seconds away, or as far as the recording goes without a break.
fn reach(fixes: &[Second], index: usize, seconds: i64) -> usize {
    let mut at = index;
    for _ in 0..seconds.abs() {
        let next = if seconds < 0 { at.checked_sub(1) } else { Some(at + 1) };
        let Some(next) = next.filter(|next| *next < fixes.len()) else { break };
        if fixes[at.max(next)].begins {
            break;
        }
        at = next;
    }
    at
}

/// The mean position over the full turn around a second.
fn centre(fixes: &[Second], turns: &[f64], index: usize) -> Option<Position> {
    let half_turned = |to: usize| (turns[to] - turns[index]).abs() >= 180.0;
    let end = reach(fixes, index, HALF_TURN_S);
    let begin = reach(fixes, index, -HALF_TURN_S);
    let to = (index..=end).find(|at| half_turned(*at))?;
    let from = (begin..=index).rev().find(|at| half_turned(*at))?;
    // As long before as after, so that the drift adds up to nothing.
    let half = (to - index).min(index - from).max(1);
    let around = &fixes[index - half..=index + half];
    let (mut east, mut north) = (0.0, 0.0);
    for fix in around {
        let (x, y) = local_m(fixes[index].position, fix.position);
        (east, north) = (east + x, north + y);
    }
    let count = around.len() as f64;
    Some(shifted(fixes[index].position, east / count, north / count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::Position3d;
    use crate::igc::Fix;

    /// Straight on for a minute, then two minutes of circles of 25 s and 40 m that drift 3 m/s to the east, climbing
    /// 2 m/s with noise; a fix every `every_s` seconds.
    fn flight(every_s: u32) -> Flight {
        let fixes = (0..180).step_by(every_s as usize).map(|at_s| {
            let second = f64::from(at_s);
            let angle = (second - 60.0) / 25.0 * std::f64::consts::TAU;
            let (east_m, north_m, altitude_m) = if at_s < 60 {
                (-600.0 + 10.0 * second, 40.0, 1_000.0)
            } else {
                (40.0 * angle.sin() + 3.0 * (second - 60.0), 40.0 * angle.cos(), 1_000.0 + 2.0 * (second - 60.0))
            };
            let at = shifted(Position::new(46.0, 13.0), east_m, north_m);
            let altitude_m = altitude_m + if at_s % 2 == 0 { 3.0 } else { -3.0 };
            Fix {
                at_s,
                position: Position3d { latitude_deg: at.latitude_deg, longitude_deg: at.longitude_deg, altitude_m },
            }
        });
        Flight { date: None, fixes: fixes.collect(), skipped: 0 }
    }

    #[test]
    fn circles_are_seen_with_their_centre_climb_and_drift() {
        for every_s in [1, 3] {
            let [recording, other] = recordings(1, &flight(every_s));
            let circled: Vec<i64> =
                recording.samples.iter().filter(|sample| sample.centre.is_some()).map(|sample| sample.at_s).collect();
            assert!(circled.first().is_some_and(|first| (55..75).contains(first)), "{:?}", circled.first());
            assert!(circled.last().is_some_and(|last| *last > 155), "{:?}", circled.last());
            for sample in recording.samples.iter().filter(|sample| (80..150).contains(&sample.at_s)) {
                let truth = shifted(Position::new(46.0, 13.0), 3.0 * (sample.at_s - 60) as f64, 0.0);
                let off_m = distance_m(sample.centre.expect("it circles"), truth);
                assert!(off_m < 8.0, "{off_m} m off after {} s", sample.at_s);
            }
            let climbs = recording.climbs();
            assert_eq!((climbs.len(), other.climbs().len()), (1, 1), "both opinions");
            assert!((climbs[0].climb_mps - 2.0).abs() < 0.15, "{}", climbs[0].climb_mps);
            let (east, north) = climbs[0].wind_mps;
            assert!((east - 3.0).abs() < 0.4 && north.abs() < 0.4, "{east} {north}");
        }
    }

    #[test]
    fn straight_flight_and_silence_are_no_circles() {
        let mut straight = flight(1);
        straight.fixes.truncate(60);
        assert!(recordings(1, &straight)[0].samples.iter().all(|sample| sample.centre.is_none()));
        let mut silent = flight(1);
        silent.fixes.retain(|fix| fix.at_s % 30 == 0);
        assert!(recordings(1, &silent)[0].samples.iter().all(|sample| sample.centre.is_none()));
    }
}
