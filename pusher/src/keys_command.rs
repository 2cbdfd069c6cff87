//! `pusher keys new`: makes an API key.

use std::time::Duration;

use access::api_keys::NewKey;
use anyhow::Context as _;
use clap::{Args, ValueEnum};
use rand::TryRng as _;
use runtime::Context;
use runtime::settings::parse_duration;
use schemas::DeviceAddress;

/// How long a one-time secret is good.
const ONCE_WITHIN: Duration = Duration::from_secs(3_600);

/// What to do with API keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum KeysAction {
    /// Make one.
    New,
}

/// What a new key is for.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct NewKeyOptions {
    /// A scope (docs/access.md), or a role with all of its scopes; more with commas between them, or repeated.
    #[arg(long, value_name = "SCOPE", value_delimiter = ',', required = true)]
    pub scope: Vec<String>,
    /// Name of the machine or program, to find its key in the file.
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Company, club or school that it belongs to: a fleet manager changes the fleets of it.
    #[arg(long, value_name = "ID")]
    pub company: Option<String>,
    /// Address of a device whose positions it may send; more with commas between them, or repeated.
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',', value_parser = parse_device)]
    pub device: Vec<DeviceAddress>,
    /// The pilots of these devices consent to be shown to all. Without it their positions are hidden.
    #[arg(long)]
    pub public: bool,
    /// Kind of these aircraft, for example glider [default: paraglider].
    #[arg(long, value_name = "KIND")]
    pub kind: Option<String>,
    /// Make a one-time secret instead: it opens one session (POST /api/v1/session) and nothing else, within the time of
    /// --expires [default: 1h]. For the first operator, and for people without an identity provider.
    #[arg(long)]
    pub once: bool,
    /// Time until it expires, for example 90d or 12h; without it, it does not.
    #[arg(long, value_name = "DURATION", value_parser = parse_days)]
    pub expires: Option<Duration>,
}

/// Makes a key, and prints it with its lines for the file.
///
/// # Errors
/// A setting of the key is not one that it may have, or there is no randomness.
#[allow(clippy::print_stdout, reason = "the key is the answer")]
pub(crate) fn run(options: &NewKeyOptions, context: &Context) -> anyhow::Result<()> {
    let now_s = context.clock.now_us() / 1_000_000;
    let (mut id, mut secret) = ([0; 8], [0; 32]);
    rand::rngs::SysRng.try_fill_bytes(&mut id).context("no randomness")?;
    rand::rngs::SysRng.try_fill_bytes(&mut secret).context("no randomness")?;
    let (key, entry) = options.key(now_s).make(id, secret)?;
    let what = match options.once {
        true => "The one-time secret. It opens one session, with POST /api/v1/session: give it to its person.",
        false => "The key. It is shown once, and is not in the file: give it to its program.",
    };
    println!("# {what}\n{key}\n");
    print!("# Its lines for the file of --api-keys.\n{entry}");
    Ok(())
}

impl NewKeyOptions {
    fn key(&self, now_s: u64) -> NewKey {
        let expires = self.expires.or(self.once.then_some(ONCE_WITHIN));
        NewKey {
            scopes: self.scope.clone(),
            name: self.name.clone(),
            company: self.company.clone(),
            devices: self.device.clone(),
            public: self.public,
            kind: self.kind.clone(),
            expires_at_s: expires.map(|expires| now_s.saturating_add(expires.as_secs())),
            once: self.once,
        }
    }
}

fn parse_device(text: &str) -> Result<DeviceAddress, String> {
    text.parse().map_err(|error: schemas::id::ParseIdError| error.to_string())
}

/// As other durations, and in days.
fn parse_days(text: &str) -> Result<Duration, String> {
    let days = text.strip_suffix('d').and_then(|days| days.parse::<u64>().ok());
    let duration = match days {
        Some(days) => days.checked_mul(86_400).map(Duration::from_secs),
        None => parse_duration(text).ok(),
    };
    // Until the year 9999 a file can say when.
    let most = Duration::from_secs(100 * 366 * 86_400);
    let duration = duration.filter(|duration| (Duration::from_secs(1)..=most).contains(duration));
    duration.ok_or_else(|| "expected 1 s to 100 years, for example 90d or 12h".to_owned())
}

#[cfg(test)]
mod tests {
    use access::ApiKeys;

    use super::*;

    #[test]
    fn durations_are_in_days_too() {
        assert_eq!(parse_days("90d"), Ok(Duration::from_secs(90 * 86_400)));
        assert_eq!(parse_days("12h"), Ok(Duration::from_secs(12 * 3_600)));
        for bad in ["", "0d", "90", "-1d", "99999999999999999999d", "40000d"] {
            assert!(parse_days(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_new_key_has_what_was_asked_for() {
        let options = NewKeyOptions {
            scope: vec!["position:write".to_owned()],
            name: Some("gateway".to_owned()),
            company: Some("club".to_owned()),
            device: vec![DeviceAddress(0x11_0B90)],
            public: true,
            kind: None,
            once: false,
            expires: Some(Duration::from_secs(86_400)),
        };
        let (key, entry) = options.key(1_800_000_000).make([1; 8], [2; 32]).unwrap();
        let caller = ApiKeys::parse(&entry).unwrap().find(&key, 1_800_000_000).unwrap();
        assert_eq!(caller.company.as_deref(), Some("club"));
        assert_eq!((caller.expires_at_s, &caller.devices), (Some(1_800_086_400), &options.device));
        let once = NewKeyOptions { once: true, expires: None, ..options.clone() };
        let (secret, entry) = once.key(1_800_000_000).make([1; 8], [2; 32]).unwrap();
        let login = ApiKeys::parse(&entry).unwrap().log_in(&secret, 1_800_000_000).unwrap();
        assert_eq!(login.once_until_s, Some(1_800_003_600));
        let unknown = NewKeyOptions { scope: vec!["admin".to_owned()], ..options };
        assert!(unknown.key(0).make([1; 8], [2; 32]).unwrap_err().to_string().contains("there is no scope"));
    }
}
