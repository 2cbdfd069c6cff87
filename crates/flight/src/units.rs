//! Integers of checkpoints, tables and the live protocol, with their scales. The map page's copy of the constants is
//! generated from here; a test compares the SQL of the history with them.

/// Of a coordinate: integer steps per degree (`_e7`).
pub const E7_PER_DEGREE: f64 = 1e7;
/// Of a speed: integer steps per km/h (`_dkmh`).
pub const DKMH_PER_KMH: f64 = 10.0;
/// Of a climb: integer steps per m/s (`_cmps`).
pub const CMPS_PER_MPS: f64 = 100.0;
/// Of a course: integer steps per degree (`_cdeg`).
pub const CDEG_PER_DEGREE: f64 = 100.0;
/// Of a turn rate: integer steps per degree per second (`_cdps`).
pub const CDPS_PER_DPS: f64 = 100.0;
/// km/h per m/s.
pub const KMH_PER_MPS: f64 = 3.6;

/// Degrees times 10^7, the nearest integer.
pub fn e7(degrees: f64) -> i32 {
    (degrees * E7_PER_DEGREE).round() as i32
}

/// Degrees of a coordinate times 10^7.
pub fn degrees(e7: i32) -> f64 {
    f64::from(e7) / E7_PER_DEGREE
}

/// km/h of a speed in 0.1 km/h.
pub fn kmh(dkmh: u16) -> f64 {
    f64::from(dkmh) / DKMH_PER_KMH
}

/// m/s of a climb in cm/s.
pub fn mps(cmps: i16) -> f64 {
    f64::from(cmps) / CMPS_PER_MPS
}

/// A climb in cm/s, the nearest integer.
pub fn cmps(mps: f64) -> i16 {
    (mps * CMPS_PER_MPS).round() as i16
}

/// Degrees of a course in 0.01 degrees.
pub fn course_deg(cdeg: u16) -> f64 {
    f64::from(cdeg) / CDEG_PER_DEGREE
}

/// Degrees per second of a turn rate in 0.01 degrees per second.
pub fn dps(cdps: i16) -> f64 {
    f64::from(cdps) / CDPS_PER_DPS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_come_back() {
        for stored in [0, 1, -1, 471_234_567, -1_799_999_999, 1_800_000_000] {
            assert_eq!(e7(degrees(stored)), stored);
        }
    }

    #[test]
    fn units_scale_as_they_say() {
        let scaled = (kmh(365), mps(-120), course_deg(26_859), dps(-1_225));
        assert_eq!(scaled, (36.5, -1.2, 268.59, -12.25));
        assert_eq!([cmps(-1.2), cmps(0.005), cmps(1e9)], [-120, 1, i16::MAX]);
    }
}
