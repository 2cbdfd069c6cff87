//! How confidence grows with reports and fades without them: thermals and winds alike.

use crate::core::settings::{HOUR_US, SECOND_US};

/// Confidence halves in this time without a report.
const HALF_LIFE_S: f64 = 60.0 * 60.0;
/// At this confidence a thermal or wind ends,
const LEAST_PCT: f64 = 5.0;
/// and in any case after this time without a report, microseconds.
pub(super) const LONGEST_US: u64 = 6 * HOUR_US;
/// Devices that are remembered per thermal or wind; further ones are not counted as distinct.
const MAX_DEVICES: usize = 64;

/// The remaining confidence some seconds after the report.
pub(super) fn faded_pct(confidence_pct: f64, seconds: f64) -> f64 {
    confidence_pct * libm::exp2(-seconds / HALF_LIFE_S)
}

/// The confidence after one more independent report. `share`: the credibility of the report, 0 to 1.
pub(super) fn confirmed_pct(confidence_pct: f64, share: f64) -> f64 {
    100.0 - (100.0 - confidence_pct) * (1.0 - share)
}

/// When a thermal or wind with this confidence at its last report ends without another one, microseconds.
pub(super) fn ends_at_us(confidence_pct: f64, last_seen_at_us: u64) -> u64 {
    let halves = libm::log2((confidence_pct / LEAST_PCT).max(1.0));
    let fades_us = (halves * HALF_LIFE_S * SECOND_US as f64) as u64;
    last_seen_at_us.saturating_add(fades_us.min(LONGEST_US))
}

/// The credibility of a report, 0 to 1.
pub(super) fn share_of(confidence_pct: f64) -> f64 {
    confidence_pct.clamp(1.0, 100.0) / 100.0
}

/// Adds a device to the distinct ones, ascending.
pub(super) fn count_device(devices: &mut Vec<u32>, device: u32) {
    if let Err(index) = devices.binary_search(&device)
        && devices.len() < MAX_DEVICES
    {
        devices.insert(index, device);
    }
}

/// Seconds from one time to a later one; 0 where it is not later.
pub(super) fn seconds_between(earlier_us: u64, later_us: u64) -> f64 {
    later_us.saturating_sub(earlier_us) as f64 / 1e6
}
