//! Who may publish as which receiver: a file of hashed passwords, in the form of Mosquitto's `password_file`, so that the
//! same file works for both.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};
use aws_lc_rs::pbkdf2::{PBKDF2_HMAC_SHA512, derive, verify};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use envelope::MAX_RECEIVER_ID_BYTES;
use rand::TryRng as _;
use runtime::Watched;

/// Of a hash.
const HASH_BYTES: usize = 64;
/// Rounds of a new hash: passwords that are made here have more random bits than anyone can try.
const ITERATIONS: u32 = 1_000;
/// Rounds that a hash of the file may have: each connection of a client computes them.
const MAX_ITERATIONS: u32 = 100_000;
const MAX_RECEIVERS: usize = 100_000;

/// The user of a client that only wants to know whether it is let in. It needs no password, and can publish nothing.
pub(super) const PROBE: &str = "$probe";
/// No level of a topic.
const NO_RECEIVER: &str = "/";

/// The passwords of receivers, as hashes.
#[derive(Debug, Default)]
pub(crate) struct Receivers(HashMap<String, Arc<Hash>>);

#[derive(Debug, PartialEq, Eq)]
struct Hash {
    iterations: NonZeroU32,
    salt: Vec<u8>,
    hash: Vec<u8>,
}

/// A client that has shown its password.
#[derive(Debug, Clone)]
pub(super) struct Receiver {
    id: String,
    /// `None`: of a probe.
    hash: Option<Arc<Hash>>,
}

impl Receiver {
    /// As its topics have it.
    pub(super) fn id(&self) -> &str {
        &self.id
    }
}

/// Why a client is no receiver.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoReceiver {
    #[error("it has no user and password: receivers need them here (--receivers)")]
    Missing,
    #[error("there is no receiver {0:?} in the file of --receivers")]
    Unknown(String),
    #[error("the password of the receiver {0:?} is wrong")]
    WrongPassword(String),
    #[error("the receiver {0:?} was removed from the file of --receivers, or has another password")]
    Removed(String),
}

impl Receivers {
    /// Reads a file.
    ///
    /// # Errors
    /// A line is not as it should be; the error names it.
    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
        let mut receivers = HashMap::new();
        for (number, line) in lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
            let (id, hash) = parse_line(line).with_context(|| format!("line {number}"))?;
            ensure!(receivers.insert(id.to_owned(), Arc::new(hash)).is_none(), "line {number}: {id} is there twice");
            ensure!(receivers.len() <= MAX_RECEIVERS, "expected at most {MAX_RECEIVERS} receivers");
        }
        Ok(Self(receivers))
    }

    /// The receiver that a client is. Takes its time.
    ///
    /// # Errors
    /// As [`NoReceiver`].
    pub(super) fn log_in(&self, user: Option<&str>, password: &[u8]) -> Result<Receiver, NoReceiver> {
        let id = user.filter(|user| !user.is_empty()).ok_or(NoReceiver::Missing)?;
        if id == PROBE {
            return Ok(Receiver { id: NO_RECEIVER.to_owned(), hash: None });
        }
        let shown = || id.chars().take(MAX_RECEIVER_ID_BYTES).collect();
        let hash = self.0.get(id).ok_or_else(|| NoReceiver::Unknown(shown()))?;
        let verified = verify(PBKDF2_HMAC_SHA512, hash.iterations, &hash.salt, password, &hash.hash);
        verified.map_err(|_| NoReceiver::WrongPassword(shown()))?;
        Ok(Receiver { id: id.to_owned(), hash: Some(hash.clone()) })
    }

    /// Whether a receiver is still in the file, with the same password.
    pub(super) fn has(&self, receiver: &Receiver) -> bool {
        receiver.hash.as_ref().is_none_or(|hash| self.0.get(&receiver.id) == Some(hash))
    }
}

/// `<receiver>:$7$<rounds>$<salt>$<hash>`.
fn parse_line(line: &str) -> anyhow::Result<(&str, Hash)> {
    let expected =
        "expected <receiver>:$7$<rounds>$<salt>$<hash>: a line of `updraft receivers new`, or of mosquitto_passwd";
    let (id, hash) = line.split_once(':').context(expected)?;
    check_id(id)?;
    let parts: Vec<&str> = hash.split('$').collect();
    let ["", "7", rounds, salt, hash] = parts[..] else { bail!("{expected}") };
    let iterations: NonZeroU32 = rounds.parse().context(expected)?;
    ensure!(iterations.get() <= MAX_ITERATIONS, "{iterations} rounds: expected at most {MAX_ITERATIONS}");
    let (salt, hash) = (STANDARD.decode(salt).context(expected)?, STANDARD.decode(hash).context(expected)?);
    ensure!(hash.len() == HASH_BYTES && !salt.is_empty(), "{expected}");
    Ok((id, Hash { iterations, salt, hash }))
}

