//! Sessions of our own: a key of a machine, or a one-time secret of a person, opens one and gets a short access token and a
//! refresh token.
//!
//! The access token is a signed reference: it names the session and the key that opened it, and the key's entry says what
//! it allows. So a change of the file holds at once. A refresh token is good for one use, which gives the next one. When one
//! that was used comes back, two parties have it, and the session ends for both.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::algorithm::Algorithm;
use crate::api_keys::hex;
use crate::caller::{Caller, Credential};
use crate::key_set::KeySet;
use crate::refusal::Refusal;
use crate::signing::SigningKeys;
use crate::token::{self, LEEWAY_S};
use crate::{Hash, hash};

/// How long an access token is accepted, seconds.
pub const ACCESS_S: u64 = 600;
/// A session that is not refreshed for so long ends, seconds.
pub const IDLE_S: u64 = 30 * 86_400;
/// The longest session, seconds.
pub const LONGEST_S: u64 = 90 * 86_400;
/// The longest refresh token, bytes.
pub const MAX_REFRESH_BYTES: usize = 256;

/// Used refresh tokens that a session remembers. An older one is refused, without an end of the session.
const MAX_USED: usize = 32;
/// Of the hash of a used one, bytes: enough that no two are the same.
const USED_BYTES: usize = 16;
/// `typ` of our tokens: none of an identity provider has it (RFC 8725, section 3.11).
const TYPE: &str = "updraft-session+jwt";
const ISSUER: &str = "urn:updraft:session";
const AUDIENCE: &str = "updraft";
/// What every refresh token begins with, so that scanners for secrets find it.
const REFRESH_PREFIX: &str = "updraft-refresh_";

/// What an access token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    iss: String,
    aud: String,
    /// The key that opened the session.
    #[serde(rename = "sub")]
    pub key_id: String,
    /// The session.
    #[serde(rename = "sid")]
    pub session: String,
    #[serde(rename = "iat")]
    issued_at_s: u64,
    /// When the token expires, seconds since the epoch.
    #[serde(rename = "exp")]
    pub expires_at_s: u64,
}

impl Claims {
    /// Of a token that is made now.
    pub fn new(key_id: &str, session: &str, now_s: u64) -> Self {
        Self {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            key_id: key_id.to_owned(),
            session: session.to_owned(),
            issued_at_s: now_s,
            expires_at_s: now_s.saturating_add(ACCESS_S),
        }
    }

    /// The token. `None`: the library cannot sign.
    pub fn sign(&self, keys: &SigningKeys) -> Option<String> {
        keys.sign(TYPE, self)
    }

    /// The caller of the token, where the file has this one for the key that opened the session.
    pub fn caller(&self, of_key: &Caller) -> Caller {
        let until_s = self.expires_at_s.saturating_add(LEEWAY_S);
        Caller {
            credential: Credential::Session,
            session: Some(self.session.as_str().into()),
            expires_at_s: Some(self.expires_at_s),
            accepted_until_s: Some(of_key.accepted_until_s.map_or(until_s, |key_until_s| key_until_s.min(until_s))),
            ..of_key.clone()
        }
    }
}

/// Whether it is an access token of a session, good or not.
pub fn is_access_token(presented: &str) -> bool {
    token::is_of_type(presented, TYPE)
}

/// Verifies an access token. Whether its session has ended is not known here.
///
/// # Errors
/// [`Refusal`] says why it is not accepted.
pub fn verify(presented: &str, keys: &KeySet, now_s: u64) -> Result<Claims, Refusal> {
    let claims: Claims = token::signed(presented, &[Algorithm::EdDsa, Algorithm::Es256], keys)?;
    if claims.iss != ISSUER {
        return Err(Refusal::Issuer);
    }
    if claims.aud != AUDIENCE {
        return Err(Refusal::Audience);
    }
    if now_s >= claims.expires_at_s.saturating_add(LEEWAY_S) { Err(Refusal::Expired) } else { Ok(claims) }
}

/// A refresh token, of which its hash alone is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshToken {
    /// Its session.
    pub session: Arc<str>,
    hash: Hash,
}

