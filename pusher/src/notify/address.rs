//! Which addresses a webhook may call: those of the Internet, and networks that a setting allows.
//!
//! A user names the URL, and must not reach the installation's own network by it (server-side request forgery). Addresses are
//! checked each time that a name is resolved, before the connection, since it can resolve to another address each time.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

use crate::config::NotifyOptions;
use crate::networks::Network;

/// Maximum length of a URL.
const MAX_URL_BYTES: usize = 1_024;

/// Which URLs and addresses are allowed.
#[derive(Debug, Clone)]
pub(crate) struct AddressPolicy {
    allows_http: bool,
    networks: Vec<Network>,
}

/// Why a URL is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UrlError {
    #[error("expected an absolute URL of at most {MAX_URL_BYTES} bytes, for example https://example.org/updraft")]
    Form,
    #[error("expected https://; http:// only where the operator has set --notify-allow-http")]
    Scheme,
    #[error("expected a URL without user and password: the signature says who sends")]
    Credentials,
    #[error(
        "expected a public host; a private one only where the operator has named its network with --notify-networks"
    )]
    Address,
}

impl AddressPolicy {
    pub(crate) fn new(options: &NotifyOptions) -> Self {
        Self { allows_http: options.notify_allow_http, networks: options.notify_networks.clone() }
    }

    /// Reads a URL of a user.
    ///
    /// # Errors
    /// As [`UrlError`].
    pub(crate) fn parse(&self, text: &str) -> Result<Url, UrlError> {
        let url = Some(text).filter(|text| text.len() <= MAX_URL_BYTES).and_then(|text| Url::parse(text).ok());
        let mut url = url.ok_or(UrlError::Form)?;
        match url.scheme() {
            "https" => {}
            "http" if self.allows_http => {}
            _ => return Err(UrlError::Scheme),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(UrlError::Credentials);
        }
        let address = match url.host().ok_or(UrlError::Form)? {
            Host::Ipv4(address) => Some(IpAddr::V4(address)),
            Host::Ipv6(address) => Some(IpAddr::V6(address)),
            // Names are checked when they are resolved.
            Host::Domain(_) => None,
        };
        if address.is_some_and(|address| !self.allows(address)) {
            return Err(UrlError::Address);
        }
        url.set_fragment(None);
        Ok(url)
    }

    /// Whether a request may go to an address.
    pub(crate) fn allows(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        is_global(address) || self.networks.iter().any(|network| network.contains(address))
    }
}

/// Whether an address is a public one of a single host. Those that stand for an IPv4 address (NAT64, 6to4, Teredo) are not: that
/// one could be private.
fn is_global(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_global_v4(address),
        IpAddr::V6(address) => is_global_v6(address),
    }
}

/// By the registry of special addresses (RFC 6890 and its updates).
fn is_global_v4(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    let is_special = matches!(
        (first, second, third),
        (0 | 10 | 127 | 224.., ..)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 168, _)
            | (198, 18..=19, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (198, 51, 100)
            | (203, 0, 113)
    );
    !is_special
}

/// The global unicast addresses but those that stand for an IPv4 address, and those of documentation.
fn is_global_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    let is_unicast = first & 0xE000 == 0x2000;
    // Teredo and other protocols (2001:0::/23), documentation (2001:db8::/32, 3fff::/20), 6to4 (2002::/16).
    let is_special = (first == 0x2001 && (second < 0x0200 || second == 0x0DB8))
        || first == 0x2002
        || (first == 0x3FFF && second < 0x1000);
    is_unicast && !is_special
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(arguments: &NotifyOptions) -> AddressPolicy {
        AddressPolicy::new(arguments)
    }

    #[test]
    fn only_the_internet_is_reached() {
        let policy = policy(&NotifyOptions::default());
        for good in ["8.8.8.8", "192.0.1.1", "100.128.0.1", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8"] {
            assert!(policy.allows(good.parse().expect("an address")), "{good}");
        }
        for bad in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "192.0.0.8",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::7f00:1",
            "fc00::1",
            "fe80::1",
            "ff02::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
        ] {
            assert!(!policy.allows(bad.parse().expect("an address")), "{bad}");
        }
    }

    #[test]
    fn a_setting_allows_networks_of_your_own() {
        let networks = vec![Network::parse("10.0.0.0/8").expect("a network")];
        let policy = policy(&NotifyOptions { notify_networks: networks, ..NotifyOptions::default() });
        assert!(policy.allows("10.1.2.3".parse().expect("an address")));
        assert!(policy.allows("::ffff:10.1.2.3".parse().expect("an address")));
        assert!(!policy.allows("127.0.0.1".parse().expect("an address")));
    }

    #[test]
    fn a_url_is_https_to_a_host_of_the_internet() {
        let strict = policy(&NotifyOptions::default());
        assert_eq!(strict.parse("https://example.org/a?b#c").expect("good").as_str(), "https://example.org/a?b");
        for (bad, why) in [
            ("", UrlError::Form),
            ("/hook", UrlError::Form),
            ("http://example.org/", UrlError::Scheme),
            ("ftp://example.org/", UrlError::Scheme),
            ("file:///etc/passwd", UrlError::Scheme),
            ("https://ada:secret@example.org/", UrlError::Credentials),
            ("https://127.0.0.1/", UrlError::Address),
            ("https://0x7f000001/", UrlError::Address),
            ("https://2130706433/", UrlError::Address),
            ("https://[::ffff:10.0.0.1]/", UrlError::Address),
        ] {
            assert_eq!(strict.parse(bad), Err(why), "{bad}");
        }
        assert_eq!(strict.parse(&format!("https://example.org/{}", "x".repeat(MAX_URL_BYTES))), Err(UrlError::Form));
        let open = policy(&NotifyOptions { notify_allow_http: true, ..NotifyOptions::default() });
        assert!(open.parse("http://example.org/").is_ok());
    }
}
