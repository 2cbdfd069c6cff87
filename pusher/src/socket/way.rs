//! When a state's frame passed the tiers before this one, from the `way` header of its record.

/// Times in microseconds since the epoch; absent where the header does not say.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Way {
    receiver_us: Option<u64>,
    bridge_us: Option<u64>,
    processor_us: Option<u64>,
    pusher_us: Option<u64>,
}

impl Way {
    /// Reads the header, `r=…,b=…,p=…`; what is not understood is left out.
    pub(crate) fn parse(header: &[u8]) -> Self {
        let text = std::str::from_utf8(header).unwrap_or_default();
        let time = |tier: &str| {
            let found = text.split(',').filter_map(|part| part.split_once('=')).find(|(name, _)| *name == tier);
            found.and_then(|(_, time)| time.parse().ok())
        };
        Self { receiver_us: time("r"), bridge_us: time("b"), processor_us: time("p"), pusher_us: None }
    }

    /// The same, read here at that time.
    pub(crate) fn read_at(self, at_us: u64) -> Self {
        Self { pusher_us: Some(at_us), ..self }
    }

    /// This one, or where it says nothing the other.
    pub(crate) fn or(self, other: Self) -> Self {
        if self == Self::default() { other } else { self }
    }

    /// The times that are known, by the tier's name.
    pub(crate) fn times(self) -> impl Iterator<Item = (&'static str, u64)> {
        let known = [
            ("receiver", self.receiver_us),
            ("bridge", self.bridge_us),
            ("processor", self.processor_us),
            ("pusher", self.pusher_us),
        ];
        known.into_iter().filter_map(|(tier, time)| time.map(|time| (tier, time)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_read_as_far_as_it_is_understood() {
        let way = Way::parse(b"r=5000000,b=6000000,p=6000400");
        let known = [("receiver", 5_000_000), ("bridge", 6_000_000), ("processor", 6_000_400)];
        assert_eq!(way.times().collect::<Vec<_>>(), known);
        assert_eq!(way.read_at(7_000_000).times().last(), Some(("pusher", 7_000_000)));
        assert_eq!(Way::parse(b"p=7").times().collect::<Vec<_>>(), [("processor", 7)]);
        for odd in [&b""[..], b"1", b"b=x", b"\xFF"] {
            assert_eq!(Way::parse(odd), Way::default());
        }
        assert_eq!(Way::default().or(way), way);
        assert_eq!(way.or(Way::default()), way);
    }
}
