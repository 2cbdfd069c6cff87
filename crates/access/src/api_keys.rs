//! Keys of machines: `updraft_<id>_<secret>`, of which a TOML file holds the hash.
//!
//! ```toml
//! [[key]]
//! id = "5d1c2a9e0b7f4c36"
//! sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"   # of the complete key
//! name = "gateway of the club"        # may be left out
//! scopes = ["position:write"]         # scopes or roles
//! devices = ["110B90"]                # whose positions it may send
//! public = true                       # the pilots' consent to be shown; false unless it is said
//! kind = "glider"                     # paraglider unless it is said
//! expires = 2027-03-01T00:00:00Z      # may be left out
//! once = true                         # a one-time secret: it opens one session, and nothing else
//! ```

use std::collections::HashMap;
use std::sync::Arc;

use schemas::DeviceAddress;
use serde::Deserialize;
use toml::value::Datetime;

use crate::caller::{Caller, Credential, Pilot};
use crate::refusal::Refusal;
use crate::scope::{Role, Scopes};
use crate::token::{aircraft_kind, is_name};
use crate::{Hash, civil, hash, is_same};

/// What every key begins with, so that scanners for secrets find it.
pub const PREFIX: &str = "updraft_";
const MAX_ID_BYTES: usize = 64;
const MAX_NAME_BYTES: usize = 64;

/// The keys of a file.
#[derive(Debug, Default)]
pub struct ApiKeys(HashMap<String, ApiKey>);

#[derive(Debug)]
struct ApiKey {
    hash: Hash,
    caller: Arc<Caller>,
    /// Of a one-time secret: until when it opens its session, seconds since the epoch.
    once_until_s: Option<u64>,
}

/// Who may open a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// Whose key it is.
    pub caller: Arc<Caller>,
    /// Of a one-time secret, which opens one session alone: until when, seconds since the epoch.
    pub once_until_s: Option<u64>,
}

/// Why a file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ApiKeysError {
    /// It is not the TOML of such a file.
    #[error("{0}")]
    Toml(String),
    /// One of its keys.
    #[error("key {number}: {problem}")]
    Key {
        /// From 1.
        number: usize,
        /// What is wrong with it, and what is expected.
        problem: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// An empty file has none.
    #[serde(default)]
    key: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    sha256: String,
    name: Option<String>,
    scopes: Vec<String>,
    company: Option<String>,
    #[serde(default)]
    devices: Vec<String>,
    #[serde(default)]
    public: bool,
    kind: Option<String>,
    expires: Option<Datetime>,
    #[serde(default)]
    once: bool,
}

impl ApiKeys {
    /// Reads the file.
    ///
    /// # Errors
    /// [`ApiKeysError`] says what is wrong. A file with one bad key is not used at all.
    pub fn parse(text: &str) -> Result<Self, ApiKeysError> {
        let file: File = toml::from_str(text).map_err(|error| ApiKeysError::Toml(error.message().to_owned()))?;
        let mut keys = HashMap::new();
        for (number, entry) in (1..).zip(file.key) {
            let problem = |problem: String| ApiKeysError::Key { number, problem };
            let (id, key) = entry.key().map_err(problem)?;
            if keys.insert(id.clone(), key).is_some() {
                return Err(problem(format!("the id {id:?} stands twice")));
            }
        }
        Ok(Self(keys))
    }

    /// Whose key it is.
    ///
    /// # Errors
    /// The key is unknown, its time is over, or it is a one-time secret, which is for [`log_in`](Self::log_in) alone.
    pub fn find(&self, presented: &str, now_s: u64) -> Result<Arc<Caller>, Refusal> {
        let key = self.key(presented, now_s)?;
        if key.once_until_s.is_some() { Err(Refusal::OneTime) } else { Ok(key.caller.clone()) }
    }

    /// Whose session a key or one-time secret opens. Whether a one-time secret was used before is not known here.
    ///
    /// # Errors
    /// It is unknown, or its time is over.
    pub fn log_in(&self, presented: &str, now_s: u64) -> Result<Login, Refusal> {
        let key = self.key(presented, now_s)?;
        Ok(Login { caller: key.caller.clone(), once_until_s: key.once_until_s })
    }

