//! Settings of notifications.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use runtime::settings::parse_duration;

use crate::networks::Network;

/// Webhooks and Web Push.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Notifications")]
pub struct NotifyOptions {
    /// File with the keys of which the secrets of webhooks are made: 64 hex digits in each line, the first one for new
    /// webhooks, all of them sign. All instances have the same file. Read again when it changes. Without it there are no
    /// notifications.
    #[arg(long, env = "UPDRAFT_PUSHER_NOTIFY_KEYS", value_name = "FILE", global = true)]
    pub notify_keys: Option<PathBuf>,
    /// How long after its event a message is tried while its target does not accept it, 1m to 72h. A longer time reaches
    /// targets that were down for longer.
    #[arg(long, env = "UPDRAFT_PUSHER_NOTIFY_FOR", value_name = "DURATION", default_value = "24h", value_parser = parse_retry_for, global = true)]
    pub notify_for: Duration,
    /// Time for one request to a target, 1s to 60s: from the look-up of its name to the answer.
    #[arg(long, env = "UPDRAFT_PUSHER_NOTIFY_TIMEOUT", value_name = "DURATION", default_value = "10s", value_parser = parse_timeout, global = true)]
    pub notify_timeout: Duration,
    /// Accept URLs without TLS too: anyone on the way can read what is sent.
    #[arg(long, env = "UPDRAFT_PUSHER_NOTIFY_ALLOW_HTTP", global = true)]
    pub notify_allow_http: bool,
    /// Networks that targets may be in though the Internet does not reach them, separated by commas: targets of your
    /// own. Any user can then have requests sent there.
    #[arg(
        long,
        env = "UPDRAFT_PUSHER_NOTIFY_NETWORKS",
        value_name = "CIDR",
        value_delimiter = ',',
        value_parser = Network::parse,
        global = true
    )]
    pub notify_networks: Vec<Network>,
    /// Mail address (mailto:ops@example.org) or https URL of the operator: the push services of browsers write there when
    /// something is wrong with the server's messages. Without it browsers get no notifications.
    #[arg(long, env = "UPDRAFT_PUSHER_NOTIFY_CONTACT", value_name = "URL", value_parser = parse_contact, global = true)]
    pub notify_contact: Option<String>,
    /// Maximum number of webhooks and browsers of one user.
    #[arg(long, env = "UPDRAFT_PUSHER_NOTIFY_MAX_PER_USER", value_name = "COUNT", default_value_t = 20, global = true)]
    pub notify_max_per_user: usize,
}

impl Default for NotifyOptions {
    fn default() -> Self {
        runtime::settings::defaults()
    }
}

impl NotifyOptions {
    /// The contact for push services. `None`: browsers get no notifications.
    pub(crate) fn contact(&self) -> Option<&str> {
        self.notify_contact.as_deref().filter(|contact| !contact.is_empty())
    }

    /// The file of keys. `None`: there are no notifications.
    pub(crate) fn keys(&self) -> Option<&Path> {
        // Compose and similar tools set an unset variable to an empty text.
        self.notify_keys.as_deref().filter(|file| !file.as_os_str().is_empty())
    }
}

fn parse_retry_for(text: &str) -> Result<Duration, String> {
    let duration = parse_duration(text)?;
    let allowed = Duration::from_secs(60)..=Duration::from_secs(72 * 3_600);
    allowed.contains(&duration).then_some(duration).ok_or_else(|| "expected 1m to 72h, for example 24h".to_owned())
}

/// Empty: none, as Compose sets it.
fn parse_contact(text: &str) -> Result<String, String> {
    let is_mail = text.strip_prefix("mailto:").is_some_and(|address| address.contains('@'));
    let is_contact = text.is_empty() || is_mail || text.starts_with("https://");
    is_contact.then(|| text.to_owned()).ok_or_else(|| "expected mailto:ops@example.org or https://…".to_owned())
}

fn parse_timeout(text: &str) -> Result<Duration, String> {
    let duration = parse_duration(text)?;
    let allowed = Duration::from_secs(1)..=Duration::from_secs(60);
    allowed.contains(&duration).then_some(duration).ok_or_else(|| "expected 1s to 60s, for example 10s".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contact_is_a_mail_address_or_a_url() {
        for good in ["", "mailto:ops@example.org", "https://example.org/contact"] {
            assert!(parse_contact(good).is_ok(), "{good}");
        }
        for bad in ["ops@example.org", "mailto:ops", "http://example.org"] {
            assert!(parse_contact(bad).unwrap_err().contains("mailto:"), "{bad}");
        }
    }

    #[test]
    fn times_have_limits() {
        assert_eq!(NotifyOptions::default().notify_for, Duration::from_secs(86_400));
        assert!(parse_retry_for("72h").is_ok() && parse_timeout("1s").is_ok());
        for bad in ["59s", "73h"] {
            assert!(parse_retry_for(bad).unwrap_err().contains("1m to 72h"), "{bad}");
        }
        for bad in ["500ms", "61s"] {
            assert!(parse_timeout(bad).unwrap_err().contains("1s to 60s"), "{bad}");
        }
    }
}
