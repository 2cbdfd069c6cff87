//! How much one client may ask for.

use std::time::Duration;

use schemas::v1;

/// Limits of one connection.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionLimits {
    /// Of a circle, km.
    pub max_radius_km: f64,
    /// From south to north and from west to east of a rectangle, km.
    pub max_bounds_km: f64,
    /// Of a subscription's cover.
    pub max_cells: usize,
    /// Devices to follow.
    pub max_followed_devices: usize,
    /// Changes of the subscription; one that is much work counts as several.
    pub max_subscribes_per_minute: u32,
    /// Messages of any kind, and what is no message: pings, pongs, fragments.
    pub max_messages_per_minute: u32,
    /// Of a message from the client.
    pub max_message_bytes: usize,
    /// A client whose URL asks for nothing has so long to send its first message.
    pub first_message_within: Duration,
    /// A client that cannot take one frame for so long is closed.
    pub slow_for: Duration,
}

impl Default for SessionLimits {
    fn default() -> Self {
        Self {
            max_radius_km: 200.0,
            max_bounds_km: 2_000.0,
            max_cells: 64,
            max_followed_devices: 100,
            max_subscribes_per_minute: 120,
            max_messages_per_minute: 600,
            max_message_bytes: 4096,
            first_message_within: Duration::from_secs(10),
            slow_for: Duration::from_secs(30),
        }
    }
}

impl SessionLimits {
    /// As the welcome tells them.
    pub(super) fn wire(&self) -> v1::Limits {
        v1::Limits {
            max_radius_km: self.max_radius_km,
            max_cells: self.max_cells as u32,
            max_followed_devices: self.max_followed_devices as u32,
            max_subscribes_per_minute: self.max_subscribes_per_minute,
            max_message_bytes: self.max_message_bytes as u32,
            max_bounds_km: self.max_bounds_km,
            first_message_within_s: u32::try_from(self.first_message_within.as_secs()).unwrap_or(u32::MAX),
        }
    }
}

/// A number of things per minute: full at the start, and filling up again steadily.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    per_minute: u32,
    most: f64,
    left: f64,
    at: Duration,
}

impl Budget {
    /// So many at once, and so many per minute.
    pub fn per_minute(per_minute: u32) -> Self {
        let most = f64::from(per_minute);
        Self { per_minute, most, left: most, at: Duration::ZERO }
    }

    /// The same, but at once only what a second brings.
    #[must_use]
    pub fn burst_of_a_second(mut self) -> Self {
        self.most = (self.most / 60.0).max(1.0);
        self.left = self.most;
        self
    }

    /// Takes one; false where none is left.
    pub fn take(&mut self, now: Duration) -> bool {
        let minutes = now.saturating_sub(self.at).as_secs_f64() / 60.0;
        self.left = (self.left + minutes * f64::from(self.per_minute)).min(self.most);
        self.at = now;
        if self.left < 1.0 {
            return false;
        }
        self.left -= 1.0;
        true
    }

    /// Takes more of them after the fact, also where they are not there: they are missing later, for a minute at most.
    pub fn charge(&mut self, further: u32) {
        self.left = (self.left - f64::from(further)).max(-self.most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_used_up_and_fills_again() {
        let mut budget = Budget::per_minute(60);
        let start = Duration::from_secs(1_000);
        assert_eq!((0..100).filter(|_| budget.take(start)).count(), 60);
        assert!(!budget.take(start + Duration::from_millis(900)));
        assert!(budget.take(start + Duration::from_millis(1_100)));
    }

    #[test]
    fn what_is_charged_is_missing_for_a_minute_at_most() {
        let mut budget = Budget::per_minute(60);
        let start = Duration::from_secs(1_000);
        assert!(budget.take(start));
        budget.charge(64);
        assert!(!budget.take(start + Duration::from_secs(5)));
        assert!(budget.take(start + Duration::from_secs(7)));
        budget.charge(1_000_000);
        assert!(!budget.take(start + Duration::from_secs(67)));
        assert!(budget.take(start + Duration::from_secs(69)));
    }
}
