//! Limits of clients: how many requests, WebSockets and positions, and how often a login may fail.
//!
//! Every table is bounded. The least recently seen client is forgotten first, and begins again with a full bucket.

use std::time::Duration;

use rate::{Lru, RateLimit, TokenBucket};

/// Addresses and callers that are remembered, each.
const MAX_CLIENTS: usize = 50_000;
const MAX_DEVICES: usize = 100_000;
/// Positions of one device.
const POSITIONS: RateLimit = RateLimit::per_second(1, 10);
/// Commands of one caller, and looks at private data: each is an audit record that is kept for long.
const COMMANDS: RateLimit = RateLimit::per_second(2, 30);
/// So many failed logins cost nothing.
const FREE_FAILURES: u32 = 5;
/// The delay after the next one; it doubles with each further one.
const FIRST_DELAY: Duration = Duration::from_secs(1);
const MAX_DELAY: Duration = Duration::from_secs(60);
/// Without a failed login for so long, all are forgotten.
const FORGIVEN_AFTER: Duration = Duration::from_secs(600);

/// What clients may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitSettings {
    /// Requests a second of one address, and of one credential; 0: any number.
    pub requests_per_second: u32,
    /// Requests at once.
    pub request_burst: u32,
    /// New WebSockets a minute of one address; 0: any number.
    pub connects_per_minute: u32,
}

/// A limit that all instances share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Requests of an address.
    Requests,
    /// Requests of a credential.
    Credential,
    /// New WebSockets of an address.
    Connects,
    /// Positions of a device.
    Positions,
    /// Commands of a caller, and looks at private data.
    Commands,
}

impl Limit {
    /// The label of the metric.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Requests => "address",
            Self::Credential => "credential",
            Self::Connects => "connects",
            Self::Positions => "position",
            Self::Commands => "command",
        }
    }
}

/// A request that came too early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limited {
    /// The label of the metric.
    pub reason: &'static str,
    /// When the next one is accepted.
    pub retry_after: Duration,
}

/// The limits of all clients of a process.
#[derive(Debug)]
pub struct Limits {
    requests: Option<RateLimit>,
    connects: Option<RateLimit>,
    addresses: Lru<Address>,
    callers: Lru<TokenBucket>,
    devices: Lru<TokenBucket>,
    commanders: Lru<TokenBucket>,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Address {
    requests: TokenBucket,
    connects: TokenBucket,
    failures: Failures,
}

/// Failed logins of one address.
#[derive(Debug, Default, PartialEq, Eq)]
struct Failures {
    count: u32,
    last: Duration,
}

impl Failures {
    fn delay(&self) -> Duration {
        match self.count.checked_sub(FREE_FAILURES + 1) {
            None => Duration::ZERO,
            Some(doublings) => FIRST_DELAY.saturating_mul(1 << doublings.min(20)).min(MAX_DELAY),
        }
    }

    fn add(&mut self, now: Duration) {
        let is_forgiven = now.saturating_sub(self.last) >= FORGIVEN_AFTER;
        self.count = if is_forgiven { 1 } else { self.count.saturating_add(1) };
        self.last = now;
    }

    fn wait(&self, now: Duration) -> Duration {
        (self.last + self.delay()).saturating_sub(now)
    }
}

impl Limits {
    /// Nobody is known yet.
    pub fn new(settings: LimitSettings) -> Self {
        let LimitSettings { requests_per_second, request_burst, connects_per_minute } = settings;
        let connects = RateLimit::every_us(60_000_000 / u64::from(connects_per_minute.max(1)), connects_per_minute);
        Self {
            requests: (requests_per_second > 0).then(|| RateLimit::per_second(requests_per_second, request_burst)),
            connects: (connects_per_minute > 0).then_some(connects),
            addresses: Lru::new(MAX_CLIENTS),
            callers: Lru::new(MAX_CLIENTS),
            devices: Lru::new(MAX_DEVICES),
            commanders: Lru::new(MAX_CLIENTS),
        }
    }

    /// How fast the buckets of a limit fill; `None`: there is no such limit.
    pub fn rate(&self, limit: Limit) -> Option<RateLimit> {
        match limit {
            Limit::Requests | Limit::Credential => self.requests,
            Limit::Connects => self.connects,
            Limit::Positions => Some(POSITIONS),
            Limit::Commands => Some(COMMANDS),
        }
    }

