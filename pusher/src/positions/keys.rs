//! The keys of permitted position senders: a TOML file with one key per device. Only hashes of the keys stay in memory.

use std::path::Path;
use std::sync::Arc;

use access::{Caller, Credential, Hash, Pilot, Scope, Scopes};
use anyhow::{Context as _, ensure};
use runtime::Watched;
use schemas::DeviceAddress;
use schemas::v1::AircraftKind;
use serde::Deserialize;

/// Shorter keys could be guessed.
const MIN_KEY_CHARACTERS: usize = 16;
const MAX_NAME_BYTES: usize = 64;

/// The senders in the newest valid file.
#[derive(Debug)]
pub(crate) struct Keys(Vec<(Hash, Arc<Caller>)>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// Absent in an empty file.
    #[serde(default)]
    sender: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    key: Option<String>,
    /// In place of the key: its SHA-256 in hex.
    key_sha256: Option<String>,
    device: String,
    #[serde(default)]
    public: bool,
    name: Option<String>,
    kind: Option<String>,
}

/// Reads the file, and reloads it when it changes. A deleted file revokes its keys.
///
/// # Errors
/// The file cannot be read or is invalid.
pub(crate) fn open(file: &Path) -> anyhow::Result<Arc<Watched<Keys>>> {
    let keys = Watched::open(vec![file.to_owned()], parse).context("--position-keys")?;
    Ok(Arc::new(keys.revoked_by_deletion(|| Keys(Vec::new())).with_secrets(vec![file.to_owned()])))
}

/// Checks the file.
///
/// # Errors
/// As [`open`].
#[cfg(feature = "services")]
pub(crate) fn check(file: &Path) -> anyhow::Result<()> {
    open(file).map(drop)
}

fn parse(contents: &[Vec<u8>]) -> anyhow::Result<Keys> {
    let text = std::str::from_utf8(&contents[0]).context("the file is not UTF-8")?;
    // Only the message: the library's complete error shows the line, which may have a key.
    let file: File = toml::from_str(text).map_err(|error| anyhow::anyhow!("{}", error.message()))?;
    let mut keys: Vec<(Hash, Arc<Caller>)> = Vec::new();
    for (number, entry) in (1..).zip(file.sender) {
        let (key, sender) = sender(&entry).with_context(|| format!("sender {number}"))?;
        let is_unique = keys.iter().all(|(known, _)| *known != key);
        ensure!(is_unique, "sender {number}: another sender has the same key: give each its own");
        keys.push((key, Arc::new(sender)));
    }
    Ok(Keys(keys))
}

fn sender(entry: &Entry) -> anyhow::Result<(Hash, Caller)> {
    let key = match (&entry.key, &entry.key_sha256) {
        (Some(key), None) => {
            ensure!(key.len() >= MIN_KEY_CHARACTERS, "invalid key: expected {MIN_KEY_CHARACTERS} characters or more");
            let is_graphic = key.bytes().all(|byte| byte.is_ascii_graphic());
            ensure!(is_graphic, "invalid key: expected ASCII characters without spaces");
            access::hash(key)
        }
        (None, Some(hash)) => access::api_keys::read_hash(hash).map_err(anyhow::Error::msg)?,
        _ => anyhow::bail!("missing field `key` or `key_sha256`: expected one of them"),
    };
    let device: DeviceAddress = entry.device.parse()?;
    let fits = entry.name.as_ref().is_none_or(|name| name.len() <= MAX_NAME_BYTES);
    ensure!(fits, "name too long: expected at most {MAX_NAME_BYTES} bytes");
    let kind = entry.kind.as_deref().unwrap_or("paraglider");
    let aircraft_kind = AircraftKind::from_str_name(&format!("AIRCRAFT_KIND_{}", kind.to_ascii_uppercase()));
    let aircraft_kind = aircraft_kind
        .with_context(|| format!("unknown kind {kind:?}: expected a name of AircraftKind, for example paraglider"))?;
    let sender = Caller {
        subject: device.to_string(),
        name: None,
        roles: Vec::new(),
        credential: Credential::PositionKey,
        scopes: Scopes::PUBLIC.with(Scope::PositionWrite),
        company: None,
        devices: vec![device],
        pilot: Pilot { public: entry.public, name: entry.name.clone(), aircraft_kind },
        session: None,
        expires_at_s: None,
        accepted_until_s: None,
    };
    Ok((key, sender))
}

