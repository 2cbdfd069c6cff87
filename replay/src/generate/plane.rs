//! Flat ground under each launch area, and where its points lie on the globe.

/// Metres in one degree of latitude (mean, WGS 84).
const METRES_PER_DEGREE: f64 = 111_195.0;

/// A position with altitude: WGS 84 degrees and metres above the sea.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Position3d {
    /// North is positive.
    pub latitude_deg: f64,
    /// East is positive, -180 to 180.
    pub longitude_deg: f64,
    /// Above mean sea level.
    pub altitude_m: f64,
}

impl Position3d {
    /// Distance over ground, metres; good to 0.5 % within a few hundred kilometres.
    pub fn distance_m(&self, other: &Self) -> f64 {
        let (east, north) = self.offset_m(other);
        east.hypot(north)
    }

    /// Course over ground towards another position, degrees true, 0 to 360.
    pub fn course_deg(&self, other: &Self) -> f64 {
        let (east, north) = self.offset_m(other);
        course_of(east, north)
    }

    fn offset_m(&self, other: &Self) -> (f64, f64) {
        let middle = f64::midpoint(self.latitude_deg, other.latitude_deg).to_radians();
        let east = wrapped_longitude(other.longitude_deg - self.longitude_deg) * middle.cos();
        let north = other.latitude_deg - self.latitude_deg;
        (east * METRES_PER_DEGREE, north * METRES_PER_DEGREE)
    }
}

/// A point on an area's plane, metres from its origin.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Point {
    pub(crate) east_m: f64,
    pub(crate) north_m: f64,
}

impl Point {
    /// A point at a distance and course from the origin.
    pub(crate) fn polar(distance_m: f64, course_deg: f64) -> Self {
        let (sin, cos) = course_deg.to_radians().sin_cos();
        Self { east_m: distance_m * sin, north_m: distance_m * cos }
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self { east_m: self.east_m + other.east_m, north_m: self.north_m + other.north_m }
    }

    pub(crate) fn moved(self, velocity: Velocity, seconds: f64) -> Self {
        Self { east_m: self.east_m + velocity.east_mps * seconds, north_m: self.north_m + velocity.north_mps * seconds }
    }

    /// A share of the way towards another point: 0 here, 1 there.
    pub(crate) fn towards(self, other: Self, share: f64) -> Self {
        Self {
            east_m: self.east_m + (other.east_m - self.east_m) * share,
            north_m: self.north_m + (other.north_m - self.north_m) * share,
        }
    }

    pub(crate) fn distance_m(self, other: Self) -> f64 {
        (other.east_m - self.east_m).hypot(other.north_m - self.north_m)
    }

    pub(crate) fn course_to_deg(self, other: Self) -> f64 {
        course_of(other.east_m - self.east_m, other.north_m - self.north_m)
    }
}

/// Metres per second over a plane.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Velocity {
    pub(crate) east_mps: f64,
    pub(crate) north_mps: f64,
}

impl Velocity {
    pub(crate) fn polar(speed_mps: f64, course_deg: f64) -> Self {
        let (sin, cos) = course_deg.to_radians().sin_cos();
        Self { east_mps: speed_mps * sin, north_mps: speed_mps * cos }
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self { east_mps: self.east_mps + other.east_mps, north_mps: self.north_mps + other.north_mps }
    }

    pub(crate) fn speed_mps(self) -> f64 {
        self.east_mps.hypot(self.north_mps)
    }

    /// Degrees true, 0 to 360; 0 where nothing moves.
    pub(crate) fn course_deg(self) -> f64 {
        course_of(self.east_mps, self.north_mps)
    }
}

/// An area's ground: flat, with its origin at the launch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plane {
    latitude_deg: f64,
    longitude_deg: f64,
    metres_per_longitude_degree: f64,
}

impl Plane {
    pub(crate) fn at(latitude_deg: f64, longitude_deg: f64) -> Self {
        let metres_per_longitude_degree = METRES_PER_DEGREE * latitude_deg.to_radians().cos();
        Self { latitude_deg, longitude_deg, metres_per_longitude_degree }
    }

    pub(crate) fn position(&self, point: Point, altitude_m: f64) -> Position3d {
        let longitude_deg = self.longitude_deg + point.east_m / self.metres_per_longitude_degree;
        Position3d {
            latitude_deg: self.latitude_deg + point.north_m / METRES_PER_DEGREE,
            longitude_deg: wrapped_longitude(longitude_deg),
            altitude_m,
        }
    }
}

/// The turn from one course to another, degrees, -180 to 180, clockwise positive.
pub(crate) fn turn_deg(from_deg: f64, to_deg: f64) -> f64 {
    wrapped_longitude(to_deg - from_deg)
}

fn course_of(east: f64, north: f64) -> f64 {
    if east == 0.0 && north == 0.0 {
        return 0.0;
    }
    east.atan2(north).to_degrees().rem_euclid(360.0)
}

pub(super) fn wrapped_longitude(degrees: f64) -> f64 {
    (degrees + 180.0).rem_euclid(360.0) - 180.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_on_the_plane_is_at_its_metres() {
        let plane = Plane::at(46.0, 8.0);
        let origin = plane.position(Point::default(), 0.0);
        let position = plane.position(Point { east_m: 3_000.0, north_m: 4_000.0 }, 900.0);
        assert!((origin.distance_m(&position) - 5_000.0).abs() < 5.0);
        assert!((origin.course_deg(&position) - 36.87).abs() < 0.1);
        assert_eq!(position.altitude_m, 900.0);
    }

    #[test]
    fn courses_and_turns_follow_the_compass() {
        for (east_mps, north_mps, course) in
            [(0.0, 1.0, 0.0), (1.0, 0.0, 90.0), (0.0, -1.0, 180.0), (-1.0, 0.0, 270.0), (0.0, 0.0, 0.0)]
        {
            assert_eq!(Velocity { east_mps, north_mps }.course_deg(), course);
        }
        assert_eq!(turn_deg(350.0, 10.0), 20.0);
        assert_eq!(turn_deg(10.0, 350.0), -20.0);
    }

    #[test]
    fn longitudes_wrap_at_the_date_line() {
        let position = Plane::at(0.0, 179.99).position(Point { east_m: 5_000.0, north_m: 0.0 }, 0.0);
        assert!((-180.0..-179.9).contains(&position.longitude_deg), "{position:?}");
        let west = Position3d { latitude_deg: 0.0, longitude_deg: 179.99, altitude_m: 0.0 };
        assert!((west.distance_m(&position) - 5_000.0).abs() < 5.0);
    }
}
