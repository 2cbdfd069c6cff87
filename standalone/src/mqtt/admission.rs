//! Admission of connections: limits in total and for each address. Pure.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

use super::limits::Limits;

/// What counts as one address: an IPv4 address, or the network that one IPv6 customer has (64 bits).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Source(IpAddr);

impl Source {
    pub(super) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(address) => {
                let network = u128::from(address) & !u128::from(u64::MAX);
                Self(Ipv6Addr::from(network).into())
            }
            address => Self(address),
        }
    }
}

/// Why a connection is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoSlot {
    #[error("there are {0} connections, the maximum")]
    InAll(usize),
    #[error("there are {0} connections from this address, the maximum")]
    FromAddress(u32),
}

/// The slots. Holds no more entries than there are connections.
#[derive(Debug)]
pub(super) struct ConnectionSlots {
    most: usize,
    max_per_source: u32,
    taken: usize,
    by_source: HashMap<Source, u32>,
}

impl ConnectionSlots {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            most: limits.connections,
            max_per_source: limits.connections_per_address,
            taken: 0,
            by_source: HashMap::new(),
        }
    }

    /// Takes a slot.
    ///
    /// # Errors
    /// All are taken.
    pub(super) fn enter(&mut self, source: Source) -> Result<(), NoSlot> {
        if self.taken >= self.most {
            return Err(NoSlot::InAll(self.taken));
        }
        let from_source = self.by_source.get(&source).copied().unwrap_or(0);
        if from_source >= self.max_per_source {
            return Err(NoSlot::FromAddress(from_source));
        }
        self.taken += 1;
        self.by_source.insert(source, from_source + 1);
        Ok(())
    }

    /// Releases a slot that [`ConnectionSlots::enter`] gave.
    pub(super) fn leave(&mut self, source: Source) {
        self.taken = self.taken.saturating_sub(1);
        if let Some(from_source) = self.by_source.get_mut(&source) {
            *from_source = from_source.saturating_sub(1);
            if *from_source == 0 {
                self.by_source.remove(&source);
            }
        }
    }

    /// How many are taken.
    pub(super) fn taken(&self) -> usize {
        self.taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source::of(text.parse().expect("an address"))
    }

    #[test]
    fn slots_are_bounded_in_total_and_for_each_address() {
        let limits = Limits { connections: 3, connections_per_address: 2, ..Limits::default() };
        let mut slots = ConnectionSlots::new(&limits);
        let (one, two) = (source("192.0.2.1"), source("192.0.2.2"));
        assert_eq!([slots.enter(one), slots.enter(one)], [Ok(()), Ok(())]);
        assert_eq!(slots.enter(one), Err(NoSlot::FromAddress(2)));
        assert_eq!(slots.enter(two), Ok(()));
        assert_eq!(slots.enter(two), Err(NoSlot::InAll(3)));
        slots.leave(one);
        assert_eq!(slots.enter(two), Ok(()));
        [one, two, two].into_iter().for_each(|source| slots.leave(source));
        assert_eq!((slots.taken(), slots.by_source.len()), (0, 0), "nothing is remembered of those that left");
    }

    #[test]
    fn an_ipv6_network_counts_as_one_address() {
        assert_eq!(source("2001:db8:1:2::1"), source("2001:db8:1:2:ffff::9"));
        assert_ne!(source("2001:db8:1:2::1"), source("2001:db8:1:3::1"));
        assert_eq!(source("::ffff:192.0.2.1"), source("192.0.2.1"));
    }
}
