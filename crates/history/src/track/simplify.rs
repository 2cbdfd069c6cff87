//! Simplification: fewer positions for the same flight.
//!
//! Bottom-up by the synchronous Euclidean distance: the position with the smallest error is removed first. Its error is
//! the distance from the point of the line between its neighbours *at its time*, altitude included. Other algorithms
//! fit worse: Douglas-Peucker has a tolerance instead of a number of points, and needs the complete track at once;
//! Visvalingam's triangles ignore time, so that a straight glide that slows down, or a vertical climb, has no error.
//! Here speed and climb are kept too, and the memory is bounded: beyond the bound, positions are removed while more
//! arrive.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use super::TrackPoint;

/// The maximum number of positions that can be requested.
pub const MAX_POINTS: usize = 10_000;
/// The weight of a metre of altitude against a metre over ground: in a climb of 1,000 m the circles are 100 m wide.
pub const ALTITUDE_WEIGHT: f64 = 3.0;
/// Positions in memory for each that may be shown.
const HELD_PER_POINT: usize = 4;
/// The minimum capacity: short tracks are simplified with all positions in memory.
const HELD_AT_LEAST: usize = 20_000;
/// The error of a segment's end, metres: it is removed only when there are more segments than positions.
const END_COST: f64 = 1e9;
const NONE: usize = usize::MAX;

#[derive(Debug)]
struct Node {
    point: TrackPoint,
    previous: usize,
    next: usize,
    /// The highest cost of a removed neighbour: errors add up along the line.
    inherited: f64,
    /// Changes with the cost, so that older entries of the queue are ignored.
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

/// The positions that may still be shown.
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
            self.enqueue(before);
        }
        self.reduce_to(self.capacity);
    }

    /// Adds the shown positions to `out`, and returns the maximum distance of the others from the line.
    pub(super) fn finish(&mut self, out: &mut Vec<TrackPoint>) -> f64 {
        if self.last != NONE {
            self.enqueue(self.last);
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
        // The cost of a segment's end is not a distance from the line.
        let passed_on = if cost < END_COST { cost } else { 0.0 };
        self.error_m = self.error_m.max(passed_on);
        for neighbour in [previous, next] {
            if neighbour != NONE && neighbour != self.last {
                let node = &mut self.nodes[neighbour];
                node.inherited = node.inherited.max(passed_on);
                self.enqueue(neighbour);
            }
        }
        if self.last != NONE {
            let node = &mut self.nodes[self.last];
            if [previous, next].contains(&self.last) {
                node.inherited = node.inherited.max(passed_on);
            }
        }
    }

    /// Adds a position to the queue by its error.
    fn enqueue(&mut self, index: usize) {
        let cost = self.nodes[index].inherited + self.error_of(index).unwrap_or(END_COST);
        let node = &mut self.nodes[index];
        node.stamp += 1;
        self.queue.push(Reverse(Entry { cost, node: index, stamp: node.stamp }));
        if self.queue.len() > 4 * self.capacity {
            let nodes = &self.nodes;
            self.queue.retain(|Reverse(entry)| nodes[entry.node].stamp == entry.stamp);
        }
    }

    /// Metres between a position and the line of its neighbours at its time; `None` at the end of a segment.
    fn error_of(&self, index: usize) -> Option<f64> {
        let node = &self.nodes[index];
        let before = &self.nodes.get(node.previous)?.point;
        let after = &self.nodes.get(node.next)?.point;
        let here = &node.point;
        (before.segment == here.segment && here.segment == after.segment).then(|| distance_m(before, here, after))
    }
}

/// The distance of `here` from the point of the line from `before` to `after` at its time, with weighted altitude.
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

    /// The maximum distance of any position from the shown line.
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
    fn positions_on_a_line_are_removed_first() {
        let line: Vec<_> =
            (0..100).map(|i| point(f64::from(i), 46.5, 8.0 + f64::from(i) * 1e-4, 1_000.0 - f64::from(i))).collect();
        let (shown, error_m) = simplify(&line, 2, None);
        assert_eq!((shown[0], shown[1]), (line[0], line[99]));
        assert!(error_m < 0.5, "{error_m}");
    }

    #[test]
    fn a_vertical_climb_and_a_stop_are_kept() {
        let mut points: Vec<_> = (0..100).map(|i| point(f64::from(i), 46.5, 8.0, 1_000.0)).collect();
        points[50].altitude_m = Some(1_200.0);
        let (shown, _) = simplify(&points, 5, None);
        assert!(shown.contains(&points[50]), "a peak that is on the line over ground");
        let stop = |i: i32| point(f64::from(i), 46.5, 8.0 + 1e-4 * f64::from(i.min(30).max(i - 30)), 1_000.0);
        let points: Vec<_> = (0..100).map(stop).collect();
        let (shown, _) = simplify(&points, 4, None);
        let kept: Vec<u64> = shown.iter().map(|point| point.observation_id / 1_000).collect();
        assert_eq!(kept, [0, 30, 60, 99], "where it stopped and continued, on a straight line");
    }

    #[test]
    fn the_error_is_within_the_reported_one() {
        let points = flight(7_200);
        for max_points in [100, 400, 1_500] {
            let (shown, reported_m) = simplify(&points, max_points, None);
            let worst = worst_m(&points, &shown);
            assert_eq!(shown.len(), max_points);
            assert!(worst <= reported_m, "{max_points} points: {worst} m, reported {reported_m} m");
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
    fn a_small_capacity_adds_little_error() {
        let points = flight(7_200);
        let (complete, _) = simplify(&points, 400, None);
        let (narrow, reported_m) = simplify(&points, 400, Some(1_600));
        assert_eq!(narrow.len(), 400);
        let (complete_m, narrow_m) = (worst_m(&points, &complete), worst_m(&points, &narrow));
        assert!(narrow_m <= reported_m && narrow_m < 2.0 * complete_m, "{complete_m} m, {narrow_m} m, {reported_m} m");
    }

    #[test]
    fn more_segments_than_points_keep_the_maximum() {
        let points: Vec<_> =
            (0..50_u32).map(|i| TrackPoint { segment: i, ..point(f64::from(i) * 400.0, 46.5, 8.0, 1.0) }).collect();
        let (shown, error_m) = simplify(&points, 10, None);
        assert_eq!((shown.len(), error_m), (10, 0.0));
    }
}
