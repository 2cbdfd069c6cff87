//! Who may see, send and change.
//!
//! - [`scope`]: what a caller may do (scopes), and the roles that grant it
//! - [`rules`]: the one table of what each route and each ability of a WebSocket needs
//! - [`token`]: access tokens of an identity provider (JWT), verified with a [`KeySet`]
//! - [`api_keys`]: keys of machines, kept as hashes
//! - [`session`]: sessions of our own, which a key of a machine or a one-time secret of a person opens; [`SigningKeys`] sign
//!   their tokens
//! - [`fleets`]: companies, fleets, their members and limits, and the settings of users, as `fanet.account.v1` has them
//! - [`TokenCache`]: verified tokens, so that a signature is checked once
//! - [`Limits`]: rates of requests, connections, positions and commands, and the delay after failed logins
//!
//! All of it is pure: the caller passes the time, the randomness and the contents of files.

mod algorithm;
pub mod api_keys;
mod cache;
mod caller;
mod civil;
pub mod fleets;
mod key_set;
mod limits;
mod refusal;
pub mod rules;
pub mod scope;
pub mod session;
mod signing;
mod spki;
#[cfg(feature = "testing")]
pub mod testing;
pub mod token;

pub use algorithm::Algorithm;
pub use api_keys::ApiKeys;
pub use cache::TokenCache;
pub use caller::{Caller, Credential, FleetSight, Pilot};
pub use key_set::{KeySet, KeySetError};
pub use limits::{Limit, LimitSettings, Limited, Limits};
pub use refusal::Refusal;
pub use scope::{Role, Scope, Scopes};
pub use signing::{SigningKeys, SigningKeysError};

use sha2::{Digest as _, Sha256};

/// The SHA-256 of a token or key: what is kept in its place.
pub type Hash = [u8; 32];

/// Hashes a token or key. They have 256 random bits: nothing slower is needed against guessing.
pub fn hash(presented: &str) -> Hash {
    Sha256::digest(presented).into()
}

/// Hashes several values, each of its length: no two lists of values are the same to it.
pub fn hash_all(values: &[&[u8]]) -> Hash {
    let mut digest = Sha256::new();
    for value in values {
        digest.update((value.len() as u64).to_be_bytes());
        digest.update(value);
    }
    digest.finalize().into()
}

/// Whether two hashes are the same, in the same time for all.
pub fn is_same(one: &Hash, other: &Hash) -> bool {
    use subtle::ConstantTimeEq as _;
    one.ct_eq(other).into()
}
