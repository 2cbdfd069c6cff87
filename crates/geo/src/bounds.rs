//! Rectangles between parallels and meridians.

use crate::position::{EARTH_RADIUS_KM, grid_step};

/// A rectangle on the globe, degrees; west greater than east says that it crosses the date line. Edges belong to it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Bounds {
    south_deg: f64,
    west_deg: f64,
    north_deg: f64,
    east_deg: f64,
}

/// An invalid rectangle.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BoundsError {
    /// A latitude that is not within -90 to 90.
    #[error("invalid latitude {0}: expected -90 to 90")]
    Latitude(f64),
    /// A longitude that is more than one turn beyond the date line, or no number.
    #[error("invalid longitude {0}: expected -540 to 540 (beyond -180 and 180 it continues around the globe)")]
    Longitude(f64),
    /// South is not below north.
    #[error("invalid edges: south {south_deg} is not below north {north_deg}")]
    Order {
        /// The southern edge, degrees.
        south_deg: f64,
        /// The northern edge, degrees.
        north_deg: f64,
    },
}

impl Bounds {
    /// Everything.
    pub const WORLD: Self = Self { south_deg: -90.0, west_deg: -180.0, north_deg: 90.0, east_deg: 180.0 };

    /// Makes a rectangle of its edges, degrees. Longitudes may continue beyond -180 and 180, as map libraries count where the
    /// map shows the date line: 170 to 190 is 170 to -170, and a turn or more is the complete circle.
    ///
    /// # Errors
    /// Reject: an edge out of its range or not a number, or south not below north.
    pub fn new(south_deg: f64, west_deg: f64, north_deg: f64, east_deg: f64) -> Result<Self, BoundsError> {
        if let Some(latitude) = [south_deg, north_deg].into_iter().find(|latitude| !(-90.0..=90.0).contains(latitude)) {
            return Err(BoundsError::Latitude(latitude));
        }
        if let Some(longitude) =
            [west_deg, east_deg].into_iter().find(|longitude| !(-540.0..=540.0).contains(longitude))
        {
            return Err(BoundsError::Longitude(longitude));
        }
        if south_deg >= north_deg {
            return Err(BoundsError::Order { south_deg, north_deg });
        }
        if east_deg - west_deg >= 360.0 {
            return Ok(Self::unchecked(south_deg, -180.0, north_deg, 180.0));
        }
        Ok(Self::unchecked(south_deg, wrapped(west_deg), north_deg, wrapped(east_deg)))
    }

    pub(crate) fn unchecked(south_deg: f64, west_deg: f64, north_deg: f64, east_deg: f64) -> Self {
        Self { south_deg, west_deg, north_deg, east_deg }
    }

    /// The southern edge, degrees.
    pub fn south_deg(&self) -> f64 {
        self.south_deg
    }

    /// The western edge, degrees.
    pub fn west_deg(&self) -> f64 {
        self.west_deg
    }

    /// The northern edge, degrees.
    pub fn north_deg(&self) -> f64 {
        self.north_deg
    }

    /// The eastern edge, degrees.
    pub fn east_deg(&self) -> f64 {
        self.east_deg
    }

    /// From west to east, degrees, 0 to 360.
    pub fn width_deg(&self) -> f64 {
        let width = self.east_deg - self.west_deg;
        if self.crosses_date_line() { width + 360.0 } else { width }
    }

    /// True where the rectangle crosses longitude 180.
    pub fn crosses_date_line(&self) -> bool {
        self.west_deg > self.east_deg
    }

    /// True where the point (degrees) is inside or on an edge. Longitude 180 and -180 are one meridian.
    pub fn contains(&self, latitude_deg: f64, longitude_deg: f64) -> bool {
        (self.south_deg..=self.north_deg).contains(&latitude_deg) && self.contains_longitude(longitude_deg)
    }

    /// True where the two have at least an edge or a corner in common.
    pub fn touches(&self, other: &Self) -> bool {
        self.touches_latitudes(other) && self.touches_longitudes(other)
    }

    pub(crate) fn touches_latitudes(&self, other: &Self) -> bool {
        self.south_deg <= other.north_deg && other.south_deg <= self.north_deg
    }

    pub(crate) fn touches_longitudes(&self, other: &Self) -> bool {
        self.contains_longitude(other.west_deg) || other.contains_longitude(self.west_deg)
    }

    /// True where `other` is completely inside.
    pub fn encloses(&self, other: &Self) -> bool {
        self.encloses_latitudes(other) && self.encloses_longitudes(other)
    }

    pub(crate) fn encloses_latitudes(&self, other: &Self) -> bool {
        self.south_deg <= other.south_deg && other.north_deg <= self.north_deg
    }

    pub(crate) fn encloses_longitudes(&self, other: &Self) -> bool {
        let from_west = (other.west_deg - self.west_deg).rem_euclid(360.0);
        self.width_deg() >= 360.0 || from_west + other.width_deg() <= self.width_deg()
    }

