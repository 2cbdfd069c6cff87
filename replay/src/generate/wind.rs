//! The wind over one area: a table of bands, straight lines between them.

use serde::Serialize;

use super::dice::Dice;
use super::plane::Velocity;

/// The wind at one altitude.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct WindBand {
    /// Above the sea.
    pub altitude_m: f64,
    /// Where it comes from, degrees true.
    pub from_deg: f64,
    /// Metres per second.
    pub speed_mps: f64,
}

impl WindBand {
    fn velocity(&self) -> Velocity {
        Velocity::polar(self.speed_mps, self.from_deg + 180.0)
    }
}

/// The wind field of an area: the same everywhere in it, changing with altitude, constant over a run.
#[derive(Debug, Clone)]
pub(crate) struct Wind {
    bands: Vec<WindBand>,
}

impl Wind {
    /// Weak in the valley, stronger and veering with altitude.
    pub(crate) fn drawn(dice: &mut Dice, floor_m: f64) -> Self {
        let from_deg = dice.between(0.0, 360.0);
        let veer_deg = dice.between(-5.0, 25.0);
        let aloft_mps = dice.between(2.5, 6.0);
        let bands = (0..5).map(|step| {
            let height = f64::from(step);
            WindBand {
                altitude_m: floor_m + 900.0 * height,
                from_deg: (from_deg + veer_deg * height).rem_euclid(360.0),
                speed_mps: (aloft_mps * (0.35 + 0.2 * height) + dice.spread(0.3)).max(0.3),
            }
        });
        Self { bands: bands.collect() }
    }

    /// The bands from low to high.
    pub(crate) fn bands(&self) -> &[WindBand] {
        &self.bands
    }

    /// The motion of the air; below the lowest band and above the highest as in them.
    pub(crate) fn at(&self, altitude_m: f64) -> Velocity {
        let above = self.bands.partition_point(|band| band.altitude_m <= altitude_m);
        let (Some(low), Some(high)) =
            (self.bands.get(above.max(1) - 1), self.bands.get(above.min(self.bands.len() - 1)))
        else {
            return Velocity::default();
        };
        let (low_mps, high_mps) = (low.velocity(), high.velocity());
        let span_m = high.altitude_m - low.altitude_m;
        let share = if span_m > 0.0 { (altitude_m - low.altitude_m) / span_m } else { 0.0 };
        Velocity {
            east_mps: low_mps.east_mps + (high_mps.east_mps - low_mps.east_mps) * share,
            north_mps: low_mps.north_mps + (high_mps.north_mps - low_mps.north_mps) * share,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::dice::Part;
    use super::*;

    #[test]
    fn wind_meets_each_band_and_is_between_neighbours() {
        let wind = Wind::drawn(&mut Dice::new(3, Part::Wind, 0), 600.0);
        for band in wind.bands() {
            let there = wind.at(band.altitude_m);
            assert!((there.speed_mps() - band.speed_mps).abs() < 1e-9);
        }
        let low = wind.at(600.0);
        let high = wind.at(1_500.0);
        let middle = wind.at(1_050.0);
        assert!((middle.east_mps - f64::midpoint(low.east_mps, high.east_mps)).abs() < 1e-9);
        assert_eq!(wind.at(-500.0), wind.at(600.0));
        assert_eq!(wind.at(9_000.0), wind.at(600.0 + 3_600.0));
    }

    #[test]
    fn a_west_wind_blows_towards_the_east() {
        let wind = Wind { bands: vec![WindBand { altitude_m: 0.0, from_deg: 270.0, speed_mps: 4.0 }] };
        let there = wind.at(100.0);
        assert!((there.east_mps - 4.0).abs() < 1e-9 && there.north_mps.abs() < 1e-9);
    }
}
