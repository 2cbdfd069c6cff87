//! The devices and receivers that a block may hold: a Bloom filter, so that a search skips most blocks.

/// Ten bits for each key with seven hashes are wrong once in about a hundred and twenty.
const BITS_PER_KEY: usize = 10;
const HASHES: u64 = 7;
/// Maximum size of a filter, bytes; with more keys it has more false positives.
const MAX_BYTES: usize = 8 << 10;

/// Builds a filter over keys; empty for none.
pub(crate) fn build<'a>(keys: impl ExactSizeIterator<Item = &'a [u8]>) -> Vec<u8> {
    let count = keys.len();
    if count == 0 {
        return Vec::new();
    }
    let mut bits = vec![0_u8; (count * BITS_PER_KEY).div_ceil(8).clamp(1, MAX_BYTES)];
    for key in keys {
        for bit in positions(key, bits.len()) {
            bits[bit / 8] |= 1 << (bit % 8);
        }
    }
    bits
}

/// Whether a key may be among those that a filter was built of.
pub(crate) fn may_hold(bits: &[u8], key: &[u8]) -> bool {
    !bits.is_empty() && positions(key, bits.len()).all(|bit| bits[bit / 8] & (1 << (bit % 8)) != 0)
}

fn positions(key: &[u8], bytes: usize) -> impl Iterator<Item = usize> + use<> {
    // FNV-1a, then SplitMix64's finalizer. Part of the format: a hash of some library could change.
    let fnv = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3);
    let mut hash = key.iter().fold(0xCBF2_9CE4_8422_2325, fnv);
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    hash ^= hash >> 31;
    let (first, step) = (hash & 0xFFFF_FFFF, (hash >> 32) | 1);
    (0..HASHES).map(move |n| (first.wrapping_add(n * step) % (bytes as u64 * 8)) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_never_denies_a_key_and_rarely_invents_one() {
        let keys: Vec<String> = (0..500).map(|n| format!("{:06X}", n * 7919)).collect();
        let bits = build(keys.iter().map(String::as_bytes));
        assert!(keys.iter().all(|key| may_hold(&bits, key.as_bytes())));
        let invented = (0..10_000).filter(|n| may_hold(&bits, format!("x{n}").as_bytes())).count();
        assert!(invented < 300, "{invented} of 10,000");
        assert!(!may_hold(&build([].into_iter()), b"x"));
    }
}
