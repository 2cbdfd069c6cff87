//! Distances, bearings and offsets on the sphere.
//!
//! The functions of angles come from `libm` and not from the platform, so that the same positions give the same bits on
//! every machine.

use libm::{asin, atan2, cos, sin};

use crate::position::{EARTH_RADIUS_M, Position, wrap_course_deg, wrap_longitude_deg};

/// Below this difference in both coordinates the plane is good enough: the error stays under one in ten thousand.
const SHORT_DEG: f64 = 0.25;
/// Nearer to a pole than this the plane is never used.
const PLANE_LATITUDE_DEG: f64 = 80.0;

/// The shortest way between two points, metres.
#[must_use]
pub fn distance_m(a: Position, b: Position) -> f64 {
    let north_deg = b.latitude_deg - a.latitude_deg;
    let east_deg = wrap_longitude_deg(b.longitude_deg - a.longitude_deg);
    if north_deg.abs() < SHORT_DEG && east_deg.abs() < SHORT_DEG && a.latitude_deg.abs() < PLANE_LATITUDE_DEG {
        let middle = (a.latitude_deg + north_deg / 2.0).to_radians();
        let (x, y) = (east_deg.to_radians() * cos(middle), north_deg.to_radians());
        return EARTH_RADIUS_M * (x * x + y * y).sqrt();
    }
    let (half_north, half_east) = (sin(north_deg.to_radians() / 2.0), sin(east_deg.to_radians() / 2.0));
    let h = half_north * half_north
        + cos(a.latitude_deg.to_radians()) * cos(b.latitude_deg.to_radians()) * half_east * half_east;
    2.0 * EARTH_RADIUS_M * asin(h.sqrt().min(1.0))
}

/// The course from `a` on the shortest way to `b`, degrees true, 0 to 360; 0 where they are the same point.
#[must_use]
pub fn bearing_deg(a: Position, b: Position) -> f64 {
    let (from, to) = (a.latitude_deg.to_radians(), b.latitude_deg.to_radians());
    let east = wrap_longitude_deg(b.longitude_deg - a.longitude_deg).to_radians();
    let y = sin(east) * cos(to);
    let x = cos(from) * sin(to) - sin(from) * cos(to) * cos(east);
    wrap_course_deg(atan2(y, x).to_degrees())
}

/// The point `distance_m` metres from `start` on the course `bearing_deg`.
#[must_use]
pub fn offset(start: Position, bearing_deg: f64, distance_m: f64) -> Position {
    let (bearing, angle) = (bearing_deg.to_radians(), distance_m / EARTH_RADIUS_M);
    let latitude = start.latitude_deg.to_radians();
    let sine = sin(latitude) * cos(angle) + cos(latitude) * sin(angle) * cos(bearing);
    let east = atan2(sin(bearing) * sin(angle) * cos(latitude), cos(angle) - sin(latitude) * sine);
    Position::new(asin(sine.clamp(-1.0, 1.0)).to_degrees(), wrap_longitude_deg(start.longitude_deg + east.to_degrees()))
}

/// Where `to` lies as seen from `from`, metres east and north, on the plane that touches the globe there; for
/// distances of some kilometres.
#[must_use]
pub fn local_m(from: Position, to: Position) -> (f64, f64) {
    let scale = EARTH_RADIUS_M.to_radians();
    let east = wrap_longitude_deg(to.longitude_deg - from.longitude_deg) * cos(from.latitude_deg.to_radians());
    (east * scale, (to.latitude_deg - from.latitude_deg) * scale)
}

/// The inverse of [`local_m`]: the point `east_m` and `north_m` metres from `from`.
#[must_use]
pub fn shifted(from: Position, east_m: f64, north_m: f64) -> Position {
    let bearing = atan2(east_m, north_m).to_degrees();
    offset(from, bearing, (east_m * east_m + north_m * north_m).sqrt())
}

/// A direction and a length as metres (or metres per second) east and north.
#[must_use]
pub fn to_components(course_deg: f64, length: f64) -> (f64, f64) {
    let course = course_deg.to_radians();
    (length * sin(course), length * cos(course))
}

/// The inverse of [`to_components`]: course in degrees, 0 to 360, and length.
#[must_use]
pub fn from_components(east: f64, north: f64) -> (f64, f64) {
    (wrap_course_deg(atan2(east, north).to_degrees()), (east * east + north * north).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(actual: f64, expected: f64, tolerance: f64) {
        assert!((actual - expected).abs() <= tolerance, "{actual} is not {expected}");
    }

    #[test]
    fn known_distances() {
        // One degree of a great circle of the mean sphere.
        let degree_m = 111_195.08;
        close(distance_m(Position::new(0.0, 0.0), Position::new(0.0, 1.0)), degree_m, 0.1);
        close(distance_m(Position::new(45.0, 7.0), Position::new(46.0, 7.0)), degree_m, 0.1);
        close(distance_m(Position::new(0.0, 179.95), Position::new(0.0, -179.95)), degree_m / 10.0, 0.1);
        close(distance_m(Position::new(89.9, 0.0), Position::new(89.9, 180.0)), degree_m / 5.0, 0.1);
        close(distance_m(Position::new(0.0, 0.0), Position::new(0.0, 180.0)), degree_m * 180.0, 1.0);
    }

    #[test]
    fn the_plane_agrees_with_the_sphere() {
        let a = Position::new(60.0, 10.0);
        let b = Position::new(60.2, 10.24);
        let (half_north, half_east) = (sin(0.1f64.to_radians()), sin(0.12f64.to_radians()));
        let h = half_north * half_north + cos(60f64.to_radians()) * cos(60.2f64.to_radians()) * half_east * half_east;
        let sphere = 2.0 * EARTH_RADIUS_M * asin(h.sqrt());
        close(distance_m(a, b), sphere, sphere / 10_000.0);
    }

    #[test]
    fn an_offset_lies_where_it_was_sent() {
        for (latitude, longitude) in [(46.0, 13.0), (-33.0, 151.0), (0.0, 179.999), (79.0, -20.0)] {
            let start = Position::new(latitude, longitude);
            for bearing in [0.0, 45.0, 133.0, 270.0] {
                let end = offset(start, bearing, 5_000.0);
                close(distance_m(start, end), 5_000.0, 1.0);
                close(bearing_deg(start, end), bearing, 0.01);
                let (east, north) = local_m(start, end);
                let back = shifted(start, east, north);
                close(distance_m(back, end), 0.0, 20.0);
            }
        }
    }

    #[test]
    fn components_come_back() {
        for course in [0.0, 10.0, 100.0, 200.0, 359.0] {
            let (east, north) = to_components(course, 7.0);
            let (back, length) = from_components(east, north);
            close(back, course, 1e-9);
            close(length, 7.0, 1e-9);
        }
    }
}
