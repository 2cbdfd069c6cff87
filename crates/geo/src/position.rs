//! Positions on the globe.

/// Mean radius of the Earth, metres (IUGG).
pub const EARTH_RADIUS_M: f64 = 6_371_008.8;
/// Mean radius of the Earth, kilometres.
pub(crate) const EARTH_RADIUS_KM: f64 = EARTH_RADIUS_M / 1000.0;

/// Length of one degree along a great circle, kilometres.
pub(crate) const KM_PER_DEGREE: f64 = EARTH_RADIUS_KM * std::f64::consts::PI / 180.0;

/// The step of the grid to which a region of this size is rounded, degrees: the largest power of two that is at most a
/// 128th of the size, and at most 2. So 90 and 180 degrees are multiples of it: the poles and the date line lie on the
/// grid.
pub(crate) fn grid_step(size_deg: f64) -> f64 {
    (size_deg / 128.0).log2().floor().exp2().min(2.0)
}

/// A point on the globe.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Position {
    /// Degrees north, -90 to 90.
    pub latitude_deg: f64,
    /// Degrees east, -180 to 180.
    pub longitude_deg: f64,
}

impl Position {
    /// A position. The coordinates are not checked: [`Position::is_on_earth`] does that.
    #[must_use]
    pub const fn new(latitude_deg: f64, longitude_deg: f64) -> Self {
        Self { latitude_deg, longitude_deg }
    }

    /// Whether both coordinates are within their ranges; NaN is not.
    #[must_use]
    pub fn is_on_earth(self) -> bool {
        self.latitude_deg.abs() <= 90.0 && self.longitude_deg.abs() <= 180.0
    }
}

/// Brings a longitude, or a difference of longitudes, into -180 (included) to 180 (excluded).
#[must_use]
pub fn wrap_longitude_deg(degrees: f64) -> f64 {
    wrap_difference_deg(degrees)
}

/// Brings an angle into 0 (included) to 360 (excluded).
#[must_use]
pub fn wrap_course_deg(degrees: f64) -> f64 {
    let wrapped = degrees - (degrees / 360.0).floor() * 360.0;
    // For a tiny negative angle the rounded result is 360.
    if wrapped >= 360.0 { 0.0 } else { wrapped }
}

/// Brings the difference of two angles into -180 (included) to 180 (excluded).
#[must_use]
pub fn wrap_difference_deg(degrees: f64) -> f64 {
    if (-180.0..180.0).contains(&degrees) { degrees } else { wrap_course_deg(degrees + 180.0) - 180.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn angles_wrap() {
        for (degrees, course, difference) in
            [(0.0, 0.0, 0.0), (360.0, 0.0, 0.0), (-90.0, 270.0, -90.0), (540.0, 180.0, -180.0), (181.0, 181.0, -179.0)]
        {
            assert_eq!(wrap_course_deg(degrees), course, "{degrees}");
            assert_eq!(wrap_difference_deg(degrees), difference, "{degrees}");
        }
        assert!(wrap_course_deg(-1e-20) < 360.0);
    }

    #[test]
    fn coordinates_out_of_range_are_not_on_earth() {
        assert!(Position::new(90.0, -180.0).is_on_earth());
        for (latitude, longitude) in [(90.1, 0.0), (0.0, 180.1), (f64::NAN, 0.0), (0.0, f64::INFINITY)] {
            assert!(!Position::new(latitude, longitude).is_on_earth());
        }
    }
}
