//! Limits of the number of WebSockets and of handshakes per second.

use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use rustc_hash::FxHashMap;

use fanout::session::Budget;

use crate::networks;

/// Limits of a process.
#[derive(Clone, Debug)]
pub(crate) struct AdmissionLimits {
    /// Open WebSockets.
    pub max_connections: usize,
    /// Open WebSockets from one IP address, of IPv6 from one network of 64 bits; 0: no limit.
    pub max_connections_per_address: usize,
    /// New WebSockets per second: spreads the load of snapshots when many clients reconnect at once.
    pub max_handshakes_per_second: u32,
}

/// Counts the open WebSockets. Clones share the count.
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
    by_address: FxHashMap<Vec<u8>, usize>,
    handshakes: Budget,
}

/// Why a handshake is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum AdmissionError {
    /// The limit of the process.
    #[error("this server is at its limit of WebSockets: connect again after the seconds of Retry-After")]
    ServerFull,
    /// The limit of the IP address.
    #[error("this IP address is at its limit of WebSockets: close one of them, or connect again later")]
    AddressFull,
    /// The limit of handshakes per second.
    #[error("too many WebSockets were opened within a second: connect again after the seconds of Retry-After")]
    TooManyHandshakes,
}

impl AdmissionError {
    /// Metric label and code of the problem document.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::ServerFull => "full",
            Self::AddressFull => "address",
            Self::TooManyHandshakes => "rush",
        }
    }
}

/// Permission for an open WebSocket; dropping it ends the permission.
#[derive(Debug)]
pub(crate) struct ConnectionPermit {
    admission: Admission,
    network: Vec<u8>,
}

impl Admission {
    /// Without WebSockets.
    pub(crate) fn new(limits: AdmissionLimits) -> Self {
        let handshakes = Budget::per_minute(limits.max_handshakes_per_second.saturating_mul(60)).burst_of_a_second();
        Self(Arc::new(Shared {
            limits,
            open: Mutex::new(Open { all: 0, by_address: FxHashMap::default(), handshakes }),
        }))
    }

    /// Admits a WebSocket.
    ///
    /// # Errors
    /// Peer: a limit is reached.
    pub(crate) fn admit(&self, address: IpAddr, now: std::time::Duration) -> Result<ConnectionPermit, AdmissionError> {
        let limits = &self.0.limits;
        let mut open = self.0.open.lock();
        if open.all >= limits.max_connections {
            return Err(AdmissionError::ServerFull);
        }
        let network = networks::key(address);
        let own = open.by_address.get(&network).copied().unwrap_or_default();
        if limits.max_connections_per_address > 0 && own >= limits.max_connections_per_address {
            return Err(AdmissionError::AddressFull);
        }
        if !open.handshakes.take(now) {
            return Err(AdmissionError::TooManyHandshakes);
        }
        open.all += 1;
        open.by_address.insert(network.clone(), own + 1);
        Ok(ConnectionPermit { admission: self.clone(), network })
    }

    /// The number of open WebSockets.
    #[cfg(test)]
    pub(crate) fn open(&self) -> usize {
        self.0.open.lock().all
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let mut open = self.admission.0.open.lock();
        open.all = open.all.saturating_sub(1);
        let own = open.by_address.get(&self.network).copied().unwrap_or_default();
        if own > 1 {
            open.by_address.insert(self.network.clone(), own - 1);
        } else {
            open.by_address.remove(&self.network);
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
    fn connections_are_limited_and_released() {
        let admission = admission(3, 2, 100);
        let held: Vec<_> = (0..2).map(|_| admission.admit(address(1), NOW).unwrap()).collect();
        assert_eq!(admission.admit(address(1), NOW).unwrap_err(), AdmissionError::AddressFull);
        let other = admission.admit(address(2), NOW).unwrap();
        assert_eq!(admission.admit(address(3), NOW).unwrap_err(), AdmissionError::ServerFull);
        drop((held, other));
        assert_eq!(admission.open(), 0);
        assert!(admission.0.open.lock().by_address.is_empty());
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one_address() {
        let admission = admission(100, 2, 100);
        let admit = |address: &str| admission.admit(address.parse().expect("an address"), NOW);
        let held = ["2001:db8:0:1::1", "2001:db8:0:1:9::2"].map(|address| admit(address).unwrap());
        assert_eq!(admit("2001:db8:0:1::3").unwrap_err(), AdmissionError::AddressFull);
        assert!(admit("2001:db8:0:2::1").is_ok(), "another network");
        drop(held);
        assert!(admission.0.open.lock().by_address.is_empty());
    }

    #[test]
    fn handshakes_are_limited_per_second() {
        let admission = admission(1_000, 0, 10);
        let mut held = Vec::new();
        let mut admitted =
            |now| (0..100).filter(|_| admission.admit(address(1), now).map(|one| held.push(one)).is_ok()).count();
        assert_eq!(admitted(NOW), 10);
        assert_eq!(admitted(NOW + Duration::from_secs(1)), 10);
    }
}
