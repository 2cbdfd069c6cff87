//! Claims of devices: a caller gets a code, and the device has to send it by radio, as its name. The instance that gave the code
//! reads it, since each instance reads all states; a claim ends with its process.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use rate::Lru;
use runtime::Clock;
use schemas::DeviceAddress;
use tokio::sync::mpsc;

use crate::audit::Requester;

/// How long a code is good.
pub(crate) const CLAIM_FOR: Duration = Duration::from_secs(900);
/// Characters of a code. Names of FANET have 20 and more.
const CODE_CHARACTERS: usize = 7;
/// Without those that are read as another one.
const ALPHABET: &[u8; 31] = b"23456789ABCDEFGHJKMNPQRSTUVWXYZ";
/// Devices with claims.
const MAX_DEVICES: usize = 10_000;
/// Claims of one device; the oldest makes room.
const MAX_OF_DEVICE: usize = 8;
/// Proofs that wait to be written; more come again with the next frame.
const MAX_PROOFS: usize = 256;

/// Claims that wait for their device.
pub(crate) struct Claims {
    pending: Mutex<Lru<Vec<OwnershipClaim>>>,
    /// Upper bound of the claims, so that names are looked at only while there are some.
    count: AtomicUsize,
    proofs: mpsc::Sender<Proof>,
    clock: Clock,
}

#[derive(Clone, Debug)]
struct OwnershipClaim {
    code: String,
    requester: Requester,
    user_id: String,
    until: Duration,
}

/// A claim whose code its device has sent.
#[derive(Clone, Debug)]
pub(crate) struct Proof {
    pub(crate) device: DeviceAddress,
    /// Who claimed it.
    pub(crate) requester: Requester,
    pub(crate) user_id: String,
}

impl Claims {
    /// The claims, and their proofs.
    pub(crate) fn new(clock: Clock) -> (Self, mpsc::Receiver<Proof>) {
        let (proofs, receiver) = mpsc::channel(MAX_PROOFS);
        (Self { pending: Mutex::new(Lru::new(MAX_DEVICES)), count: AtomicUsize::new(0), proofs, clock }, receiver)
    }

    /// A code for a device, from random bytes. The one before of the same caller is no longer good.
    pub(crate) fn add(
        &self,
        device: DeviceAddress,
        requester: Requester,
        user_id: String,
        random: [u8; CODE_CHARACTERS],
    ) -> String {
        let now = self.clock.monotonic();
        let code: String =
            random.iter().map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()])).collect();
        let mut pending = self.pending.lock();
        let claims = pending.touch(&device.0.to_be_bytes()).0;
        claims.retain(|claim| claim.until > now && claim.user_id != user_id);
        if claims.len() >= MAX_OF_DEVICE {
            claims.remove(0);
        }
        claims.push(OwnershipClaim { code: code.clone(), requester, user_id, until: now + CLAIM_FOR });
        self.count.store(pending.len(), Ordering::Relaxed);
        code
    }

    /// A device has this name now. Where it is the code of a claim, the claim is proven.
    pub(crate) fn check_name(&self, device: u32, name: &str) {
        if self.count.load(Ordering::Relaxed) == 0 {
            return;
        }
        let now = self.clock.monotonic();
        let mut pending = self.pending.lock();
        let Some(claims) = pending.get(&device.to_be_bytes()) else { return };
        claims.retain(|claim| claim.until > now);
        let Some(at) = claims.iter().position(|claim| claim.code.eq_ignore_ascii_case(name.trim())) else { return };
        let OwnershipClaim { requester, user_id, .. } = claims[at].clone();
        // While too many wait the claim stays, and the name comes again.
        if self.proofs.try_send(Proof { device: DeviceAddress(device), requester, user_id }).is_ok() {
            claims.remove(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use access::{Caller, Credential};

    use super::*;

    const DEVICE: DeviceAddress = DeviceAddress(0x11_0B90);

    fn requester() -> Requester {
        let caller = Arc::new(Caller::unknown(Credential::Token));
        Requester { caller, client_class: "public", request_id: "1".into(), cause: None }
    }

    #[tokio::test]
    async fn the_name_of_the_device_proves_a_claim_once() {
        let clock = Clock::manual(1_780_000_000_000_000);
        let (claims, mut proofs) = Claims::new(clock.clone());
        claims.check_name(DEVICE.0, "anything");
        let code = claims.add(DEVICE, requester(), "token/ada".to_owned(), [0, 30, 31, 255, 7, 8, 9]);
        assert_eq!(code, "2Z299AB", "no character that is read as another one");
        let other = claims.add(DEVICE, requester(), "token/bob".to_owned(), [1; 7]);
        claims.check_name(DEVICE.0, "Ada");
        claims.check_name(DEVICE.0 + 1, &code);
        assert!(proofs.try_recv().is_err(), "another name, another device");
        claims.check_name(DEVICE.0, &format!(" {} ", code.to_lowercase()));
        let proof = proofs.try_recv().unwrap();
        assert_eq!((proof.device, proof.user_id.as_str()), (DEVICE, "token/ada"));
        claims.check_name(DEVICE.0, &code);
        assert!(proofs.try_recv().is_err(), "once");
        clock.advance(CLAIM_FOR);
        claims.check_name(DEVICE.0, &other);
        assert!(proofs.try_recv().is_err(), "its time is over");
    }

    #[tokio::test]
    async fn claims_are_bounded() {
        let (claims, mut proofs) = Claims::new(Clock::manual(1_780_000_000_000_000));
        let code = |number: u8| claims.add(DEVICE, requester(), format!("token/{number}"), [number; 7]);
        let codes: Vec<String> = (0..20).map(code).collect();
        let again = claims.add(DEVICE, requester(), "token/19".to_owned(), [21; 7]);
        for old in [&codes[0], &codes[19]] {
            claims.check_name(DEVICE.0, old);
        }
        assert!(proofs.try_recv().is_err());
        claims.check_name(DEVICE.0, &again);
        assert_eq!(proofs.try_recv().unwrap().user_id, "token/19");
        for number in 0..20_000_u32 {
            claims.add(DeviceAddress(number), requester(), "token/ada".to_owned(), [1; 7]);
        }
        assert_eq!(claims.pending.lock().len(), MAX_DEVICES);
    }
}