    /// Whose session it is that a key of this id has opened: as the file says it now. `None`: the key was taken out, or its
    /// time is over. The time of a one-time secret is that for opening the session.
    pub fn of_session(&self, id: &str, now_s: u64) -> Option<Arc<Caller>> {
        let key = self.0.get(id).filter(|key| key.caller.is_accepted(now_s))?;
        Some(key.caller.clone())
    }

    fn key(&self, presented: &str, now_s: u64) -> Result<&ApiKey, Refusal> {
        let (id, _) = presented.strip_prefix(PREFIX).and_then(|rest| rest.split_once('_')).ok_or(Refusal::Malformed)?;
        let presented = hash(presented);
        let key = self.0.get(id).filter(|key| is_same(&key.hash, &presented)).ok_or(Refusal::UnknownApiKey)?;
        let is_accepted = key.caller.is_accepted(now_s) && key.once_until_s.is_none_or(|until_s| now_s < until_s);
        if is_accepted { Ok(key) } else { Err(Refusal::Expired) }
    }

    /// Whose keys there are, expired ones too, by id.
    pub fn callers(&self) -> Vec<Arc<Caller>> {
        let mut callers: Vec<_> = self.0.values().map(|key| key.caller.clone()).collect();
        callers.sort_unstable_by(|a, b| a.subject.cmp(&b.subject));
        callers
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Entry {
    fn key(self) -> Result<(String, ApiKey), String> {
        let is_id = |id: &str| {
            !id.is_empty() && id.len() <= MAX_ID_BYTES && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
        };
        if !is_id(&self.id) {
            // Not shown: where it is wrong, it may be the key.
            return Err(format!("invalid id: expected 1 to {MAX_ID_BYTES} letters and digits"));
        }
        let hash = read_hash(&self.sha256)?;
        if self.name.as_ref().is_some_and(|name| !is_name(name) || name.len() > MAX_NAME_BYTES) {
            return Err(format!("invalid name: expected 1 to {MAX_NAME_BYTES} bytes without control characters"));
        }
        if self.company.as_ref().is_some_and(|company| !is_name(company) || company.len() > MAX_NAME_BYTES) {
            return Err(format!("invalid company: expected 1 to {MAX_NAME_BYTES} bytes without control characters"));
        }
        let mut scopes = Scopes::PUBLIC;
        for name in &self.scopes {
            // Unlike a token, the file is for this program alone: an unknown name is a mistake.
            scopes = scopes.and(Scopes::named(name).ok_or_else(|| unknown_scope(name))?);
        }
        let devices = self.devices.iter().map(|device| device.parse::<DeviceAddress>());
        let devices = devices.collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())?;
        let aircraft_kind = aircraft_kind(self.kind.as_deref())
            .ok_or_else(|| format!("there is no kind {:?}", self.kind.unwrap_or_default()))?;
        let expires_at_s = match &self.expires {
            None => None,
            Some(time) => Some(civil::seconds(time).ok_or_else(|| {
                format!("invalid expires {time}: expected a date, or a time with its offset, for example 2027-03-01T00:00:00Z")
            })?),
        };
        let once_until_s = expires_at_s.filter(|_| self.once);
        // The time of a one-time secret is not that of its session.
        let expires_at_s = expires_at_s.filter(|_| !self.once);
        if self.once && once_until_s.is_none() {
            return Err(
                "a one-time secret without expires: expected the time until which it opens its session".to_owned()
            );
        }
        let caller = Caller {
            subject: self.id.clone(),
            name: self.name.clone(),
            roles: Role::among(self.scopes.iter().map(String::as_str)),
            credential: Credential::ApiKey,
            scopes,
            company: self.company,
            devices,
            // The name of a machine is no pilot's.
            pilot: Pilot { public: self.public, name: None, aircraft_kind },
            session: None,
            expires_at_s,
            accepted_until_s: expires_at_s,
        };
        Ok((self.id, ApiKey { hash, caller: Arc::new(caller), once_until_s }))
    }
}

/// Reads a SHA-256 in hex.
///
/// # Errors
/// The expected form.
pub fn read_hash(text: &str) -> Result<Hash, String> {
    let digits = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let byte = |at: usize| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap_or_default();
    match digits {
        true => Ok(std::array::from_fn(byte)),
        false => Err("invalid sha256: expected 64 hex digits, as sha256sum prints them".to_owned()),
    }
}

fn unknown_scope(name: &str) -> String {
    let scopes = crate::Scope::ALL.map(crate::Scope::as_str).join(", ");
    let roles = crate::Role::ALL.map(crate::Role::as_str).join(", ");
    format!("there is no scope {name:?}: expected one of {scopes}, or a role: {roles}")
}

/// A new key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewKey {
    /// Scopes or roles.
    pub scopes: Vec<String>,
    /// What it is for.
    pub name: Option<String>,
    /// The company, club or school that it belongs to.
    pub company: Option<String>,
    /// Whose positions it may send.
    pub devices: Vec<DeviceAddress>,
    /// The pilots' consent to be shown.
    pub public: bool,
    /// What flies.
    pub kind: Option<String>,
    /// When it expires, seconds since the epoch.
    pub expires_at_s: Option<u64>,
    /// Whether it is a one-time secret, which opens one session and nothing else.
    pub once: bool,
}

