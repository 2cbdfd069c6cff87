//! Circles on the globe.

use crate::bounds::Bounds;
use crate::position::{EARTH_RADIUS_KM, KM_PER_DEGREE, grid_step};

/// All points within a distance of a centre, on the sphere.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Circle {
    latitude_deg: f64,
    longitude_deg: f64,
    radius_km: f64,
}

/// An invalid circle.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CircleError {
    /// A latitude that is not within -90 to 90.
    #[error("invalid latitude {0}: expected -90 to 90")]
    Latitude(f64),
    /// A longitude that is not within -180 to 180.
    #[error("invalid longitude {0}: expected -180 to 180")]
    Longitude(f64),
    /// A radius that is not positive, or goes farther than around the globe.
    #[error("invalid radius {0} km: expected more than 0 and at most {max} km", max = Circle::MAX_RADIUS_KM)]
    Radius(f64),
}

impl Circle {
    /// Half the way around the globe, km: the largest radius.
    pub const MAX_RADIUS_KM: f64 = 20_015.0;

    /// Makes a circle of its centre, degrees, and radius, km.
    ///
    /// # Errors
    /// Reject: a number out of its range or not a number.
    pub fn new(latitude_deg: f64, longitude_deg: f64, radius_km: f64) -> Result<Self, CircleError> {
        if !(-90.0..=90.0).contains(&latitude_deg) {
            return Err(CircleError::Latitude(latitude_deg));
        }
        if !(-180.0..=180.0).contains(&longitude_deg) {
            return Err(CircleError::Longitude(longitude_deg));
        }
        if !(radius_km > 0.0 && radius_km <= Self::MAX_RADIUS_KM) {
            return Err(CircleError::Radius(radius_km));
        }
        Ok(Self { latitude_deg, longitude_deg, radius_km })
    }

    /// Latitude of the centre, degrees.
    pub fn latitude_deg(&self) -> f64 {
        self.latitude_deg
    }

    /// Longitude of the centre, degrees.
    pub fn longitude_deg(&self) -> f64 {
        self.longitude_deg
    }

    /// The radius, km.
    pub fn radius_km(&self) -> f64 {
        self.radius_km
    }

    /// What is as near as this touches the circle: rounding does not keep it out, km.
    pub(crate) fn touching_km(&self) -> f64 {
        self.radius_km + 1e-6
    }

    /// True where the point (degrees) is inside or on the rim.
    pub fn contains(&self, latitude_deg: f64, longitude_deg: f64) -> bool {
        self.distance_km(latitude_deg, longitude_deg) <= self.radius_km
    }

    /// From the centre to the point, km, along the great circle (haversine form, exact for short ways too).
    pub fn distance_km(&self, latitude_deg: f64, longitude_deg: f64) -> f64 {
        let (here, there) = (self.latitude_deg.to_radians(), latitude_deg.to_radians());
        let half_north = ((there - here) / 2.0).sin();
        let half_east = ((longitude_deg - self.longitude_deg).to_radians() / 2.0).sin();
        let square = half_north * half_north + here.cos() * there.cos() * half_east * half_east;
        2.0 * EARTH_RADIUS_KM * square.clamp(0.0, 1.0).sqrt().asin()
    }

    /// Rounded to a grid of 1/256 to 1/128 of its radius, so that similar circles become equal. The radius grows by at
    /// least the distance by which the centre moves: the circle still contains the original one.
    pub(crate) fn rounded(&self) -> Self {
        let step_deg = grid_step(self.radius_km / KM_PER_DEGREE);
        let step_km = step_deg * KM_PER_DEGREE;
        let nearest = |degrees: f64| (degrees / step_deg).round() * step_deg;
        // The centre moves by half a step in each direction at most, which is a distance of 0.71 steps.
        let radius_km = ((self.radius_km + 0.75 * step_km) / step_km).ceil() * step_km;
        Self {
            latitude_deg: nearest(self.latitude_deg),
            longitude_deg: nearest(self.longitude_deg),
            radius_km: radius_km.min(Self::MAX_RADIUS_KM),
        }
    }

    /// Area on the sphere, square kilometres.
    pub fn area_km2(&self) -> f64 {
        let cap_height = 1.0 - (self.radius_km / EARTH_RADIUS_KM).cos();
        std::f64::consts::TAU * EARTH_RADIUS_KM.powi(2) * cap_height
    }

    /// The smallest rectangle around it; all longitudes where it holds a pole.
    ///
    /// # Panics
    /// Never: its edges are within their ranges.
    pub fn bounds(&self) -> Bounds {
        let angle_deg = self.touching_km() / KM_PER_DEGREE;
        let (south_deg, north_deg) = (self.latitude_deg - angle_deg, self.latitude_deg + angle_deg);
        let (west_deg, east_deg) = if south_deg <= -90.0 || north_deg >= 90.0 {
            (-180.0, 180.0)
        } else {
            let sine = angle_deg.to_radians().sin() / self.latitude_deg.to_radians().cos();
            let half_width_deg = sine.min(1.0).asin().to_degrees();
            (self.longitude_deg - half_width_deg, self.longitude_deg + half_width_deg)
        };
        Bounds::new(south_deg.max(-90.0), west_deg, north_deg.min(90.0), east_deg).expect("edges within their ranges")
    }

