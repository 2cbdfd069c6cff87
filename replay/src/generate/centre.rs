//! Where a made-up world lies.

use std::str::FromStr;

use serde::Serialize;
use thiserror::Error;

/// Launch areas do not come closer to a pole than this, degrees.
const MAX_LATITUDE_DEG: f64 = 80.0;
/// About the distance between two launch areas, degrees of latitude.
const SPACING_DEG: f64 = 0.25;
/// Between two points of a sunflower (the golden angle): they lie evenly, however many there are.
const TURN_DEG: f64 = 137.507_764;

/// The middle of a world, WGS 84 degrees.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Centre {
    /// North is positive, -80 to 80.
    pub latitude_deg: f64,
    /// East is positive, -180 to 180.
    pub longitude_deg: f64,
}

/// A text that names no centre.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("expected latitude,longitude in degrees, -80 to 80 and -180 to 180, for example 46.5,8.1")]
pub struct CentreError;

impl FromStr for Centre {
    type Err = CentreError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (latitude, longitude) = text.split_once(',').ok_or(CentreError)?;
        let number = |text: &str| text.trim().parse::<f64>().map_err(|_| CentreError);
        let centre = Self { latitude_deg: number(latitude)?, longitude_deg: number(longitude)? };
        let is_on_globe = centre.latitude_deg.abs() <= MAX_LATITUDE_DEG && centre.longitude_deg.abs() <= 180.0;
        if is_on_globe { Ok(centre) } else { Err(CentreError) }
    }
}

impl Centre {
    /// Latitude and longitude of launch area `index`, degrees: area 0 in the middle, the others around it.
    pub(crate) fn area_deg(self, index: usize) -> (f64, f64) {
        let radius_deg = 0.6 * SPACING_DEG * (index as f64).sqrt();
        let (sin, cos) = (TURN_DEG * index as f64).to_radians().sin_cos();
        let latitude_deg = (self.latitude_deg + radius_deg * cos).clamp(-MAX_LATITUDE_DEG, MAX_LATITUDE_DEG);
        let longitude_deg = self.longitude_deg + radius_deg * sin / latitude_deg.to_radians().cos();
        (latitude_deg, super::plane::wrapped_longitude(longitude_deg))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_centre_is_latitude_and_longitude() {
        for (text, expected) in [
            ("46.5,8.1", Ok((46.5, 8.1))),
            ("-33.9, -180", Ok((-33.9, -180.0))),
            ("81,0", Err(CentreError)),
            ("0,181", Err(CentreError)),
            ("NaN,0", Err(CentreError)),
            ("46.5", Err(CentreError)),
            ("here", Err(CentreError)),
        ] {
            let found = text.parse::<Centre>().map(|centre| (centre.latitude_deg, centre.longitude_deg));
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn areas_lie_apart_around_an_antimeridian_centre() {
        let centre = Centre { latitude_deg: -40.0, longitude_deg: 179.9 };
        let areas: Vec<(f64, f64)> = (0..200).map(|index| centre.area_deg(index)).collect();
        assert!((areas[0].0 + 40.0).abs() < 1e-9 && (areas[0].1 - 179.9).abs() < 1e-9);
        for (index, (latitude_deg, longitude_deg)) in areas.iter().enumerate() {
            assert!((-42.2..-37.8).contains(latitude_deg) && (-180.0..=180.0).contains(longitude_deg));
            let east_deg = |other: f64| crate::generate::plane::wrapped_longitude(other - longitude_deg);
            let apart = |other: &(f64, f64)| (other.0 - latitude_deg).hypot(east_deg(other.1) * 0.77);
            assert!(areas[..index].iter().all(|other| apart(other) > 0.15), "area {index}");
        }
    }
}