impl NewKey {
    /// The key, and its entry for the file. The randomness is the caller's: bytes of a generator that nobody can guess.
    ///
    /// # Errors
    /// A setting of the key is not one that the file may have.
    pub fn make(&self, id: [u8; 8], secret: [u8; 32]) -> Result<(String, String), ApiKeysError> {
        let id = hex(&id);
        let key = format!("{PREFIX}{id}_{}", hex(&secret));
        let mut lines = vec![format!("id = \"{id}\""), format!("sha256 = \"{}\"", hex(&hash(&key)))];
        lines.extend(self.name.as_ref().map(|name| format!("name = {}", quoted(name))));
        lines.push(format!("scopes = [{}]", list(self.scopes.iter().map(|scope| quoted(scope)))));
        lines.extend(self.company.as_ref().map(|company| format!("company = {}", quoted(company))));
        if !self.devices.is_empty() {
            lines.push(format!("devices = [{}]", list(self.devices.iter().map(|device| format!("\"{device}\"")))));
        }
        if self.public {
            lines.push("public = true".to_owned());
        }
        lines.extend(self.kind.as_ref().map(|kind| format!("kind = {}", quoted(kind))));
        lines.extend(self.expires_at_s.map(|at_s| format!("expires = {}", civil::text(at_s))));
        if self.once {
            lines.push("once = true".to_owned());
        }
        let entry = format!("[[key]]\n{}\n", lines.join("\n"));
        ApiKeys::parse(&entry)?;
        Ok((key, entry))
    }
}

