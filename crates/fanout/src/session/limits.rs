//! The limits of one client.

use std::time::Duration;

use schemas::v1;

/// Limits of one connection.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionLimits {
    /// The maximum radius of a circle, km.
    pub max_radius_km: f64,
    /// The maximum height and width of bounds, km.
    pub max_bounds_km: f64,
    /// The maximum number of cells of a subscription.
    pub max_cells: usize,
    /// The maximum number of followed devices.
    pub max_followed_devices: usize,
    /// The maximum number of changes of the subscription per minute; an expensive one counts as several.
    pub max_subscribes_per_minute: u32,
    /// The maximum number of messages, pings, pongs and fragments per minute.
    pub max_messages_per_minute: u32,
    /// The maximum size of a client's message.
    pub max_message_bytes: usize,
    /// How long a client whose URL has no subscription may take to send its first message.
    pub first_message_within: Duration,
    /// How long a client may take to read one frame before it is closed.
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
    /// As in the welcome.
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

/// A token bucket: full at the start, and refilled at a number per minute.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    per_minute: u32,
    capacity: f64,
    left: f64,
    at: Duration,
}

impl Budget {
    /// A bucket whose capacity is its rate per minute.
    pub fn per_minute(per_minute: u32) -> Self {
        let capacity = f64::from(per_minute);
        Self { per_minute, capacity, left: capacity, at: Duration::ZERO }
    }

    /// The same with the capacity of one second.
    #[must_use]
    pub fn burst_of_a_second(mut self) -> Self {
        self.capacity = (self.capacity / 60.0).max(1.0);
        self.left = self.capacity;
        self
    }

    /// Takes one token; returns false when none is left.
    pub fn take(&mut self, now: Duration) -> bool {
        let minutes = now.saturating_sub(self.at).as_secs_f64() / 60.0;
        self.left = (self.left + minutes * f64::from(self.per_minute)).min(self.capacity);
        self.at = now;
        if self.left < 1.0 {
            return false;
        }
        self.left -= 1.0;
        true
    }

    /// Takes more tokens afterwards, also beyond those that are left: the bucket then stays empty, for a minute at
    /// most.
    pub fn charge(&mut self, further: u32) {
        self.left = (self.left - f64::from(further)).max(-self.capacity);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_refilled() {
        let mut budget = Budget::per_minute(60);
        let start = Duration::from_secs(1_000);
        assert_eq!((0..100).filter(|_| budget.take(start)).count(), 60);
        assert!(!budget.take(start + Duration::from_millis(900)));
        assert!(budget.take(start + Duration::from_millis(1_100)));
    }

    #[test]
    fn a_charge_lasts_a_minute_at_most() {
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