impl Keys {
    /// The sender with this key. Takes the same time for all keys.
    pub(crate) fn find(&self, presented: &str) -> Option<Arc<Caller>> {
        let presented = access::hash(presented);
        let mut found = None;
        for (key, sender) in &self.0 {
            if access::is_same(key, &presented) {
                found = Some(sender.clone());
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Keys, String> {
        parse(&[text.as_bytes().to_vec()]).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn a_key_identifies_its_device() {
        let keys = read(
            "[[sender]]\nkey = \"0123456789abcdef\"\ndevice = \"110B90\"\npublic = true\nname = \"Ada\"\n\
             [[sender]]\nkey = \"fedcba9876543210\"\ndevice = \"07AB12\"\nkind = \"glider\"\n",
        )
        .unwrap();
        let ada = keys.find("0123456789abcdef").unwrap();
        assert_eq!((&ada.devices[..], ada.scopes.has(Scope::PositionWrite)), (&[DeviceAddress(0x11_0B90)][..], true));
        let pilot =
            |public, name: Option<&str>, aircraft_kind| Pilot { public, name: name.map(str::to_owned), aircraft_kind };
        assert_eq!(ada.pilot, pilot(true, Some("Ada"), AircraftKind::Paraglider));
        let other = keys.find("fedcba9876543210").unwrap();
        assert_eq!(other.pilot, pilot(false, None, AircraftKind::Glider), "hidden by default");
        for unknown in ["", "0123456789abcde", "0123456789abcdef0", "0123456789abcdeX"] {
            assert_eq!(keys.find(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn the_hash_of_a_key_is_enough() {
        // printf %s 0123456789abcdef | sha256sum
        let hash = "9f9f5111f7b27a781f1f1ddde5ebc2dd2b796bfc7365c9c28b548e564176929f";
        let keys = read(&format!("[[sender]]\nkey_sha256 = \"{hash}\"\ndevice = \"110B90\"\n")).unwrap();
        assert_eq!(keys.find("0123456789abcdef").unwrap().devices, [DeviceAddress(0x11_0B90)]);
        assert_eq!(keys.find(hash), None);
    }

    #[test]
    fn an_empty_file_has_no_keys() {
        for text in ["", "# no senders\n", "sender = []\n"] {
            assert_eq!(read(text).unwrap().find("0123456789abcdef"), None, "{text:?}");
        }
    }

    #[test]
    fn errors_of_an_invalid_file_show_no_keys() {
        let entry = |key: &str, rest: &str| format!("[[sender]]\nkey = \"{key}\"\n{rest}\n");
        let secret = "0123456789abcdef";
        let cases = [
            (entry("short", "device = \"110B90\""), "16 characters"),
            (entry(secret, "device = \"11\""), "sender 1"),
            (entry(secret, "device = \"110B90\"\nkind = \"zeppelin\""), "zeppelin"),
            (entry(secret, "device = \"110B90\"\nkeys = 3"), "unknown field"),
            (entry(secret, "device = \"110B90\"").repeat(2), "sender 2: another sender has the same key"),
            (entry(secret, "device = 110"), "expected a string"),
            (entry(secret, "device = \"110B90\"\nkey_sha256 = \"00\""), "expected one of them"),
            ("[[sender]]\ndevice = \"110B90\"\n".to_owned(), "expected one of them"),
            ("[[sender]]\ndevice = \"110B90\"\nkey_sha256 = \"00\"\n".to_owned(), "64 hex digits"),
        ];
        for (text, expected) in cases {
            let error = read(&text).unwrap_err();
            assert!(error.contains(expected) && !error.contains(secret), "{error}");
        }
    }
}
