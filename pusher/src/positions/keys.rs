//! The keys of permitted position senders: a TOML file with one key per device.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use runtime::Redacted;
use schemas::DeviceAddress;
use schemas::v1::AircraftKind;
use serde::Deserialize;

use crate::watched::Watched;

/// Shorter keys could be guessed.
const MIN_KEY_CHARACTERS: usize = 16;
const MAX_NAME_BYTES: usize = 64;

/// The senders in the newest valid file.
#[derive(Debug)]
pub(crate) struct Keys(Vec<(Redacted, Arc<Sender>)>);

/// The device of a key.
#[derive(Debug, PartialEq)]
pub(crate) struct Sender {
    pub(crate) device: u32,
    /// The pilot's consent to be shown to everyone.
    pub(crate) public: bool,
    pub(crate) name: Option<String>,
    pub(crate) aircraft_kind: AircraftKind,
}

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
    key: String,
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
    let mut keys: Vec<(Redacted, Arc<Sender>)> = Vec::new();
    for (number, entry) in (1..).zip(file.sender) {
        let sender = sender(&entry).with_context(|| format!("sender {number}"))?;
        let is_unique = keys.iter().all(|(key, _)| key.reveal() != entry.key);
        ensure!(is_unique, "sender {number}: another sender has the same key: give each its own");
        keys.push((entry.key.into(), Arc::new(sender)));
    }
    Ok(Keys(keys))
}

fn sender(entry: &Entry) -> anyhow::Result<Sender> {
    ensure!(entry.key.len() >= MIN_KEY_CHARACTERS, "invalid key: expected {MIN_KEY_CHARACTERS} characters or more");
    let is_graphic = entry.key.bytes().all(|byte| byte.is_ascii_graphic());
    ensure!(is_graphic, "invalid key: expected ASCII characters without spaces");
    let DeviceAddress(device) = entry.device.parse()?;
    let fits = entry.name.as_ref().is_none_or(|name| name.len() <= MAX_NAME_BYTES);
    ensure!(fits, "name too long: expected at most {MAX_NAME_BYTES} bytes");
    let kind = entry.kind.as_deref().unwrap_or("paraglider");
    let aircraft_kind = AircraftKind::from_str_name(&format!("AIRCRAFT_KIND_{}", kind.to_ascii_uppercase()));
    let aircraft_kind = aircraft_kind
        .with_context(|| format!("unknown kind {kind:?}: expected a name of AircraftKind, for example paraglider"))?;
    Ok(Sender { device, public: entry.public, name: entry.name.clone(), aircraft_kind })
}

impl Keys {
    /// The sender with this key. Takes the same time for all keys of the same length.
    pub(crate) fn find(&self, presented: &str) -> Option<Arc<Sender>> {
        let mut found = None;
        for (key, sender) in &self.0 {
            if equal(key.reveal().as_bytes(), presented.as_bytes()) {
                found = Some(sender.clone());
            }
        }
        found
    }
}

fn equal(one: &[u8], other: &[u8]) -> bool {
    let differences = one.iter().zip(other).fold(0, |differences, (one, other)| differences | (one ^ other));
    one.len() == other.len() && std::hint::black_box(differences) == 0
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
        let expected = (0x11_0B90, true, Some("Ada"), AircraftKind::Paraglider);
        assert_eq!((ada.device, ada.public, ada.name.as_deref(), ada.aircraft_kind), expected);
        let other = keys.find("fedcba9876543210").unwrap();
        assert_eq!((other.public, other.aircraft_kind), (false, AircraftKind::Glider), "hidden by default");
        for unknown in ["", "0123456789abcde", "0123456789abcdef0", "0123456789abcdeX"] {
            assert_eq!(keys.find(unknown), None, "{unknown}");
        }
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
        ];
        for (text, expected) in cases {
            let error = read(&text).unwrap_err();
            assert!(error.contains(expected) && !error.contains(secret), "{error}");
        }
    }
}
