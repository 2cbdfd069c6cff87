//! Who may connect: bounds on connections and on handshakes per second.

use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use rustc_hash::FxHashMap;

use fanout::session::Budget;

/// Bounds of a process.
#[derive(Clone, Debug)]
pub(crate) struct AdmissionLimits {
    /// Open WebSockets.
    pub max_connections: usize,
    /// Open WebSockets from one address; 0: no bound of its own.
    pub max_connections_per_address: usize,
    /// New WebSockets per second: a storm of reconnects is spread out, and snapshots stay affordable.
    pub max_handshakes_per_second: u32,
}

/// Counts what is open. Clones share the count.
#[derive(Clone, Debug)]
pub(crate) struct Admission(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    limits: AdmissionLimits,
    open: Mutex<Open>,
}

#[derive(Debug)]
struct Open {
    all: usize,
    by_address: FxHashMap<IpAddr, usize>,
    handshakes: Budget,
}

/// Why a handshake is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Refused {
    /// The process is full.
    #[error("this server holds as many connections as it may")]
    Full,
    /// The address has as many as it may have.
    #[error("there are too many connections from this address")]
    Address,
    /// Too many came within a second.
    #[error("too many connections come at once")]
    Rush,
}

impl Refused {
    /// The code: metric label.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Address => "address",
            Self::Rush => "rush",
        }
    }
}

/// An open connection; dropping it gives its place back.
#[derive(Debug)]
pub(crate) struct Admitted {
    admission: Admission,
    address: IpAddr,
}

impl Admission {
    /// Nothing open yet.
    pub(crate) fn new(limits: AdmissionLimits) -> Self {
        let handshakes = Budget::per_minute(limits.max_handshakes_per_second.saturating_mul(60)).burst_of_a_second();
        Self(Arc::new(Shared {
            limits,
            open: Mutex::new(Open { all: 0, by_address: FxHashMap::default(), handshakes }),
        }))
    }

    /// Takes a place.
    ///
    /// # Errors
    /// Peer: a bound is reached.
    pub(crate) fn admit(&self, address: IpAddr, now: std::time::Duration) -> Result<Admitted, Refused> {
        let limits = &self.0.limits;
        let mut open = self.0.open.lock();
        if open.all >= limits.max_connections {
            return Err(Refused::Full);
        }
        let own = open.by_address.get(&address).copied().unwrap_or_default();
        if limits.max_connections_per_address > 0 && own >= limits.max_connections_per_address {
            return Err(Refused::Address);
        }
        if !open.handshakes.take(now) {
            return Err(Refused::Rush);
        }
        open.all += 1;
        open.by_address.insert(address, own + 1);
        Ok(Admitted { admission: self.clone(), address })
    }

    /// How many are open.
    #[cfg(test)]
    pub(crate) fn open(&self) -> usize {
        self.0.open.lock().all
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut open = self.admission.0.open.lock();
        open.all = open.all.saturating_sub(1);
        let own = open.by_address.get(&self.address).copied().unwrap_or_default();
        if own > 1 {
            open.by_address.insert(self.address, own - 1);
        } else {
            open.by_address.remove(&self.address);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::time::Duration;

    use super::*;

    const NOW: Duration = Duration::from_secs(50);

    fn admission(max_connections: usize, per_address: usize, per_second: u32) -> Admission {
        Admission::new(AdmissionLimits {
            max_connections,
            max_connections_per_address: per_address,
            max_handshakes_per_second: per_second,
        })
    }

    fn address(last: u8) -> IpAddr {
        Ipv4Addr::new(192, 0, 2, last).into()
    }

    #[test]
    fn places_are_bounded_and_given_back() {
        let admission = admission(3, 2, 100);
        let held: Vec<_> = (0..2).map(|_| admission.admit(address(1), NOW).unwrap()).collect();
        assert_eq!(admission.admit(address(1), NOW).unwrap_err(), Refused::Address);
        let other = admission.admit(address(2), NOW).unwrap();
        assert_eq!(admission.admit(address(3), NOW).unwrap_err(), Refused::Full);
        drop((held, other));
        assert_eq!(admission.open(), 0);
        assert!(admission.0.open.lock().by_address.is_empty());
    }

    #[test]
    fn a_storm_is_spread_over_seconds() {
        let admission = admission(1_000, 0, 10);
        let mut held = Vec::new();
        let mut storm =
            |now| (0..100).filter(|_| admission.admit(address(1), now).map(|one| held.push(one)).is_ok()).count();
        assert_eq!(storm(NOW), 10);
        assert_eq!(storm(NOW + Duration::from_secs(1)), 10);
    }
}
