//! `mqtt://[user[:password]@]host[:port]`.

use std::str::FromStr;

use runtime::Redacted;
use thiserror::Error;

/// The port of MQTT without TLS.
const DEFAULT_PORT: u16 = 1883;

/// A broker to publish to.
#[derive(Debug, Clone)]
pub struct MqttTarget {
    /// Name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// User and password where the broker asks for them.
    pub credentials: Option<(String, Redacted)>,
}

/// A text that names no broker.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{problem}: expected mqtt://[user[:password]@]host[:port]")]
pub struct MqttTargetError {
    problem: &'static str,
}

impl FromStr for MqttTarget {
    type Err = MqttTargetError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = |problem| MqttTargetError { problem };
        let rest = text.strip_prefix("mqtt://").ok_or(refused("does not begin with mqtt://"))?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (login, address) = rest.rsplit_once('@').map_or((None, rest), |(login, address)| (Some(login), address));
        let credentials = login.map(|login| {
            let (user, password) = login.split_once(':').unwrap_or((login, ""));
            (user.to_owned(), Redacted::from(password.to_owned()))
        });
        // An IPv6 address stands in brackets, its colons are no port.
        let (host, port) = match address.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => {
                (host, port.parse().map_err(|_| refused("has no port after the colon"))?)
            }
            _ => (address, DEFAULT_PORT),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() || host.contains('/') {
            return Err(refused("has no host"));
        }
        Ok(Self { host: host.to_owned(), port, credentials })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_in_all_their_forms() {
        for (text, expected) in [
            ("mqtt://localhost", Some(("localhost", 1883, None))),
            ("mqtt://localhost:1884/", Some(("localhost", 1884, None))),
            ("mqtt://a@b:c@host:5", Some(("host", 5, Some("a@b")))),
            ("mqtt://[::1]:5", Some(("::1", 5, None))),
            ("mqtt://[::1]", Some(("::1", 1883, None))),
            ("mqtt://", None),
            ("mqtt://:1883", None),
            ("mqtt://host:port", None),
            ("mqtt://host:70000", None),
            ("mqtt://host/path", None),
            ("http://host", None),
            ("host", None),
        ] {
            let target = text.parse::<MqttTarget>().ok();
            let found = target.as_ref().map(|target| {
                let user = target.credentials.as_ref().map(|(user, _)| user.as_str());
                (target.host.as_str(), target.port, user)
            });
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn passwords_do_not_show() {
        let target: MqttTarget = "mqtt://me:hidden-word@host".parse().expect("a target");
        assert!(!format!("{target:?}").contains("hidden-word"));
    }
}
