//! The quality of a thermal: a number from 0 to 5.

use schemas::v1::ThermalState;

/// The quality halves in this time without a report.
const HALF_LIFE_S: f64 = 1_800.0;

/// From 0 (expired) to 5 (several pilots climb there now): the confidence, halved every half hour since the last
/// report, and reduced when fewer than three pilots have confirmed it.
pub fn quality(thermal: &ThermalState, at_us: u64) -> u32 {
    let age_s = at_us.saturating_sub(thermal.last_seen_at_us) as f64 / 1e6;
    let fresh = 0.5_f64.powf(age_s / HALF_LIFE_S);
    let confirmed = match thermal.pilots {
        0 | 1 => 0.8,
        2 => 0.9,
        _ => 1.0,
    };
    let share = (thermal.confidence_pct / 100.0).clamp(0.0, 1.0) * fresh * confirmed;
    (share * 5.0).round() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quality_falls_with_age_and_rises_with_pilots() {
        let thermal = |pilots| ThermalState { confidence_pct: 100.0, pilots, last_seen_at_us: 0, ..Default::default() };
        assert_eq!(quality(&thermal(3), 0), 5);
        assert_eq!(quality(&thermal(1), 0), 4);
        assert_eq!(quality(&thermal(3), 3_600_000_000), 1);
        assert_eq!(quality(&thermal(3), 6 * 3_600_000_000), 0);
        assert_eq!(quality(&ThermalState { confidence_pct: f64::NAN, ..thermal(3) }, 0), 0);
    }
}
