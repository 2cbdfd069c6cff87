//! Rings: closed lines on the globe, in whole millionths of a degree.
//!
//! An edge goes the shorter way around the globe and is straight in latitude and longitude, as maps draw it. A ring that goes
//! around a pole encloses that pole. A point on the southern or western edge of a ring is inside, one on the opposite edge is
//! not, so that zones side by side have no point in common.

use geo::position::EARTH_RADIUS_M;
use geo::{Bounds, Position};
use libm::cos;
use schemas::v1::ZoneRing;

use crate::limits::RING_VERTICES;

/// Millionths of a degree around the globe.
pub(crate) const TURN_E6: i64 = 360_000_000;
const HALF_TURN_E6: i64 = TURN_E6 / 2;
const POLE_E6: i64 = 90_000_000;
const PER_DEGREE: f64 = 1e6;

/// Why points make no ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RingError {
    /// Too few different points.
    #[error("an outline has fewer than 3 different points: add points")]
    TooFew,
    /// Too many points.
    #[error("an outline has more than {RING_VERTICES} points: simplify it")]
    TooMany,
    /// A point that is not on the globe.
    #[error("a position is not on the globe: latitudes are within -90 and 90, longitudes within -360 and 360")]
    NotOnEarth,
    /// The outline goes around the globe more than once.
    #[error("an outline spans more than the globe, or has an edge of 180 degrees of longitude: add points in between")]
    TooWide,
    /// All points on one line.
    #[error("an outline encloses no area")]
    Flat,
}

/// A point in millionths of a degree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Point {
    pub(crate) latitude: i64,
    pub(crate) longitude: i64,
}

impl Point {
    /// The nearest point of the grid. `None`: it is not on Earth.
    pub(crate) fn of(position: Position) -> Option<Self> {
        let is_valid = position.latitude_deg.abs() <= 90.0 && position.longitude_deg.abs() <= 360.0;
        let whole = |degrees: f64| (degrees * PER_DEGREE).round() as i64;
        is_valid.then(|| Self { latitude: whole(position.latitude_deg), longitude: whole(position.longitude_deg) })
    }
}

/// A rectangle that encloses a ring. The western edge is within -180 and 180 degrees, the eastern one at most a turn beyond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) south: i64,
    pub(crate) north: i64,
    pub(crate) west: i64,
    pub(crate) east: i64,
}

impl Extent {
    pub(crate) fn bounds(&self) -> Option<Bounds> {
        let degrees = |e6: i64| e6 as f64 / PER_DEGREE;
        Bounds::new(degrees(self.south), degrees(self.west), degrees(self.north), degrees(self.east)).ok()
    }

    /// The longitude of a point as the ring counts it.
    fn longitude(&self, point: Point) -> i64 {
        self.west + (point.longitude - self.west).rem_euclid(TURN_E6)
    }
}

/// A ring that points are compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ring {
    extent: Extent,
    /// Latitude and longitude; the first is not repeated.
    vertices: Box<[(i32, i32)]>,
}

/// The wire form of a ring through positions; a repeated first point at the end is dropped.
pub(crate) fn encode(positions: &[Position]) -> Result<ZoneRing, RingError> {
    let points: Option<Vec<Point>> = positions.iter().map(|position| Point::of(*position)).collect();
    let mut points = points.ok_or(RingError::NotOnEarth)?;
    points.dedup_by(|next, last| is_same(*next, *last));
    while points.len() > 1 && is_same(points[0], points[points.len() - 1]) {
        points.pop();
    }
    let unwrapped = unwrap(&points)?;
    let mut ring = ZoneRing::default();
    let (mut latitude, mut longitude) = (0, 0);
    for point in &unwrapped {
        ring.latitudes_e6.push((point.latitude - latitude) as i32);
        ring.longitudes_e6.push((point.longitude - longitude) as i32);
        (latitude, longitude) = (point.latitude, point.longitude);
    }
    Ok(ring)
}

fn is_same(a: Point, b: Point) -> bool {
    a.latitude == b.latitude && (a.longitude - b.longitude) % TURN_E6 == 0
}