impl RefreshToken {
    /// A new one of a session, and its text for the client. The randomness is the caller's.
    pub fn make(session: Arc<str>, secret: &[u8; 32]) -> (String, Self) {
        let text = format!("{REFRESH_PREFIX}{session}_{}", hex(secret));
        let hash = hash(&text);
        (text, Self { session, hash })
    }

    /// Reads what a client has sent. `None`: it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let (session, secret) = text.strip_prefix(REFRESH_PREFIX)?.split_once('_')?;
        let is_hex = |part: &str| part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let is_token = session.len() == 32 && secret.len() == 64 && is_hex(session) && is_hex(secret);
        is_token.then(|| Self { session: session.into(), hash: hash(text) })
    }
}

/// The name of a session from random bytes.
pub fn session_id(random: &[u8; 16]) -> Arc<str> {
    hex(random).into()
}

/// What is kept of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// The key that opened it.
    pub key_id: String,
    opened_at_s: u64,
    refreshed_at_s: u64,
    /// The hash of the refresh token that is good now, in hex.
    current: String,
    /// Those of the ones before, shortened; the newest last.
    used: Vec<String>,
}

/// What a refresh token is to its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presented {
    /// The one that is good now.
    Current,
    /// One that was used before: two parties have it.
    Used,
    /// None of it, or one so old that it is forgotten.
    Unknown,
    /// The session's time is over.
    Expired,
}

impl Session {
    /// A session that is opened now.
    pub fn new(key_id: &str, first: &RefreshToken, now_s: u64) -> Self {
        let current = hex(&first.hash);
        Self { key_id: key_id.to_owned(), opened_at_s: now_s, refreshed_at_s: now_s, current, used: Vec::new() }
    }

    /// When it ends unless it is refreshed, seconds since the epoch.
    pub fn ends_at_s(&self) -> u64 {
        let idle = self.refreshed_at_s.saturating_add(IDLE_S);
        idle.min(self.opened_at_s.saturating_add(LONGEST_S))
    }

    /// What a refresh token is to it.
    pub fn check(&self, presented: &RefreshToken, now_s: u64) -> Presented {
        // The text has 256 random bits, and only hashes are compared: the time that this takes says nothing.
        let hash = hex(&presented.hash);
        if self.used.iter().any(|used| *used == hash[..2 * USED_BYTES]) {
            Presented::Used
        } else if self.current != hash {
            Presented::Unknown
        } else if now_s >= self.ends_at_s() {
            Presented::Expired
        } else {
            Presented::Current
        }
    }

