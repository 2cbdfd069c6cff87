//! Limits of plausible positions.

use std::ops::RangeInclusive;

use schemas::v1::AircraftKind;

/// Altitudes above mean sea level that an aircraft can have, metres.
pub const ALTITUDES_M: RangeInclusive<f64> = -1_000.0..=15_000.0;

/// The greatest ground speed of other objects than aircraft (vehicles, boats, stations), km/h.
pub const GROUND_OBJECT_KMH: f64 = 200.0;

/// The greatest ground speed of a kind of aircraft, wind included, km/h.
pub fn max_speed_kmh(kind: AircraftKind) -> f64 {
    match kind {
        AircraftKind::Paraglider => 120.0,
        AircraftKind::HangGlider => 160.0,
        AircraftKind::Balloon => 150.0,
        AircraftKind::Glider => 300.0,
        AircraftKind::Powered => 400.0,
        AircraftKind::Helicopter => 360.0,
        AircraftKind::Uav | AircraftKind::Other | AircraftKind::Unspecified => 200.0,
    }
}

/// Whether these coordinates are those that devices send without a GPS fix: 0 N 0 E, or one coordinate exactly 0 at an
/// altitude of exactly 0.
pub fn is_missing_fix(latitude_deg: f64, longitude_deg: f64, altitude_m: Option<f64>) -> bool {
    let zeros = u8::from(latitude_deg == 0.0) + u8::from(longitude_deg == 0.0);
    zeros == 2 || (zeros == 1 && altitude_m == Some(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_speed() {
        let speeds = [200.0, 200.0, 120.0, 160.0, 150.0, 300.0, 400.0, 360.0, 200.0];
        for (number, speed_kmh) in (0..).zip(speeds) {
            let kind = AircraftKind::try_from(number).expect("a kind");
            assert_eq!(max_speed_kmh(kind), speed_kmh, "{kind:?}");
        }
    }

    #[test]
    fn zeros_are_a_missing_fix() {
        for (latitude_deg, longitude_deg, altitude_m, missing) in [
            (0.0, 0.0, Some(0.0), true),
            (0.0, 0.0, Some(900.0), true),
            (-0.0, 0.0, None, true),
            (0.0, 13.6, Some(0.0), true),
            (46.2, 0.0, Some(0.0), true),
            (0.0, 13.6, Some(1.0), false),
            (46.2, 0.0, None, false),
            (46.2, 13.6, Some(0.0), false),
        ] {
            let found = is_missing_fix(latitude_deg, longitude_deg, altitude_m);
            assert_eq!(found, missing, "{latitude_deg} {longitude_deg} {altitude_m:?}");
        }
    }
}