/// Lets longitudes continue where the line crosses the antimeridian, and closes a ring around a pole over the pole.
fn unwrap(points: &[Point]) -> Result<Vec<Point>, RingError> {
    let (Some(first), true) = (points.first(), points.len() >= 3) else { return Err(RingError::TooFew) };
    if points.len() > RING_VERTICES {
        return Err(RingError::TooMany);
    }
    let step = |from: i64, to: i64| (to - from + HALF_TURN_E6).rem_euclid(TURN_E6) - HALF_TURN_E6;
    let mut longitude = (first.longitude + HALF_TURN_E6).rem_euclid(TURN_E6) - HALF_TURN_E6;
    let mut unwrapped = vec![Point { latitude: first.latitude, longitude }];
    for pair in points.windows(2) {
        let east = step(pair[0].longitude, pair[1].longitude);
        if east == -HALF_TURN_E6 {
            return Err(RingError::TooWide);
        }
        longitude += east;
        unwrapped.push(Point { latitude: pair[1].latitude, longitude });
    }
    let closing = step(longitude, unwrapped[0].longitude);
    let turn = longitude + closing - unwrapped[0].longitude;
    if turn.abs() == TURN_E6 {
        let sum: i64 = points.iter().map(|point| point.latitude).sum();
        let latitude = if sum >= 0 { POLE_E6 } else { -POLE_E6 };
        let start = unwrapped[0];
        unwrapped.push(Point { latitude: start.latitude, longitude: start.longitude + turn });
        unwrapped.push(Point { latitude, longitude: start.longitude + turn });
        unwrapped.push(Point { latitude, longitude: start.longitude });
    }
    check(&unwrapped)?;
    Ok(unwrapped)
}

/// The extent of a ring that is one.
fn check(points: &[Point]) -> Result<Extent, RingError> {
    let (Some(first), true) = (points.first(), points.len() >= 3) else { return Err(RingError::TooFew) };
    // Room for the closing of a ring around a pole.
    if points.len() > RING_VERTICES + 3 {
        return Err(RingError::TooMany);
    }
    let start = Extent { south: first.latitude, north: first.latitude, west: first.longitude, east: first.longitude };
    let extent = points.iter().fold(start, |extent, point| Extent {
        south: extent.south.min(point.latitude),
        north: extent.north.max(point.latitude),
        west: extent.west.min(point.longitude),
        east: extent.east.max(point.longitude),
    });
    if extent.south < -POLE_E6 || extent.north > POLE_E6 {
        return Err(RingError::NotOnEarth);
    }
    if extent.east - extent.west > TURN_E6 || extent.west < -2 * TURN_E6 || extent.east > 2 * TURN_E6 {
        return Err(RingError::TooWide);
    }
    let next = points.iter().cycle().skip(1);
    let doubled: i128 = points.iter().zip(next).map(|(a, b)| cross(*a, *b)).sum();
    if doubled == 0 {
        return Err(RingError::Flat);
    }
    Ok(extent)
}

fn cross(a: Point, b: Point) -> i128 {
    i128::from(a.longitude) * i128::from(b.latitude) - i128::from(b.longitude) * i128::from(a.latitude)
}

/// The vertices of a ring of the wire, the first repeated at the end: latitude and longitude in degrees.
pub(crate) fn positions(ring: &ZoneRing) -> Vec<Position> {
    let mut points = decoded(ring);
    points.extend(points.first().copied());
    let degrees =
        |point: &Point| Position::new(point.latitude as f64 / PER_DEGREE, point.longitude as f64 / PER_DEGREE);
    points.iter().map(degrees).collect()
}

fn decoded(ring: &ZoneRing) -> Vec<Point> {
    let (mut latitude, mut longitude) = (0, 0);
    let steps = ring.latitudes_e6.iter().zip(&ring.longitudes_e6);
    let point = |(north, east): (&i32, &i32)| {
        latitude += i64::from(*north);
        longitude += i64::from(*east);
        Point { latitude, longitude }
    };
    steps.map(point).collect()
}

impl Ring {
    /// A ring of the wire. `None`: it is none.
    pub(crate) fn decode(ring: &ZoneRing) -> Option<Self> {
        if ring.latitudes_e6.len() != ring.longitudes_e6.len() || ring.latitudes_e6.len() > RING_VERTICES + 3 {
            return None;
        }
        let points = decoded(ring);
        let mut extent = check(&points).ok()?;
        // The western edge within -180 and 180, so that two extents can be compared.
        let west = (extent.west + HALF_TURN_E6).rem_euclid(TURN_E6) - HALF_TURN_E6;
        let shift = west - extent.west;
        (extent.west, extent.east) = (west, extent.east + shift);
        let vertex = |point: &Point| (point.latitude as i32, (point.longitude + shift) as i32);
        Some(Self { extent, vertices: points.iter().map(vertex).collect() })
    }

    pub(crate) fn extent(&self) -> &Extent {
        &self.extent
    }

    pub(crate) fn vertices(&self) -> usize {
        self.vertices.len()
    }

