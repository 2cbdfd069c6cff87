//! Networks of proxies, and the address of the client behind them.

use std::net::{IpAddr, Ipv6Addr};

use axum::http::HeaderMap;

/// Addresses that a header may name; more are ignored.
const MAX_HOPS: usize = 16;
const FORWARDED_FOR: &str = "x-forwarded-for";

/// A network: an address and the number of its leading bits that count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// Parses `10.0.0.0/8`, `2001:db8::/32`, or an address alone.
    ///
    /// # Errors
    /// The expected form.
    pub fn parse(text: &str) -> Result<Self, String> {
        let refuse = || "expected a network, for example 10.0.0.0/8, 2001:db8::/32 or 192.0.2.7".to_owned();
        let (address, bits) = text.trim().split_once('/').map_or((text.trim(), None), |(one, bits)| (one, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| refuse())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), |bits| bits.parse().map_err(|_| refuse()))?;
        let network = Self { address, bits };
        // Bits beyond the network are a mistake: which network is meant?
        let is_whole = masked(address, bits) == address;
        if bits <= most && is_whole { Ok(network) } else { Err(refuse()) }
    }

    /// Whether an address is in it.
    pub(crate) fn contains(self, address: IpAddr) -> bool {
        self.address.is_ipv4() == address.is_ipv4() && masked(address, self.bits) == self.address
    }
}

/// An address with only its first bits.
fn masked(address: IpAddr, bits: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits.min(32))).unwrap_or_default();
            IpAddr::V4((u32::from(address) & mask).into())
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits.min(128))).unwrap_or_default();
            IpAddr::V6((u128::from(address) & mask).into())
        }
    }
}

/// The address of the client: that of the connection, or, where that is of a trusted proxy, the last one of
/// `X-Forwarded-For` that is not. What a client wrote into the header itself stands before that, and does not count.
pub(crate) fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut client = peer.to_canonical();
    let lines = headers.get_all(FORWARDED_FOR).iter().collect::<Vec<_>>();
    let hops = lines.iter().rev().flat_map(|line| line.to_str().unwrap_or_default().rsplit(','));
    for hop in hops.take(MAX_HOPS) {
        if !is_trusted(client) {
            break;
        }
        let Some(address) = read_hop(hop.trim()) else { break };
        client = address;
    }
    client
}

/// Whether a proxy has forwarded a request, trusted or not.
pub(crate) fn is_forwarded(headers: &HeaderMap) -> bool {
    headers.contains_key(FORWARDED_FOR)
}

/// An address, which some proxies write with a port.
fn read_hop(text: &str) -> Option<IpAddr> {
    let address = text.parse::<IpAddr>().ok().or_else(|| Some(text.parse::<std::net::SocketAddr>().ok()?.ip()));
    address.map(|address| address.to_canonical())
}

/// What is recorded of an address: where it is, and not which one.
pub(crate) fn class(address: IpAddr) -> &'static str {
    match address.to_canonical() {
        address if address.is_loopback() => "loopback",
        address if is_private(address) => "private",
        _ => "public",
    }
}

/// Whether an address is of this machine or of a network that the Internet does not reach.
pub(crate) fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [first, second, ..] = address.octets();
            // The last one is the shared space of carriers (RFC 6598), which clouds use inside.
            let is_shared = first == 100 && second & 0xC0 == 64;
            address.is_loopback() || address.is_private() || address.is_link_local() || is_shared
        }
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local(),
    }
}

/// What stands for a client in the tables of limits: its address, of IPv6 the network of 64 bits, which one client has
/// for itself.
pub(crate) fn key(address: IpAddr) -> Vec<u8> {
    match address.to_canonical() {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => Ipv6Addr::octets(&address)[..8].to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn networks_contain_their_addresses() {
        let cases = [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.7", "192.0.2.6", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("::/0", "2001:db8::1", true),
        ];
        for (network, of, expected) in cases {
            assert_eq!(Network::parse(network).unwrap().contains(address(of)), expected, "{network} {of}");
        }
        for bad in ["", "10.0.0.1/8", "10.0.0.0/33", "2001:db8::/129", "10.0.0.0/", "10.0.0.0/-1", "localhost"] {
            assert!(Network::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn forwarded_addresses_count_only_of_trusted_proxies() {
        let trusted = [Network::parse("10.0.0.0/8").unwrap(), Network::parse("127.0.0.1").unwrap()];
        let cases = [
            // Peer, headers, client.
            ("203.0.113.9", &["198.51.100.1"][..], "203.0.113.9"),
            ("10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("::ffff:10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["8.8.8.8, 198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["8.8.8.8", "198.51.100.1, 10.0.0.2"], "198.51.100.1"),
            ("10.0.0.1", &["198.51.100.1:4711"], "198.51.100.1"),
            ("10.0.0.1", &["2001:db8::1, [2001:db8::2]:80"], "2001:db8::2"),
            ("10.0.0.1", &["8.8.8.8, unknown"], "10.0.0.1"),
            ("127.0.0.1", &["127.0.0.1, 203.0.113.9"], "203.0.113.9"),
        ];
        for (peer, lines, expected) in cases {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(FORWARDED_FOR, HeaderValue::from_static(line));
            }
            assert_eq!(client(address(peer), &headers, &trusted), address(expected), "{peer} {lines:?}");
        }
    }

    #[test]
    fn a_client_of_ipv6_has_a_network() {
        assert_eq!(key(address("2001:db8:1:2:3:4:5:6")), key(address("2001:db8:1:2::1")));
        assert_ne!(key(address("2001:db8:1:2::1")), key(address("2001:db8:1:3::1")));
        assert_eq!(key(address("::ffff:192.0.2.1")), key(address("192.0.2.1")));
    }

    #[test]
    fn addresses_the_internet_cannot_reach_are_private() {
        for private in [
            "127.0.0.1",
            "10.1.2.3",
            "172.17.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "::1",
            "fd00::1",
            "fe80::1",
            "::ffff:10.0.0.1",
        ] {
            assert!(is_private(address(private)), "{private}");
        }
        for public in ["203.0.113.9", "100.128.0.1", "172.32.0.1", "2001:db8::1"] {
            assert!(!is_private(address(public)), "{public}");
        }
    }
}
