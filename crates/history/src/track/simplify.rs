//! Simplification: fewer positions that tell the same flight.
//!
//! Bottom-up by the synchronous distance: the position that is missed least goes first. What it would be missed by is how
//! far it lies from where the line between its neighbours says the aircraft was *at that time*, altitude included. Known
//! ways to thin a line fit worse: Douglas-Peucker keeps to a tolerance and not to a number of points, and needs the whole
//! track at once; Visvalingam's triangles know nothing of time, so a straight glide that slows down, or a climb on the
//! spot, costs nothing. Here speed and climb stay right too, and the memory is bounded: beyond it, positions are dropped
//! while more come in, the least missed first.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use super::TrackPoint;

/// The most positions that can be asked for.
pub const MAX_POINTS: usize = 10_000;
/// How much more a metre of altitude counts than a metre over ground: in a climb of 1,000 m the circles are 100 m wide.
pub const ALTITUDE_WEIGHT: f64 = 3.0;
/// Positions that are held for each that may come out.
const HELD_PER_POINT: usize = 4;
/// At least so many are held: short tracks are simplified as if all were known at once.
const HELD_AT_LEAST: usize = 20_000;
/// What a segment's end counts, metres: goes only when there are more segments than positions.
const END_COST: f64 = 1e9;
const NONE: usize = usize::MAX;

#[derive(Debug)]
struct Node {
    point: TrackPoint,
    previous: usize,
    next: usize,
    /// The cost of the dearest neighbour that went: errors add up along the line.
    inherited: f64,
    /// Changes when the cost does: older entries of the queue count no more.
    stamp: u32,
}

#[derive(Debug, PartialEq)]
struct Entry {
    cost: f64,
    node: usize,
    stamp: u32,
}

impl Eq for Entry {}
impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        self.cost.total_cmp(&other.cost).then(self.node.cmp(&other.node)).then(self.stamp.cmp(&other.stamp))
    }
}

/// Holds what may still be shown.
#[derive(Debug)]
pub(super) struct Simplify {
    max_points: usize,
    capacity: usize,
    nodes: Vec<Node>,
    free: Vec<usize>,
    queue: BinaryHeap<Reverse<Entry>>,
    first: usize,
    last: usize,
    held: usize,
    error_m: f64,
}

impl Simplify {
    pub(super) fn new(max_points: usize) -> Self {
        Self {
            max_points,
            capacity: (max_points * HELD_PER_POINT).max(HELD_AT_LEAST),
            nodes: Vec::new(),
            free: Vec::new(),
            queue: BinaryHeap::new(),
            first: NONE,
            last: NONE,
            held: 0,
            error_m: 0.0,
        }
    }

    pub(super) fn push(&mut self, point: TrackPoint) {
        let node = Node { point, previous: self.last, next: NONE, inherited: 0.0, stamp: 0 };
        let index = match self.free.pop() {
            Some(index) => {
                let stamp = self.nodes[index].stamp + 1;
                self.nodes[index] = Node { stamp, ..node };
                index
            }
            None => {
                self.nodes.push(node);
                self.nodes.len() - 1
            }
        };
        match self.last {
            NONE => self.first = index,
            last => self.nodes[last].next = index,
        }
        let before = std::mem::replace(&mut self.last, index);
        self.held += 1;
        if before != NONE {
            self.judge(before);
        }
        self.reduce_to(self.capacity);
    }

    /// Adds what is shown to `out`, and says how far off the line what is not shown can lie.
    pub(super) fn finish(&mut self, out: &mut Vec<TrackPoint>) -> f64 {
        if self.last != NONE {
            self.judge(self.last);
        }
        self.reduce_to(self.max_points);
        let mut at = self.first;
        while at != NONE {
            out.push(self.nodes[at].point);
            at = self.nodes[at].next;
        }
        self.error_m
    }

    fn reduce_to(&mut self, most: usize) {
        while self.held > most {
            let Some(Reverse(entry)) = self.queue.pop() else { return };
            if self.nodes[entry.node].stamp == entry.stamp {
                self.remove(entry.node, entry.cost);
            }
        }
    }

    fn remove(&mut self, index: usize, cost: f64) {
        let Node { previous, next, .. } = self.nodes[index];
        match previous {
            NONE => self.first = next,
            previous => self.nodes[previous].next = next,
        }
        match next {
            NONE => self.last = previous,
            next => self.nodes[next].previous = previous,
        }
        self.nodes[index].stamp += 1;
        self.free.push(index);
        self.held -= 1;
        // An end is no point of a line: what it cost says nothing of how far off the line is.
        let passed_on = if cost < END_COST { cost } else { 0.0 };
        self.error_m = self.error_m.max(passed_on);
        for neighbour in [previous, next] {
            if neighbour != NONE && neighbour != self.last {
                let node = &mut self.nodes[neighbour];
                node.inherited = node.inherited.max(passed_on);
                self.judge(neighbour);
            }
        }
        if self.last != NONE {
            let node = &mut self.nodes[self.last];
            if [previous, next].contains(&self.last) {
                node.inherited = node.inherited.max(passed_on);
            }
        }
    }

    /// Puts a position into the queue by what it would be missed by.
    fn judge(&mut self, index: usize) {
        let cost = self.nodes[index].inherited + self.missed_by(index).unwrap_or(END_COST);
        let node = &mut self.nodes[index];
        node.stamp += 1;
        self.queue.push(Reverse(Entry { cost, node: index, stamp: node.stamp }));
        if self.queue.len() > 4 * self.capacity {
            let nodes = &self.nodes;
            self.queue.retain(|Reverse(entry)| nodes[entry.node].stamp == entry.stamp);
        }
    }