    /// Whether a point is inside.
    pub(crate) fn contains(&self, point: Point) -> bool {
        let (latitude, longitude) = (point.latitude, self.extent.longitude(point));
        if latitude < self.extent.south || latitude > self.extent.north || longitude > self.extent.east {
            return false;
        }
        let mut is_inside = false;
        for ((a_latitude, a_longitude), (b_latitude, b_longitude)) in self.edges() {
            if (a_latitude > latitude) == (b_latitude > latitude) {
                continue;
            }
            // West of the edge: the ray to the east crosses it.
            let north = b_latitude - a_latitude;
            let at_edge = (latitude - a_latitude) * (b_longitude - a_longitude);
            let at_point = (longitude - a_longitude) * north;
            is_inside ^= if north > 0 { at_point < at_edge } else { at_point > at_edge };
        }
        is_inside
    }

    /// Whether a point is at most `metres` from the line. Exact to a percent up to some kilometres, away from the poles.
    pub(crate) fn is_near(&self, point: Point, metres: f64) -> bool {
        let metres_per_e6 = EARTH_RADIUS_M.to_radians() / PER_DEGREE;
        let east_scale = metres_per_e6 * cos((point.latitude as f64 / PER_DEGREE).to_radians());
        let longitude = self.extent.longitude(point);
        // A point just west of the extent is almost a turn east of its western edge.
        [longitude, longitude - TURN_E6].into_iter().any(|longitude| {
            let local = |(vertex_latitude, vertex_longitude): (i64, i64)| {
                let (north, east) = (vertex_latitude - point.latitude, vertex_longitude - longitude);
                (east as f64 * east_scale, north as f64 * metres_per_e6)
            };
            self.edges().any(|(a, b)| distance_squared(local(a), local(b)) <= metres * metres)
        })
    }

    fn edges(&self) -> impl Iterator<Item = ((i64, i64), (i64, i64))> {
        let wide = |(latitude, longitude): (i32, i32)| (i64::from(latitude), i64::from(longitude));
        let last = self.vertices.last().copied().unwrap_or_default();
        let mut from = wide(last);
        self.vertices.iter().map(move |vertex| (std::mem::replace(&mut from, wide(*vertex)), wide(*vertex)))
    }
}