    /// Rounded outwards to a grid of 1/256 to 1/128 of its height and width, so that similar regions become equal.
    pub(crate) fn rounded(&self) -> Self {
        let (height, width) = (grid_step(self.north_deg - self.south_deg), grid_step(self.width_deg()));
        let down = |degrees: f64, step: f64| (degrees / step).floor() * step;
        let up = |degrees: f64, step: f64| (degrees / step).ceil() * step;
        let (west_deg, east_deg) = (self.west_deg, self.west_deg + self.width_deg());
        let (west_deg, east_deg) = (down(west_deg, width), up(east_deg, width));
        let rounded = Self::new(down(self.south_deg, height), west_deg, up(self.north_deg, height), east_deg);
        // The poles and the date line are on every grid.
        rounded.unwrap_or(*self)
    }

    /// Area on the sphere, square kilometres.
    pub fn area_km2(&self) -> f64 {
        let height = self.north_deg.to_radians().sin() - self.south_deg.to_radians().sin();
        EARTH_RADIUS_KM.powi(2) * self.width_deg().to_radians() * height
    }

    fn contains_longitude(&self, longitude_deg: f64) -> bool {
        let from_west = (longitude_deg - self.west_deg).rem_euclid(360.0);
        from_west <= self.width_deg()
    }
}

/// The same meridian within -180 and 180; those keep their sign.
fn wrapped(longitude_deg: f64) -> f64 {
    match longitude_deg {
        east if east > 180.0 => east - 360.0,
        west if west < -180.0 => west + 360.0,
        within => within,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_must_be_on_the_globe_and_in_order() {
        assert_eq!(Bounds::new(-91.0, 0.0, 0.0, 1.0), Err(BoundsError::Latitude(-91.0)));
        assert!(matches!(Bounds::new(0.0, f64::NAN, 1.0, 1.0), Err(BoundsError::Longitude(_))));
        assert_eq!(Bounds::new(0.0, 0.0, 1.0, 540.1), Err(BoundsError::Longitude(540.1)));
        assert_eq!(Bounds::new(0.0, f64::NEG_INFINITY, 1.0, 1.0), Err(BoundsError::Longitude(f64::NEG_INFINITY)));
        assert_eq!(Bounds::new(1.0, 0.0, 1.0, 1.0), Err(BoundsError::Order { south_deg: 1.0, north_deg: 1.0 }));
    }

    #[test]
    fn longitudes_beyond_180_go_on_around_the_globe() {
        let edges = |west_deg, east_deg| {
            let bounds = Bounds::new(-20.0, west_deg, -10.0, east_deg).unwrap();
            (bounds.west_deg(), bounds.east_deg(), bounds.width_deg())
        };
        for (west_deg, east_deg) in [(170.0, 190.0), (-190.0, -170.0), (170.0, -170.0), (530.0, 190.0)] {
            assert_eq!(edges(west_deg, east_deg), (170.0, -170.0, 20.0), "{west_deg} to {east_deg}");
        }
        assert_eq!(edges(200.0, 210.0), (-160.0, -150.0, 10.0));
        assert_eq!(edges(0.0, 180.1).0, 0.0);
        for (west_deg, east_deg) in [(-180.0, 180.0), (0.0, 360.0), (-540.0, 540.0)] {
            assert_eq!(edges(west_deg, east_deg), (-180.0, 180.0, 360.0), "{west_deg} to {east_deg}");
        }
    }

    #[test]
    fn a_rectangle_over_the_date_line_holds_both_sides() {
        let fiji = Bounds::new(-20.0, 175.0, -10.0, -175.0).unwrap();
        assert!(fiji.crosses_date_line());
        assert!(fiji.contains(-15.0, 179.0) && fiji.contains(-15.0, -179.0));
        assert!(fiji.contains(-15.0, 180.0) && fiji.contains(-15.0, -180.0));
        assert!(!fiji.contains(-15.0, 0.0) && !fiji.contains(-15.0, 174.9) && !fiji.contains(-15.0, -174.9));
        assert!((fiji.width_deg() - 10.0).abs() < 1e-9);
        let east = Bounds::new(-16.0, -179.0, -15.0, -178.0).unwrap();
        assert!(fiji.touches(&east) && east.touches(&fiji) && fiji.encloses(&east) && !east.encloses(&fiji));
    }

    #[test]
    fn the_world_holds_everything_and_has_its_area() {
        assert!(Bounds::WORLD.contains(90.0, 180.0) && Bounds::WORLD.contains(-90.0, -180.0));
        assert!(Bounds::WORLD.encloses(&Bounds::new(-20.0, 175.0, -10.0, -175.0).unwrap()));
        assert!((Bounds::WORLD.area_km2() - 5.100_66e8).abs() < 1e5, "{}", Bounds::WORLD.area_km2());
    }

    #[test]
    fn strangers_do_not_touch() {
        let here = Bounds::new(46.0, 7.0, 47.0, 8.0).unwrap();
        assert!(!here.touches(&Bounds::new(46.0, 8.1, 47.0, 9.0).unwrap()));
        assert!(!here.touches(&Bounds::new(47.1, 7.0, 48.0, 8.0).unwrap()));
        assert!(here.touches(&Bounds::new(47.0, 8.0, 48.0, 9.0).unwrap()), "a common corner");
    }
}
