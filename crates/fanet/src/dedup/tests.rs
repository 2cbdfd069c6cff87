use super::*;
use alloc::vec::Vec;

#[test]
fn tails_are_plain_little_endian_numbers() {
    let bytes: Vec<u8> = (1..=15).collect();
    for length in 0..=15 {
        let mut padded = [0; 16];
        padded[..length].copy_from_slice(&bytes[..length]);
        assert_eq!(tail(&bytes[..length]), halves(padded), "{length}");
    }
}

#[test]
fn lengths_and_padding_differ() {
    let zeros = [0_u8; 40];
    let mut keys: Vec<u64> = (0..=40).map(|length| stable_hash(7, &zeros[..length])).collect();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), 41);
}

#[test]
fn each_part_of_the_key_counts() {
    let source = Address::new(0x11, 0x0B90);
    let other = Address::new(0x11, 0x0B91);
    let key = DedupKey::new(1, source, None, b"payload");
    assert_ne!(key, DedupKey::new(2, source, None, b"payload"));
    assert_ne!(key, DedupKey::new(1, other, None, b"payload"));
    assert_ne!(key, DedupKey::new(1, source, Some(Address::default()), b"payload"));
    assert_ne!(key, DedupKey::new(1, source, None, b"payloae"));
    assert_ne!(DedupKey::new(1, source, Some(other), b""), DedupKey::new(1, other, Some(source), b""),);
}

#[test]
fn one_bit_changes_about_half_of_the_others() {
    let mut payload = [0x5A_u8; 29];
    let before = stable_hash(1, &payload);
    let mut changed = 0;
    for bit in 0..payload.len() * 8 {
        payload[bit / 8] ^= 1 << (bit % 8);
        changed += (stable_hash(1, &payload) ^ before).count_ones();
        payload[bit / 8] ^= 1 << (bit % 8);
    }
    let mean = f64::from(changed) / (29.0 * 8.0);
    assert!((30.0..34.0).contains(&mean), "{mean}");
}
