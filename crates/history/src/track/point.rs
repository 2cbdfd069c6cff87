//! One position of a track.

use schemas::v1::AircraftKind;

use crate::PositionRow;

/// One recorded position.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrackPoint {
    /// The id of the observation.
    pub observation_id: u64,
    /// Event time, microseconds since the epoch.
    pub event_at_us: u64,
    /// Degrees north.
    pub latitude_deg: f64,
    /// Degrees east.
    pub longitude_deg: f64,
    /// Above mean sea level (GPS), metres. `None`: not transmitted.
    pub altitude_m: Option<f64>,
    /// Ground speed, km/h.
    pub speed_kmh: Option<f64>,
    /// Vertical speed, m/s, up is positive.
    pub climb_mps: Option<f64>,
    /// Course over ground, degrees true.
    pub course_deg: Option<f64>,
    /// Pressure altitude (QNE: by the standard pressure of 1013.25 hPa) minus GPS altitude, metres. `None`: not
    /// transmitted.
    pub qne_offset_m: Option<f64>,
    /// The kind of aircraft.
    pub kind: AircraftKind,
    /// Not part of the device's track: it failed the plausibility check on arrival, or was never confirmed.
    pub implausible: bool,
    /// The number of its segment in the track, from 0; set by [`super::Shaper`].
    pub segment: u32,
}

impl From<&PositionRow> for TrackPoint {
    fn from(row: &PositionRow) -> Self {
        Self {
            observation_id: row.observation_id,
            event_at_us: u64::try_from(row.event_at_ms).unwrap_or_default() * 1_000,
            latitude_deg: row.latitude_deg(),
            longitude_deg: row.longitude_deg(),
            altitude_m: row.altitude_m.map(f64::from),
            speed_kmh: Some(row.speed_kmh()),
            climb_mps: Some(row.climb_mps()),
            course_deg: row.course_deg(),
            qne_offset_m: row.qne_offset_m.map(f64::from),
            kind: AircraftKind::try_from(i32::from(row.aircraft_kind)).unwrap_or_default(),
            implausible: !row.is_plausible(),
            segment: 0,
        }
    }
}

impl TrackPoint {
    /// Seconds from `earlier` to this one.
    pub(crate) fn seconds_since(&self, earlier: &Self) -> f64 {
        // Both are below 2^53 us for the next two centuries.
        (self.event_at_us as f64 - earlier.event_at_us as f64) / 1e6
    }

    /// Metres over ground, on a plane that touches the globe between the two: accurate to 0.1 % within 100 km.
    pub(crate) fn metres_to(&self, other: &Self) -> f64 {
        let (north_m, east_m) = self.offset_to(other.latitude_deg, other.longitude_deg);
        north_m.hypot(east_m)
    }

    /// Metres north and east from here to a position.
    pub(crate) fn offset_to(&self, latitude_deg: f64, longitude_deg: f64) -> (f64, f64) {
        let middle = f64::midpoint(self.latitude_deg, latitude_deg).to_radians();
        let east_deg = (longitude_deg - self.longitude_deg + 540.0).rem_euclid(360.0) - 180.0;
        ((latitude_deg - self.latitude_deg) * METRES_PER_DEGREE, east_deg * METRES_PER_DEGREE * middle.cos())
    }
}

/// Metres per degree of latitude on a sphere of 6,371 km.
pub(crate) const METRES_PER_DEGREE: f64 = 111_194.93;

#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    /// A paraglider's position `seconds` after a time in July 2026.
    pub(crate) fn point(seconds: f64, latitude_deg: f64, longitude_deg: f64, altitude_m: f64) -> TrackPoint {
        TrackPoint {
            observation_id: (seconds * 1_000.0) as u64,
            event_at_us: 1_784_030_400_000_000 + (seconds * 1e6) as u64,
            latitude_deg,
            longitude_deg,
            altitude_m: Some(altitude_m),
            speed_kmh: Some(36.0),
            climb_mps: Some(1.5),
            course_deg: Some(90.0),
            qne_offset_m: None,
            kind: AircraftKind::Paraglider,
            implausible: false,
            segment: 0,
        }
    }

    /// Climbs in circles of 60 m every 20 s, then glides east; a position every second.
    pub(crate) fn flight(seconds: u32) -> Vec<TrackPoint> {
        let (mut east_m, mut altitude_m) = (0.0, 1_000.0);
        let at = |second: u32| {
            let circling = (second / 300).is_multiple_of(2);
            let angle = f64::from(second) * std::f64::consts::TAU / 20.0;
            let radius_m = if circling { 60.0 } else { 0.0 };
            east_m += if circling { 1.0 } else { 10.0 };
            altitude_m += if circling { 2.0 } else { -1.2 };
            let north = radius_m * angle.sin() / METRES_PER_DEGREE;
            let east = (east_m + radius_m * angle.cos()) / (METRES_PER_DEGREE * 46.5_f64.to_radians().cos());
            point(f64::from(second), 46.5 + north, 8.0 + east, altitude_m)
        };
        (0..seconds).map(at).collect()
    }

    #[test]
    fn distances_are_those_of_a_sphere() {
        let bern = point(0.0, 46.948, 7.4474, 0.0);
        let thun = point(0.0, 46.758, 7.6280, 0.0);
        let (north_m, east_m) = bern.offset_to(46.758, 7.6280);
        // Great-circle distance by the haversine formula: 25.21 km.
        assert!((bern.metres_to(&thun) - 25_210.0).abs() < 25.0, "{}", bern.metres_to(&thun));
        assert!(north_m < 0.0 && east_m > 0.0);
        let fiji = point(0.0, -17.0, 179.9, 0.0);
        assert!((fiji.metres_to(&point(0.0, -17.0, -179.9, 0.0)) - 21_268.0).abs() < 20.0, "over the date line");
    }
}