    /// From the centre to the nearest point of the rectangle, km; 0 where the centre is inside.
    pub fn nearest_km(&self, bounds: &Bounds) -> f64 {
        let from_west = (self.longitude_deg - bounds.west_deg()).rem_euclid(360.0);
        if from_west <= bounds.width_deg() {
            let latitude = self.latitude_deg.clamp(bounds.south_deg(), bounds.north_deg());
            return self.distance_km(latitude, self.longitude_deg);
        }
        // Outside of its longitudes the distance along a parallel only grows, so the nearest point is on a meridian.
        let west = self.nearest_on_meridian_km(bounds, bounds.west_deg());
        west.min(self.nearest_on_meridian_km(bounds, bounds.east_deg()))
    }

    /// From the centre to the farthest point of the rectangle, km.
    pub fn farthest_km(&self, bounds: &Bounds) -> f64 {
        // What is farthest from the centre is nearest to the other end of the globe.
        let antipode = Self {
            latitude_deg: -self.latitude_deg,
            longitude_deg: (self.longitude_deg + 360.0).rem_euclid(360.0) - 180.0,
            radius_km: self.radius_km,
        };
        std::f64::consts::PI * EARTH_RADIUS_KM - antipode.nearest_km(bounds)
    }

    /// On a meridian the cosine of the distance is `amplitude * cos(latitude - foot)`: the foot of the perpendicular if
    /// it is on the piece, else the end with the greater cosine.
    fn nearest_on_meridian_km(&self, bounds: &Bounds, longitude_deg: f64) -> f64 {
        let east = (longitude_deg - self.longitude_deg).to_radians();
        let latitude = self.latitude_deg.to_radians();
        let foot_deg = latitude.sin().atan2(latitude.cos() * east.cos()).to_degrees();
        let ends = self
            .distance_km(bounds.south_deg(), longitude_deg)
            .min(self.distance_km(bounds.north_deg(), longitude_deg));
        if (bounds.south_deg()..=bounds.north_deg()).contains(&foot_deg) {
            return ends.min(self.distance_km(foot_deg, longitude_deg));
        }
        ends
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn distances_are_those_of_the_atlas() {
        // Bern to Innsbruck, 301 km; across the date line at the equator, one degree is 111.2 km.
        let bern = Circle::new(46.948, 7.447, 10.0).unwrap();
        assert!((bern.distance_km(47.269, 11.404) - 301.0).abs() < 2.0, "{}", bern.distance_km(47.269, 11.404));
        let date_line = Circle::new(0.0, 179.5, 200.0).unwrap();
        assert!((date_line.distance_km(0.0, -179.5) - 111.195).abs() < 0.01);
        assert!(date_line.contains(0.0, -179.5));
    }

    #[test]
    fn numbers_that_are_no_circle_are_refused() {
        assert_eq!(Circle::new(90.1, 0.0, 1.0), Err(CircleError::Latitude(90.1)));
        assert_eq!(Circle::new(0.0, f64::INFINITY, 1.0), Err(CircleError::Longitude(f64::INFINITY)));
        assert_eq!(Circle::new(0.0, 0.0, 0.0), Err(CircleError::Radius(0.0)));
        assert!(matches!(Circle::new(0.0, 0.0, f64::NAN), Err(CircleError::Radius(_))));
    }

    #[test]
    fn bounds_of_a_circle_touch_its_rim() {
        // One degree around the equator, over the date line.
        let bounds = Circle::new(0.0, 179.5, 111.195_08).unwrap().bounds();
        for (edge, expected) in [
            (bounds.south_deg(), -1.0),
            (bounds.west_deg(), 178.5),
            (bounds.north_deg(), 1.0),
            (bounds.east_deg(), -179.5),
        ] {
            assert!((edge - expected).abs() < 1e-6, "{bounds:?}");
        }
        let pole = Circle::new(89.5, 20.0, 100.0).unwrap().bounds();
        assert_eq!((pole.north_deg(), pole.west_deg(), pole.east_deg()), (90.0, -180.0, 180.0));
        assert_eq!(Circle::new(10.0, 20.0, Circle::MAX_RADIUS_KM).unwrap().bounds(), Bounds::WORLD);
    }

    proptest! {
        /// Every point of a circle is in its bounds.
        #[test]
        fn bounds_of_a_circle_hold_its_points(
            lat in -90.0..=90.0_f64, lon in -180.0..=180.0_f64, radius_km in 0.001..8_000.0_f64,
            other_lat in -90.0..=90.0_f64, other_lon in -180.0..=180.0_f64,
        ) {
            let circle = Circle::new(lat, lon, radius_km).unwrap();
            if circle.contains(other_lat, other_lon) {
                prop_assert!(circle.bounds().contains(other_lat, other_lon), "{:?}", circle.bounds());
            }
            prop_assert!(circle.bounds().contains(lat, lon));
        }

        /// No sampled point of the rectangle is nearer than the nearest or farther than the farthest.
        #[test]
        fn nearest_and_farthest_bound_all_points_of_bounds(
            lat in -90.0..=90.0_f64, lon in -180.0..=180.0_f64,
            south in -90.0..89.0_f64, west in -180.0..=180.0_f64, height in 0.01..60.0_f64, width in 0.01..300.0_f64,
            north_share in 0.0..=1.0_f64, east_share in 0.0..=1.0_f64,
        ) {
            let circle = Circle::new(lat, lon, 10.0).unwrap();
            let north = (south + height).min(90.0);
            let east = if west + width > 180.0 { west + width - 360.0 } else { west + width };
            let bounds = Bounds::new(south, west, north, east).unwrap();
            let place_lon = west + width * east_share;
            let distance = circle.distance_km(south + (north - south) * north_share, place_lon);
            prop_assert!(circle.nearest_km(&bounds) <= distance + 1e-6, "{} {}", circle.nearest_km(&bounds), distance);
            prop_assert!(circle.farthest_km(&bounds) >= distance - 1e-6);
        }
    }
}