fn list(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(", ")
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scope::Scope;

    const NOW_S: u64 = 1_800_000_000;

    fn entry(rest: &str) -> String {
        format!("[[key]]\nid = \"a1\"\nsha256 = \"{}\"\n{rest}\n", hex(&hash("updraft_a1_secret")))
    }

    #[test]
    fn a_new_key_opens_what_its_entry_says() {
        let new = NewKey {
            scopes: vec!["position:write".to_owned()],
            name: Some("the club's \"gateway\"".to_owned()),
            company: Some("club".to_owned()),
            devices: vec![DeviceAddress(0x11_0B90), DeviceAddress(0x07_AB12)],
            public: true,
            kind: Some("glider".to_owned()),
            expires_at_s: Some(NOW_S + 86_400),
            once: false,
        };
        let (key, entry) = new.make([7; 8], [9; 32]).unwrap();
        assert_eq!(key, format!("updraft_{}_{}", "07".repeat(8), "09".repeat(32)));
        assert!(!entry.contains(&"09".repeat(32)), "the file has the hash alone");
        let keys = ApiKeys::parse(&entry).unwrap();
        let caller = keys.find(&key, NOW_S).unwrap();
        assert_eq!(keys.callers(), std::slice::from_ref(&caller));
        assert!(caller.scopes.has(Scope::PositionWrite) && !caller.scopes.has(Scope::ValidationRead));
        assert_eq!((caller.devices.len(), caller.pilot.public), (2, true));
        assert_eq!(caller.company.as_deref(), Some("club"));
        assert_eq!(caller.pilot.aircraft_kind, schemas::v1::AircraftKind::Glider);
        assert_eq!(keys.find(&key, NOW_S + 86_400), Err(Refusal::Expired));
        for other in [format!("{key}0"), key.replace("09", "08"), key.replace("07", "06")] {
            assert_eq!(keys.find(&other, NOW_S), Err(Refusal::UnknownApiKey), "{other}");
        }
        for malformed in ["", "updraft_", "updraft_a1", "updraft"] {
            assert_eq!(keys.find(malformed, NOW_S), Err(Refusal::Malformed), "{malformed}");
        }
    }

    #[test]
    fn a_one_time_secret_opens_a_session_and_nothing_else() {
        let new = NewKey { scopes: vec!["operator".to_owned()], once: true, ..NewKey::default() };
        assert!(new.make([7; 8], [9; 32]).is_err(), "it has an end");
        let new = NewKey { expires_at_s: Some(NOW_S + 60), ..new };
        let (secret, entry) = new.make([7; 8], [9; 32]).unwrap();
        let keys = ApiKeys::parse(&entry).unwrap();
        assert_eq!(keys.find(&secret, NOW_S), Err(Refusal::OneTime));
        let login = keys.log_in(&secret, NOW_S).unwrap();
        assert!(login.once_until_s == Some(NOW_S + 60) && login.caller.scopes == Scopes::ALL);
        assert_eq!(keys.log_in(&secret, NOW_S + 60), Err(Refusal::Expired));
        assert_eq!(keys.log_in(&secret.replace("09", "08"), NOW_S), Err(Refusal::UnknownApiKey));
        let id = "07".repeat(8);
        assert!(keys.of_session(&id, NOW_S + 9_999).is_some(), "the session outlives the secret");
        assert!(ApiKeys::default().of_session(&id, NOW_S).is_none(), "and not its entry");
        let (_, entry) = NewKey { once: false, ..new }.make([7; 8], [9; 32]).unwrap();
        assert!(ApiKeys::parse(&entry).unwrap().of_session(&id, NOW_S + 60).is_none(), "nor a key's end");
    }

    #[test]
    fn the_hash_is_that_of_sha256sum() {
        // printf %s updraft_a1_secret | sha256sum
        let expected = "85f00bdda526f462347037f2e564e1990f5512ee70ecf98a135e1a38dc6bfbb4";
        assert_eq!(hex(&hash("updraft_a1_secret")), expected);
        let keys = ApiKeys::parse(&entry("scopes = [\"operator\"]")).unwrap();
        assert_eq!(keys.find("updraft_a1_secret", NOW_S).unwrap().scopes, Scopes::ALL);
    }

    #[test]
    fn a_bad_file_is_refused_with_what_is_expected() {
        let cases = [
            ("[[key]]\nid = \"a1\"".to_owned(), "missing field"),
            (entry("scopes = [\"admin\"]"), "there is no scope \"admin\": expected one of picture:read"),
            (entry("scopes = []\ndevices = [\"11\"]"), "key 1: "),
            (entry("scopes = []\nkind = \"zeppelin\""), "zeppelin"),
            (entry("scopes = []\nexpires = 2027-03-01T00:00:00"), "a time with its offset"),
            (entry("scopes = []\nsecret = 1"), "unknown field"),
            (entry("scopes = []\nonce = true"), "until which it opens"),
            (entry("scopes = []").repeat(2), "key 2: the id \"a1\" stands twice"),
            (entry("scopes = []").replace("a1\"", "a_1\""), "letters and digits"),
            ("[[key]]\nid = \"a1\"\nsha256 = \"12\"\nscopes = []\n".to_owned(), "64 hex digits"),
        ];
        for (text, expected) in cases {
            let error = ApiKeys::parse(&text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        assert!(ApiKeys::parse("# none\n").unwrap().is_empty());
    }
}
