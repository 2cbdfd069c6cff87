//! A stable hash that identifies copies of a frame.
//!
//! The hash is part of stored state, so it never changes: it depends on no platform, no seed of
//! the process and no library. It is not meant to withstand deliberate collisions.
//!
//! Form: 16 bytes at a time are mixed by a 64 x 64 -> 128 bit multiplication whose halves are
//! folded together; the rest is padded with zeros, and the length is part of the last step, so
//! that padding cannot be mistaken for content.

use crate::address::Address;

/// Identifies a frame among its copies: packet type, source, destination and payload.
///
/// Relays and receivers do not change these; they change the forward bit and the extended
/// header, which are not part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DedupKey(pub u64);

impl DedupKey {
    /// The key of a packet.
    #[inline]
    #[must_use]
    pub fn new(packet_type: u8, source: Address, destination: Option<Address>, payload: &[u8]) -> Self {
        // 24 bits each, 6 bits of type and one that distinguishes a broadcast from destination 000000.
        let to = destination.map_or(0, |address| 1 << 24 | u64::from(address.as_u32()));
        let head = u64::from(source.as_u32()) << 31 | to << 6 | u64::from(packet_type & 0x3F);
        Self(stable_hash(head, payload))
    }
}

// The fractional parts of the square roots of 2, 3 and 5, made odd.
const K0: u64 = 0x6A09_E667_F3BC_C909;
const K1: u64 = 0xBB67_AE85_84CA_A73B;
const K2: u64 = 0x3C6E_F372_FE94_F82B;

/// A 64-bit hash of a number and some bytes, the same in every version and on every machine.
#[inline]
#[must_use]
pub fn stable_hash(head: u64, bytes: &[u8]) -> u64 {
    let mut state = fold(head ^ K0, K1);
    let (blocks, rest) = bytes.as_chunks::<16>();
    for block in blocks {
        let (low, high) = halves(*block);
        state = fold(low ^ state, high ^ K1);
    }
    let (low, high) = tail(rest);
    state = fold(low ^ state, high ^ K2);
    fold(state ^ bytes.len() as u64, K0)
}

#[inline]
const fn fold(a: u64, b: u64) -> u64 {
    let product = a as u128 * b as u128;
    product as u64 ^ (product >> 64) as u64
}

#[inline]
fn halves(block: [u8; 16]) -> (u64, u64) {
    let block = u128::from_le_bytes(block);
    (block as u64, (block >> 64) as u64)
}

/// Fewer than 16 bytes, little-endian, zeros above; without a loop per byte.
#[inline]
fn tail(bytes: &[u8]) -> (u64, u64) {
    match bytes.split_first_chunk::<8>() {
        Some((low, rest)) => (u64::from_le_bytes(*low), upto8(rest)),
        None => (upto8(bytes), 0),
    }
}

/// Fewer than 8 bytes as a number.
#[inline]
fn upto8(bytes: &[u8]) -> u64 {
    let length = bytes.len();
    if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        // The two reads overlap where there are fewer than 8 bytes; both hold the same bits there.
        let first = u64::from(u32::from_le_bytes(*first));
        let last = u64::from(u32::from_le_bytes(*last));
        return first | last << (8 * (length - 4));
    }
    match *bytes {
        [] => 0,
        [a] => u64::from(a),
        [a, b] => u64::from(a) | u64::from(b) << 8,
        [a, b, c, ..] => u64::from(a) | u64::from(b) << 8 | u64::from(c) << 16,
    }
}

#[cfg(test)]
mod tests;