    /// With the next refresh token in the place of the current one.
    #[must_use]
    pub fn refreshed(&self, next: &RefreshToken, now_s: u64) -> Self {
        let mut used = self.used.clone();
        used.push(self.current.chars().take(2 * USED_BYTES).collect());
        let forgotten = used.len().saturating_sub(MAX_USED);
        used.drain(..forgotten);
        Self { refreshed_at_s: now_s, current: hex(&next.hash), used, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caller::Pilot;
    use crate::scope::{Role, Scopes};

    const NOW_S: u64 = 1_800_000_000;

    fn id() -> Arc<str> {
        session_id(&[0xA1; 16])
    }

    fn token(number: u8) -> RefreshToken {
        RefreshToken::make(id(), &[number; 32]).1
    }

    #[test]
    fn an_access_token_is_good_for_ten_minutes() {
        let keys = SigningKeys::generated(&[1; 32]).unwrap();
        let text = Claims::new("ada", &id(), NOW_S).sign(&keys).unwrap();
        assert!(is_access_token(&text));
        let claims = verify(&text, keys.public(), NOW_S + ACCESS_S + LEEWAY_S - 1).unwrap();
        assert_eq!((claims.key_id.as_str(), claims.session.as_str()), ("ada", &*id()));
        assert_eq!(verify(&text, keys.public(), NOW_S + ACCESS_S + LEEWAY_S), Err(Refusal::Expired));
        let other = SigningKeys::generated(&[2; 32]).unwrap();
        assert_eq!(verify(&text, other.public(), NOW_S), Err(Refusal::UnknownKey));
        let foreign = include_str!("../tests/fixtures/es256.jwt").trim();
        assert!(!is_access_token(foreign) && !is_access_token("updraft_a1_secret") && !is_access_token(""));
        for (changed, refusal) in [
            (Claims { iss: "https://id.example.org".to_owned(), ..claims.clone() }, Refusal::Issuer),
            (Claims { aud: "mail".to_owned(), ..claims.clone() }, Refusal::Audience),
        ] {
            assert_eq!(verify(&changed.sign(&keys).unwrap(), keys.public(), NOW_S), Err(refusal));
        }
    }

    #[test]
    fn the_caller_is_who_the_file_says_now() {
        let of_key = Caller {
            subject: "ada".to_owned(),
            name: Some("Ada".to_owned()),
            roles: vec![Role::Operator],
            credential: Credential::ApiKey,
            scopes: Scopes::ALL,
            company: None,
            devices: Vec::new(),
            pilot: Pilot::default(),
            session: None,
            expires_at_s: None,
            accepted_until_s: None,
        };
        let caller = Claims::new("ada", &id(), NOW_S).caller(&of_key);
        assert_eq!((caller.credential, caller.session), (Credential::Session, Some(id())));
        assert_eq!((caller.scopes, caller.expires_at_s), (Scopes::ALL, Some(NOW_S + ACCESS_S)));
        let expiring = Caller { accepted_until_s: Some(NOW_S + 60), ..of_key };
        assert_eq!(
            Claims::new("ada", &id(), NOW_S).caller(&expiring).accepted_until_s,
            Some(NOW_S + 60),
            "with its key"
        );
    }

    #[test]
    fn a_refresh_token_is_good_once() {
        let (first, second, third) = (token(1), token(2), token(3));
        let opened = Session::new("ada", &first, NOW_S);
        let refreshed = opened.refreshed(&second, NOW_S + 600).refreshed(&third, NOW_S + 1_200);
        for (presented, opened_is, refreshed_is) in [
            (&first, Presented::Current, Presented::Used),
            (&second, Presented::Unknown, Presented::Used),
            (&third, Presented::Unknown, Presented::Current),
            (&token(4), Presented::Unknown, Presented::Unknown),
        ] {
            assert_eq!(opened.check(presented, NOW_S), opened_is);
            assert_eq!(refreshed.check(presented, NOW_S + 1_200), refreshed_is);
        }
        let stored = serde_json::to_string(&refreshed).unwrap();
        assert!(!stored.contains(&"03".repeat(32)), "hashes alone are kept");
        assert_eq!(serde_json::from_str::<Session>(&stored).unwrap(), refreshed);
    }

    #[test]
    fn a_session_ends_with_its_time_and_stays_small() {
        let mut session = Session::new("ada", &token(0), NOW_S);
        assert_eq!(session.check(&token(0), NOW_S + IDLE_S - 1), Presented::Current);
        assert_eq!(session.check(&token(0), NOW_S + IDLE_S), Presented::Expired);
        let mut now_s = NOW_S;
        for number in 1..=100 {
            now_s += IDLE_S / 20;
            session = session.refreshed(&token(number), now_s);
        }
        assert_eq!(session.ends_at_s(), NOW_S + LONGEST_S);
        assert_eq!(session.check(&token(100), now_s), Presented::Expired, "also after a refresh");
        assert_eq!(session.check(&token(80), now_s), Presented::Used);
        assert_eq!(session.check(&token(20), now_s), Presented::Unknown, "forgotten");
        assert!(serde_json::to_string(&session).unwrap().len() < 1_500);
    }

    #[test]
    fn only_refresh_tokens_are_read() {
        let (text, token) = RefreshToken::make(id(), &[7; 32]);
        assert_eq!(RefreshToken::parse(&text), Some(token));
        assert!(text.len() < MAX_REFRESH_BYTES);
        let secret = "07".repeat(32);
        for bad in [
            String::new(),
            text[1..].to_owned(),
            text[..text.len() - 1].to_owned(),
            format!("{text}0"),
            text.replace("a1", "A1"),
            format!("updraft-refresh_{secret}_{secret}"),
            "updraft_a1_secret".to_owned(),
        ] {
            assert_eq!(RefreshToken::parse(&bad), None, "{bad}");
        }
    }
}
