//! Free ports that stay free across a restart of the service.
//!
//! Any outgoing connection may take a port of the kernel's ephemeral range while a service is stopped, so these are
//! below that range.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{LazyLock, Mutex, PoisonError};

const FIRST: u16 = 15_000;
const COUNT: u16 = 17_000;
/// The parts of the range, for test processes that run at the same time: two would race for a port between the check that
/// it is free and its use.
const SLOTS: u16 = 8;

/// First port and number of ports of this process. `tests/run.py` gives each process a slot, from 0 to 5 on two cores;
/// without one it has all.
static RANGE: LazyLock<(u16, u16)> = LazyLock::new(|| {
    let slot = std::env::var("UPDRAFT_TEST_SLOT").ok().and_then(|slot| slot.parse::<u16>().ok());
    slot.map_or((FIRST, COUNT), |slot| (FIRST + slot % SLOTS * (COUNT / SLOTS), COUNT / SLOTS))
});

static HANDED_OUT: LazyLock<Mutex<HashSet<u16>>> = LazyLock::new(Mutex::default);

/// A free TCP port on the loopback, below the ephemeral range; this process never returns the same one twice.
///
/// # Panics
/// When 1,000 tries find none.
pub fn free_port() -> u16 {
    let mut taken = HANDED_OUT.lock().unwrap_or_else(PoisonError::into_inner);
    let seed = RandomState::new();
    let (first, count) = *RANGE;
    (0..1_000)
        .map(|attempt: u32| first + u16::try_from(seed.hash_one(attempt) % u64::from(count)).expect("below 17,000"))
        .find(|port| !taken.contains(port) && TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .inspect(|port| {
            taken.insert(*port);
        })
        .expect("a free port between 15000 and 32000")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_distinct_and_bindable() {
        let (one, other) = (free_port(), free_port());
        assert_ne!(one, other);
        TcpListener::bind((Ipv4Addr::LOCALHOST, one)).unwrap();
    }
}
