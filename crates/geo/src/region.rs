//! Regions of the globe.

use crate::bounds::Bounds;
use crate::circle::Circle;

/// A region of the globe, for example of a subscription.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Region {
    /// Around a centre.
    Circle(Circle),
    /// Between parallels and meridians.
    Bounds(Bounds),
}

impl Region {
    /// The region on a grid of about a hundredth of its size, rounded outwards: so that regions which hardly differ are one.
    /// Its area is at most a twentieth larger.
    #[must_use]
    pub fn rounded(&self) -> Self {
        match self {
            Self::Circle(circle) => Self::Circle(circle.rounded()),
            Self::Bounds(bounds) => Self::Bounds(bounds.rounded()),
        }
    }

    /// True where the point (degrees) is inside.
    pub fn contains(&self, latitude_deg: f64, longitude_deg: f64) -> bool {
        match self {
            Self::Circle(circle) => circle.contains(latitude_deg, longitude_deg),
            Self::Bounds(bounds) => bounds.contains(latitude_deg, longitude_deg),
        }
    }

    /// Area on the sphere, square kilometres.
    pub fn area_km2(&self) -> f64 {
        match self {
            Self::Circle(circle) => circle.area_km2(),
            Self::Bounds(bounds) => bounds.area_km2(),
        }
    }

    /// True where the rectangle has a point of the region, or is so near that rounding could make it so.
    pub fn touches(&self, bounds: &Bounds) -> bool {
        match self {
            Self::Circle(circle) => circle.nearest_km(bounds) <= circle.touching_km(),
            Self::Bounds(region) => region.touches(bounds),
        }
    }

    pub(crate) fn encloses(&self, bounds: &Bounds) -> bool {
        match self {
            Self::Circle(circle) => circle.farthest_km(bounds) <= circle.radius_km(),
            Self::Bounds(region) => region.encloses(bounds),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_rounded_circle_encloses_and_is_hardly_larger(
            lat in -90.0..=90.0_f64, lon in -180.0..=180.0_f64, radius_km in prop_oneof![0.01..5.0_f64, 5.0..500.0_f64],
            share in 0.0..=1.0_f64, direction_deg in 0.0..360.0_f64,
        ) {
            let circle = Region::Circle(Circle::new(lat, lon, radius_km).unwrap());
            let rounded = circle.rounded();
            let centre = crate::Position::new(lat, lon);
            let place = crate::distance::offset(centre, direction_deg, radius_km * share * 999.999);
            prop_assert!(rounded.contains(place.latitude_deg, place.longitude_deg), "{place:?} {rounded:?}");
            prop_assert!(rounded.area_km2() <= circle.area_km2() * 1.05, "{rounded:?}");
        }

        #[test]
        fn a_rounded_rectangle_encloses_and_is_hardly_larger(
            south in -90.0..89.9_f64, west in -180.0..=180.0_f64, height in 0.01..100.0_f64, width in 0.01..=360.0_f64,
        ) {
            let bounds = Bounds::new(south, west, (south + height).min(90.0), west + width).unwrap();
            let rounded = bounds.rounded();
            prop_assert!(rounded.encloses(&bounds), "{bounds:?} {rounded:?}");
            // At a pole a strip that is added is shorter than the others, or longer.
            if south > -60.0 && south + height < 60.0 {
                prop_assert!(rounded.area_km2() <= bounds.area_km2() * 1.05, "{bounds:?} {rounded:?}");
            }
        }
    }

    #[test]
    fn regions_that_hardly_differ_are_one() {
        let circle = |lat, lon, radius_km| Region::Circle(Circle::new(lat, lon, radius_km).unwrap()).rounded();
        assert_eq!(circle(46.5001, 8.0001, 50.01), circle(46.5004, 8.0004, 50.02));
        assert_ne!(circle(46.5, 8.0, 50.0), circle(46.6, 8.0, 50.0));
        let bounds = |west| Region::Bounds(Bounds::new(46.01, west, 46.99, 8.01).unwrap()).rounded();
        assert_eq!(bounds(7.001), bounds(7.002));
    }
}