/// From the origin to a line between two points.
fn distance_squared(a: (f64, f64), b: (f64, f64)) -> f64 {
    let (east, north) = (b.0 - a.0, b.1 - a.1);
    let length_squared = east * east + north * north;
    let share = if length_squared > 0.0 { -(a.0 * east + a.1 * north) / length_squared } else { 0.0 };
    let share = share.clamp(0.0, 1.0);
    let (x, y) = (a.0 + share * east, a.1 + share * north);
    x * x + y * y
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ring(points: &[(f64, f64)]) -> Result<Ring, RingError> {
        let positions: Vec<_> = points.iter().map(|(lat, lon)| Position::new(*lat, *lon)).collect();
        encode(&positions).map(|ring| Ring::decode(&ring).expect("what is encoded is a ring"))
    }

    fn contains(ring: &Ring, lat: f64, lon: f64) -> bool {
        ring.contains(Point::of(Position::new(lat, lon)).expect("on Earth"))
    }

    #[test]
    fn a_ring_over_the_antimeridian_has_both_sides() {
        for east in [-178.0, 182.0] {
            let fiji = ring(&[(-20.0, 178.0), (-20.0, east), (-10.0, east), (-10.0, 178.0)]).unwrap();
            for lon in [178.5, 180.0, -180.0, -178.5] {
                assert!(contains(&fiji, -15.0, lon), "{lon}");
            }
            for lon in [177.9, -177.9, 0.0] {
                assert!(!contains(&fiji, -15.0, lon), "{lon}");
            }
        }
    }

    #[test]
    fn a_ring_around_a_pole_encloses_it() {
        let north = ring(&[(80.0, 0.0), (80.0, 120.0), (80.0, -120.0)]).unwrap();
        assert!(contains(&north, 90.0, 0.0) || contains(&north, 89.999_999, 0.0));
        for lon in [-180.0, -60.0, 0.0, 60.0, 179.9] {
            assert!(contains(&north, 85.0, lon) && !contains(&north, 79.0, lon), "{lon}");
        }
        let south = ring(&[(-80.0, 10.0), (-80.0, -110.0), (-80.0, 130.0)]).unwrap();
        assert!(contains(&south, -89.0, 50.0) && !contains(&south, -79.0, 50.0) && !contains(&south, 89.0, 50.0));
    }

    #[test]
    fn neighbours_share_no_point() {
        let west = ring(&[(46.0, 7.0), (47.0, 7.0), (47.0, 8.0), (46.0, 8.0)]).unwrap();
        let east = ring(&[(46.0, 8.0), (47.0, 8.0), (47.0, 9.0), (46.0, 9.0)]).unwrap();
        for lat in [46.0, 46.5, 46.999_999] {
            assert!(contains(&east, lat, 8.0) && !contains(&west, lat, 8.0), "{lat}");
        }
    }

    #[test]
    fn near_is_measured_in_metres() {
        let ring = ring(&[(46.0, 7.0), (46.0, 8.0), (47.0, 8.0), (47.0, 7.0)]).unwrap();
        let near = |lat, lon, metres| ring.is_near(Point::of(Position::new(lat, lon)).unwrap(), metres);
        // A thousandth of a degree of latitude is 111 m, of longitude here 77 m.
        assert!(near(45.999, 7.5, 112.0) && !near(45.999, 7.5, 110.0));
        assert!(near(46.5, 6.999, 78.0) && !near(46.5, 6.999, 75.0), "just west of the ring");
        assert!(near(46.5, 8.001, 78.0) && !near(46.5, 8.001, 75.0));
    }

    #[test]
    fn no_ring_is_made_of_what_is_none() {
        assert_eq!(ring(&[(46.0, 7.0), (47.0, 7.0), (46.0, 7.0)]), Err(RingError::TooFew));
        assert_eq!(ring(&[(46.0, 7.0), (47.0, 7.0), (48.0, 7.0)]), Err(RingError::Flat));
        assert_eq!(ring(&[(91.0, 7.0), (47.0, 7.0), (48.0, 8.0)]), Err(RingError::NotOnEarth));
        assert_eq!(ring(&[(f64::NAN, 7.0), (47.0, 7.0), (48.0, 8.0)]), Err(RingError::NotOnEarth));
        assert_eq!(ring(&[(0.0, 0.0), (1.0, 180.0), (2.0, 10.0)]), Err(RingError::TooWide));
        let spiral: Vec<_> = (0..30).map(|at| (f64::from(at), f64::from(at * 100 % 360))).collect();
        assert_eq!(ring(&spiral), Err(RingError::TooWide));
        let mut wire = encode(&[Position::new(1.0, 1.0), Position::new(2.0, 1.0), Position::new(1.0, 2.0)]).unwrap();
        wire.longitudes_e6[1] = i32::MAX;
        assert_eq!(Ring::decode(&wire), None);
    }

    /// By the sum of the angles at which the edges are seen: slow, and of another kind.
    fn contains_by_winding(points: &[(f64, f64)], lat: f64, lon: f64) -> Option<bool> {
        let angle = |point: &(f64, f64)| libm::atan2(point.0 - lat, point.1 - lon);
        let mut sum = 0.0;
        for (at, point) in points.iter().enumerate() {
            let next = &points[(at + 1) % points.len()];
            let mut step = angle(next) - angle(point);
            if step > std::f64::consts::PI {
                step -= std::f64::consts::TAU;
            } else if step < -std::f64::consts::PI {
                step += std::f64::consts::TAU;
            }
            if (step.abs() - std::f64::consts::PI).abs() < 1e-3 {
                return None; // On the line, or almost.
            }
            sum += step;
        }
        Some((sum / std::f64::consts::TAU).round() as i64 % 2 != 0)
    }

    proptest! {
        #[test]
        fn inside_agrees_with_a_slow_method(
            points in prop::collection::vec((-60.0..60.0_f64, -50.0..50.0_f64), 3..12),
            lat in -60.0..60.0_f64, lon in -50.0..50.0_f64, turn in prop::sample::select(vec![0.0, 100.0, 180.0, -170.0]),
        ) {
            let turned: Vec<_> = points.iter().map(|(lat, lon)| (*lat, geo::position::wrap_longitude_deg(lon + turn))).collect();
            if let (Ok(ring), Some(expected)) = (ring(&turned), contains_by_winding(&points, lat, lon)) {
                prop_assert_eq!(contains(&ring, lat, geo::position::wrap_longitude_deg(lon + turn)), expected);
            }
        }

        #[test]
        fn any_wire_ring_is_refused_or_safe(
            latitudes_e6 in prop::collection::vec(any::<i32>(), 0..8),
            longitudes_e6 in prop::collection::vec(any::<i32>(), 0..8),
            lat in -90.0..=90.0_f64, lon in -180.0..=180.0_f64,
        ) {
            if let Some(ring) = Ring::decode(&ZoneRing { latitudes_e6, longitudes_e6 }) {
                let point = Point::of(Position::new(lat, lon)).unwrap();
                ring.contains(point);
                ring.is_near(point, 100.0);
            }
        }
    }
}