fn check_id(id: &str) -> anyhow::Result<()> {
    let is_level = !id.is_empty() && id.len() <= MAX_RECEIVER_ID_BYTES;
    let is_level = is_level && !id.contains(|letter: char| letter.is_control() || "/+#:$".contains(letter));
    ensure!(is_level, "invalid receiver {id:?}: expected the id in its topics, for example 8896672");
    Ok(())
}

/// A new password of a receiver, and its line for the file.
///
/// # Errors
/// The id is none, or there is no randomness.
pub(crate) fn new_entry(id: &str) -> anyhow::Result<(String, String)> {
    check_id(id)?;
    let (mut secret, mut salt, mut hash) = ([0; 24], [0; 12], [0; HASH_BYTES]);
    rand::rngs::SysRng.try_fill_bytes(&mut secret).context("no randomness")?;
    rand::rngs::SysRng.try_fill_bytes(&mut salt).context("no randomness")?;
    let password = URL_SAFE_NO_PAD.encode(secret);
    let iterations = NonZeroU32::new(ITERATIONS).context("rounds")?;
    derive(PBKDF2_HMAC_SHA512, iterations, &salt, password.as_bytes(), &mut hash);
    Ok((password, format!("{id}:$7${iterations}${}${}", STANDARD.encode(salt), STANDARD.encode(hash))))
}

/// Opens a file of receivers. A deleted one lets none in.
///
/// # Errors
/// It cannot be read, or a line is not as it should be.
pub(crate) fn open(file: &Path) -> anyhow::Result<Arc<Watched<Receivers>>> {
    let parse = |contents: &[Vec<u8>]| {
        let text = std::str::from_utf8(&contents[0]).context("the file is not UTF-8")?;
        Receivers::parse(text)
    };
    let watched = Watched::open(vec![file.to_owned()], parse);
    let watched = watched.with_context(|| format!("--receivers: {}", file.display()))?;
    Ok(Arc::new(watched.revoked_by_deletion(Receivers::default).with_secrets(vec![file.to_owned()])))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of `mosquitto_passwd` 2.0.11, with the password `open sesame`.
    const OF_MOSQUITTO: &str = include_str!("receivers/mosquitto_passwd.txt");

    #[test]
    fn a_new_password_is_good_for_its_receiver_alone() {
        let ((password, entry), (_, other)) = (new_entry("8896672").expect("made"), new_entry("17").expect("made"));
        let receivers = Receivers::parse(&format!("# mine\n{entry}\n\n{other}\n")).expect("read");
        let receiver = receivers.log_in(Some("8896672"), password.as_bytes()).expect("good");
        assert!(receiver.id() == "8896672" && receivers.has(&receiver));
        let refused = |user, password: &str| receivers.log_in(user, password.as_bytes()).expect_err("refused");
        assert_eq!(refused(Some("17"), &password), NoReceiver::WrongPassword("17".to_owned()));
        assert_eq!(refused(Some("8896672"), ""), NoReceiver::WrongPassword("8896672".to_owned()));
        assert_eq!(refused(Some("18"), &password), NoReceiver::Unknown("18".to_owned()));
        assert_eq!((refused(None, &password), refused(Some(""), "")), (NoReceiver::Missing, NoReceiver::Missing));
        let (_, renewed) = new_entry("8896672").expect("made");
        assert!(!Receivers::parse(&renewed).expect("read").has(&receiver), "another password");
        assert!(!Receivers::default().has(&receiver), "removed");
    }

    #[test]
    fn a_file_of_mosquitto_is_read() {
        let receivers = Receivers::parse(OF_MOSQUITTO).expect("read");
        assert!(receivers.log_in(Some("8896672"), b"open sesame").is_ok());
        assert!(receivers.log_in(Some("8896672"), b"open barley").is_err());
    }

    #[test]
    fn a_bad_line_is_named() {
        let (_, entry) = new_entry("17").expect("made");
        for (text, line) in [
            ("17", "line 1"),
            ("\n17:secret", "line 2"),
            ("17:$6$c2FsdA==$aGFzaA==", "line 1"),
            ("17:$7$0$c2FsdA==$aGFzaA==", "line 1"),
            ("17:$7$101$c2FsdA==$aGFzaA==", "line 1"),
            (&entry.replace("17:", "a/b:"), "line 1"),
            (&entry.replace("17:", "+:"), "line 1"),
            (&entry.replace("$1000$", "$100001$"), "line 1"),
            (&format!("{entry}\n{entry}"), "line 2"),
        ] {
            let error = format!("{:#}", Receivers::parse(text).expect_err(text));
            assert!(error.starts_with(line), "{text}: {error}");
        }
        assert!(new_entry("").is_err() && new_entry("a/b").is_err());
    }
}
