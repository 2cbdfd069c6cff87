//! Signatures with a key that both sides know.
//!
//! | step | content |
//! |---|---|
//! | hash input, in order | byte 0 without its upper two bits, source (bytes 1-3), complete payload, key |
//! | result | the first four bytes of the SHA-1, in digest order |
//!
//! The forward bit, the extended header and the destination are not covered: relaying keeps a
//! signature valid, and a signed frame can be sent on to someone else. Four bytes are a check
//! against mistakes and mischief, not against an attacker with time.

use core::fmt;

use sha1::{Digest, Sha1};

use crate::address::Address;

/// The four bytes of a signature, in the order on the air.
///
/// The protocol author's firmware takes four zero bytes for "unsigned".
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Signature(pub [u8; 4]);

impl Signature {
    /// The signature of a packet.
    #[must_use]
    pub fn compute(packet_type: u8, source: Address, payload: &[u8], key: &[u8]) -> Self {
        let digest = Sha1::new()
            .chain_update([packet_type & 0x3F])
            .chain_update(source.to_wire())
            .chain_update(payload)
            .chain_update(key)
            .finalize();
        Self([digest[0], digest[1], digest[2], digest[3]])
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d] = self.0;
        write!(f, "Signature({a:02x}{b:02x}{c:02x}{d:02x})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worked_example_of_the_protocol_text() {
        let source = Address::new(0x11, 0x0B90);
        let signature = Signature::compute(3, source, b"\0hello", b"secret");
        assert_eq!(signature, Signature([0x92, 0x15, 0x6D, 0x16]));
    }
}