    /// Takes one of a limit: of an address, of what names a caller, or of a device.
    ///
    /// # Errors
    /// It had too many.
    pub fn take(&mut self, limit: Limit, of: &[u8], now: Duration) -> Result<(), Limited> {
        let Some(rate) = self.rate(limit) else { return Ok(()) };
        let bucket = match limit {
            Limit::Requests => &mut self.addresses.touch(of).0.requests,
            Limit::Connects => &mut self.addresses.touch(of).0.connects,
            Limit::Credential => self.callers.touch(of).0,
            Limit::Positions => self.devices.touch(of).0,
            Limit::Commands => self.commanders.touch(of).0,
        };
        let now_us = u64::try_from(now.as_micros()).unwrap_or(u64::MAX);
        if bucket.take(rate, now_us) {
            return Ok(());
        }
        Err(Limited { reason: limit.reason(), retry_after: Duration::from_micros(bucket.wait_us(rate, now_us)) })
    }

    /// Whether an address may try a login now.
    ///
    /// # Errors
    /// Too many have failed.
    pub fn may_log_in(&mut self, address: &[u8], now: Duration) -> Result<(), Limited> {
        // A look adds no entry.
        let wait = self.addresses.get(address).map_or(Duration::ZERO, |known| known.failures.wait(now));
        if wait.is_zero() { Ok(()) } else { Err(Limited { reason: "login", retry_after: wait }) }
    }

    /// A login of an address has failed.
    pub fn login_failed(&mut self, address: &[u8], now: Duration) {
        self.addresses.touch(address).0.failures.add(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const START: Duration = Duration::from_secs(1_000);

    fn limits() -> Limits {
        Limits::new(LimitSettings { requests_per_second: 100, request_burst: 200, connects_per_minute: 60 })
    }

    #[test]
    fn one_address_leaves_the_others_alone() {
        let mut limits = limits();
        let passed = (0..1_000).filter(|_| limits.take(Limit::Requests, b"loud", START).is_ok()).count();
        assert_eq!(passed, 200);
        assert_eq!(limits.take(Limit::Requests, b"other", START), Ok(()));
        let limited = limits.take(Limit::Requests, b"loud", START).unwrap_err();
        assert_eq!((limited.reason, limited.retry_after), ("address", Duration::from_millis(10)));
        assert_eq!(limits.take(Limit::Requests, b"loud", START + limited.retry_after), Ok(()));
        assert_eq!(
            (0..100).filter(|_| limits.take(Limit::Connects, b"loud", START).is_ok()).count(),
            60,
            "another bucket"
        );
    }

    #[test]
    fn no_limit_is_none() {
        let settings = LimitSettings { requests_per_second: 0, request_burst: 0, connects_per_minute: 0 };
        let mut limits = Limits::new(settings);
        for _ in 0..10_000 {
            assert_eq!(
                limits.take(Limit::Requests, b"a", START).and(limits.take(Limit::Connects, b"a", START)),
                Ok(())
            );
        }
        assert_eq!(
            (0..100).filter(|_| limits.take(Limit::Positions, b"7", START).is_ok()).count(),
            10,
            "of positions there is always"
        );
    }

    #[test]
    fn the_delay_of_failed_logins_grows_and_is_forgiven() {
        let mut limits = limits();
        let mut delays = Vec::new();
        let mut now = START;
        for _ in 0..13 {
            limits.login_failed(b"a", now);
            let wait = limits.may_log_in(b"a", now).map_or_else(|limited| limited.retry_after, |()| Duration::ZERO);
            delays.push(wait.as_secs());
            now += wait;
            assert_eq!(limits.may_log_in(b"a", now), Ok(()));
        }
        assert_eq!(delays, [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(limits.may_log_in(b"b", now), Ok(()), "of another address");
        limits.login_failed(b"a", now + FORGIVEN_AFTER);
        assert_eq!(limits.may_log_in(b"a", now + FORGIVEN_AFTER), Ok(()));
    }

    #[test]
    fn positions_are_one_a_second_with_a_burst() {
        let mut limits = limits();
        let passed =
            |limits: &mut Limits, now| (0..100).filter(|_| limits.take(Limit::Positions, b"1", now).is_ok()).count();
        assert_eq!(passed(&mut limits, START), 10);
        assert_eq!(passed(&mut limits, START + 3 * SECOND), 3);
    }

    #[test]
    fn commands_are_two_a_second_with_a_burst() {
        let mut limits = limits();
        let passed =
            |limits: &mut Limits, now| (0..100).filter(|_| limits.take(Limit::Commands, b"ada", now).is_ok()).count();
        assert_eq!(passed(&mut limits, START), 30);
        assert_eq!(passed(&mut limits, START + 3 * SECOND), 6);
        assert_eq!(limits.take(Limit::Commands, b"bob", START), Ok(()));
    }

    #[test]
    fn made_up_addresses_are_bounded() {
        let mut limits = limits();
        for number in 0..(MAX_CLIENTS as u32 + 1_000) {
            assert_eq!(limits.take(Limit::Requests, &number.to_be_bytes(), START), Ok(()));
        }
        assert_eq!(limits.addresses.len(), MAX_CLIENTS);
    }
}