    /// Metres between a position and the line of its neighbours at its time; `None` at the end of a segment.
    fn missed_by(&self, index: usize) -> Option<f64> {
        let node = &self.nodes[index];
        let before = &self.nodes.get(node.previous)?.point;
        let after = &self.nodes.get(node.next)?.point;
        let here = &node.point;
        (before.segment == here.segment && here.segment == after.segment).then(|| distance_m(before, here, after))
    }
}

/// How far `here` lies from where the straight line from `before` to `after` is at its time, altitude weighted.
pub(super) fn distance_m(before: &TrackPoint, here: &TrackPoint, after: &TrackPoint) -> f64 {
    let whole_s = after.seconds_since(before);
    let share = if whole_s > 0.0 { here.seconds_since(before) / whole_s } else { 0.0 };
    let (north_m, east_m) = before.offset_to(after.latitude_deg, after.longitude_deg);
    let (here_north_m, here_east_m) = before.offset_to(here.latitude_deg, here.longitude_deg);
    let up_m = match (before.altitude_m, here.altitude_m, after.altitude_m) {
        (Some(before), Some(here), Some(after)) => here - (before + share * (after - before)),
        _ => 0.0,
    };
    let over_ground_m = (here_north_m - share * north_m).hypot(here_east_m - share * east_m);
    over_ground_m.hypot(ALTITUDE_WEIGHT * up_m)
}

#[cfg(test)]
mod tests {
    use super::super::point::testing::{flight, point};
    use super::*;

    fn simplify(points: &[TrackPoint], max_points: usize, capacity: Option<usize>) -> (Vec<TrackPoint>, f64) {
        let mut stage = Simplify::new(max_points);
        stage.capacity = capacity.unwrap_or(stage.capacity);
        points.iter().for_each(|point| stage.push(*point));
        assert!(stage.nodes.len() <= stage.capacity + 1 && stage.queue.len() <= 4 * stage.capacity + 1);
        let mut out = Vec::new();
        let error_m = stage.finish(&mut out);
        (out, error_m)
    }

    /// The greatest distance of any position from the line that is shown.
    fn worst_m(points: &[TrackPoint], shown: &[TrackPoint]) -> f64 {
        let mut worst = 0.0_f64;
        for pair in shown.windows(2) {
            let between =
                |point: &&TrackPoint| (pair[0].event_at_us..=pair[1].event_at_us).contains(&point.event_at_us);
            for point in points.iter().filter(between) {
                worst = worst.max(distance_m(&pair[0], point, &pair[1]));
            }
        }
        worst
    }

    #[test]
    fn what_lies_on_a_line_costs_nothing() {
        let line: Vec<_> =
            (0..100).map(|i| point(f64::from(i), 46.5, 8.0 + f64::from(i) * 1e-4, 1_000.0 - f64::from(i))).collect();
        let (shown, error_m) = simplify(&line, 2, None);
        assert_eq!((shown[0], shown[1]), (line[0], line[99]));
        assert!(error_m < 0.5, "{error_m}");
    }

    #[test]
    fn a_climb_on_the_spot_and_a_stop_stay() {
        let mut points: Vec<_> = (0..100).map(|i| point(f64::from(i), 46.5, 8.0, 1_000.0)).collect();
        points[50].altitude_m = Some(1_200.0);
        let (shown, _) = simplify(&points, 5, None);
        assert!(shown.contains(&points[50]), "a peak that lies on the line over ground");
        let stop = |i: i32| point(f64::from(i), 46.5, 8.0 + 1e-4 * f64::from(i.min(30).max(i - 30)), 1_000.0);
        let points: Vec<_> = (0..100).map(stop).collect();
        let (shown, _) = simplify(&points, 4, None);
        let turns: Vec<u64> = shown.iter().map(|point| point.observation_id / 1_000).collect();
        assert_eq!(turns, [0, 30, 60, 99], "where it stopped and went on, on one straight line");
    }

    #[test]
    fn the_error_is_within_what_is_told_and_far_below_that_of_every_nth() {
        let points = flight(7_200);
        for max_points in [100, 400, 1_500] {
            let (shown, told_m) = simplify(&points, max_points, None);
            let worst = worst_m(&points, &shown);
            assert_eq!(shown.len(), max_points);
            assert!(worst <= told_m, "{max_points} points: {worst} m, told {told_m} m");
            let nth: Vec<_> =
                points.iter().step_by(points.len() / max_points).copied().chain(points.last().copied()).collect();
            assert!(
                worst < 0.7 * worst_m(&points, &nth),
                "{max_points} points: {worst} m against {} m",
                worst_m(&points, &nth)
            );
        }
    }

    #[test]
    fn a_small_memory_costs_little_shape() {
        let points = flight(7_200);
        let (whole, _) = simplify(&points, 400, None);
        let (narrow, told_m) = simplify(&points, 400, Some(1_600));
        assert_eq!(narrow.len(), 400);
        let (whole_m, narrow_m) = (worst_m(&points, &whole), worst_m(&points, &narrow));
        assert!(narrow_m <= told_m && narrow_m < 2.0 * whole_m, "{whole_m} m, {narrow_m} m, told {told_m} m");
    }

    #[test]
    fn more_segments_than_points_leave_as_many_as_may_be() {
        let points: Vec<_> =
            (0..50_u32).map(|i| TrackPoint { segment: i, ..point(f64::from(i) * 400.0, 46.5, 8.0, 1.0) }).collect();
        let (shown, error_m) = simplify(&points, 10, None);
        assert_eq!((shown.len(), error_m), (10, 0.0));
    }
}
