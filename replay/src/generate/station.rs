//! Weather stations: the area's wind with gusts, and the day's course of temperature, humidity and valley wind.

use super::area::Area;
use super::dice::{Dice, Part};
use super::plane::{Point, Position3d, Velocity};
use super::report::Weather;

/// A weather station.
#[derive(Debug, Clone)]
pub(crate) struct Station {
    pub(crate) position: Position3d,
    dice: Dice,
    charge_pct: f64,
}

impl Station {
    /// The station of a number; the first of an area stands at its launch, the second in its landing field.
    pub(crate) fn new(seed: u64, index: usize, area: &Area, round: usize) -> Self {
        let mut dice = Dice::new(seed, Part::Station, index as u64);
        let (point, altitude_m) = match round {
            0 => (Point::polar(40.0, 200.0), area.launch_m),
            1 => (area.field.plus(Point::polar(150.0, 30.0)), area.floor_m),
            _ => {
                let point = Point::polar(dice.between(1_500.0, 8_000.0), dice.between(0.0, 360.0));
                (point, dice.between(area.floor_m, area.launch_m + 300.0))
            }
        };
        Self { position: area.plane.position(point, altitude_m), charge_pct: dice.between(60.0, 100.0), dice }
    }

    /// What it measures at a time, microseconds since the Unix epoch.
    pub(crate) fn measure(&mut self, area: &Area, at_us: u64) -> Weather {
        let warmth = warmth(&self.position, at_us);
        let calm = area.wind_at(self.position.altitude_m);
        // Valley wind: by day towards the launch, by night back.
        let valley = Velocity::polar(1.8 * warmth, area.field.course_to_deg(Point::default()));
        let wind = calm.plus(valley);
        let speed_kmh = (wind.speed_mps() * 3.6 + self.dice.spread(1.2)).max(0.0);
        Weather {
            position: self.position,
            temperature_c: 17.0 - 0.0065 * self.position.altitude_m + 6.0 * warmth + self.dice.spread(0.2),
            wind_from_deg: (wind.course_deg() + 180.0 + self.dice.spread(8.0)).rem_euclid(360.0),
            wind_speed_kmh: speed_kmh,
            wind_gust_kmh: speed_kmh * self.dice.between(1.15, 1.6) + 1.0,
            humidity_pct: (58.0 - 18.0 * warmth + self.dice.spread(2.0)).clamp(15.0, 100.0),
            pressure_hpa: 1_016.0 - 2.0 * warmth + self.dice.spread(0.1),
            charge_pct: (self.charge_pct + 8.0 * warmth).clamp(0.0, 100.0),
        }
    }
}

/// The course of the day by the sun: 1 at three in the afternoon, -1 at three in the morning.
fn warmth(position: &Position3d, at_us: u64) -> f64 {
    let utc_h = (at_us / 1_000_000 % 86_400) as f64 / 3_600.0;
    let solar_h = utc_h + position.longitude_deg / 15.0;
    ((solar_h - 15.0) / 24.0 * std::f64::consts::TAU).cos()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_warm_and_dry_nights_cold_and_damp() {
        let area = Area::new(1, 0, None);
        let mut station = Station::new(1, 0, &area, 1);
        let day = station.measure(&area, 14 * 3_600_000_000);
        let night = station.measure(&area, 2 * 3_600_000_000);
        assert!(day.temperature_c > night.temperature_c + 10.0);
        assert!(day.humidity_pct < night.humidity_pct);
        assert!(day.wind_gust_kmh > day.wind_speed_kmh);
    }
}
