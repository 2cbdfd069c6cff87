//! Record headers: their names, and the forms of their values. Writers and readers both use this module.

use std::fmt;

/// W3C trace context of the frame behind a record, where it is sampled.
pub const TRACEPARENT: &str = "traceparent";
/// On observations: the observation's id, as `17-123456`.
pub const OBSERVATION_ID: &str = "observation-id";
/// On states and their tombstones: the raw offset that made them, in decimal. See [`parse_number`].
pub const VERSION: &str = "version";
/// On states: when their frame passed each program. See [`Way`].
pub const WAY: &str = "way";
/// On checkpoints: the input offset that comes after the checkpoint, in decimal. See [`parse_number`].
pub const NEXT_OFFSET: &str = "next-offset";
/// On a partition's checkpoint: up to which offset each of its own topics was compared. See [`parse_numbers`].
pub const VERIFIED: &str = "verified";

/// Reads a decimal number. `None`: the value is no number.
pub fn parse_number(value: &[u8]) -> Option<u64> {
    std::str::from_utf8(value).ok()?.parse().ok()
}

/// Numbers, separated by commas; nothing for none.
pub fn numbers(numbers: &[u64]) -> String {
    let texts: Vec<String> = numbers.iter().map(u64::to_string).collect();
    texts.join(",")
}

/// Reads what [`numbers`] wrote, up to the first part that is no number.
pub fn parse_numbers(value: &[u8]) -> Vec<u64> {
    let text = std::str::from_utf8(value).unwrap_or_default();
    text.split(',').map_while(|number| number.parse().ok()).collect()
}

/// When a frame passed the programs before the reader, microseconds since the epoch; absent where unknown.
///
/// As a header: `r=<us>,b=<us>,p=<us>`; readers leave out what they do not know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Way {
    /// The receiver's stamp. Its clock may be wrong.
    pub receiver_us: Option<u64>,
    /// Arrival at the bridge.
    pub bridge_us: Option<u64>,
    /// When the processor applied it.
    pub processor_us: Option<u64>,
}

impl Way {
    /// Reads the header; parts that are not understood are left out.
    pub fn parse(header: &[u8]) -> Self {
        let text = std::str::from_utf8(header).unwrap_or_default();
        let time = |program: &str| {
            let found = text.split(',').filter_map(|part| part.split_once('=')).find(|(name, _)| *name == program);
            found.and_then(|(_, time)| time.parse().ok())
        };
        Self { receiver_us: time("r"), bridge_us: time("b"), processor_us: time("p") }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [("r", self.receiver_us), ("b", self.bridge_us), ("p", self.processor_us)];
        let known = parts.into_iter().filter_map(|(name, time_us)| Some((name, time_us?)));
        for (index, (name, time_us)) in known.enumerate() {
            let separator = if index == 0 { "" } else { "," };
            write!(formatter, "{separator}{name}={time_us}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_round_trip() {
        for list in [&[][..], &[7], &[0, u64::MAX, 3]] {
            assert_eq!(parse_numbers(numbers(list).as_bytes()), list);
        }
        assert_eq!(parse_number(u64::MAX.to_string().as_bytes()), Some(u64::MAX));
        for odd in [&b""[..], b"x", b"-1", b"\xFF"] {
            assert_eq!((parse_number(odd), parse_numbers(odd)), (None, vec![]));
        }
    }

    #[test]
    fn a_way_round_trips() {
        for receiver_us in [None, Some(5_000_000)] {
            for processor_us in [None, Some(6_000_400)] {
                let way = Way { receiver_us, bridge_us: Some(6_000_000), processor_us };
                assert_eq!(Way::parse(way.to_string().as_bytes()), way);
            }
        }
        assert_eq!(Way::default().to_string(), "");
    }

    #[test]
    fn unknown_parts_of_a_way_are_left_out() {
        let way = Way { processor_us: Some(7), ..Way::default() };
        assert_eq!(Way::parse(b"q=3,p=7,b=x"), way);
        for odd in [&b""[..], b"1", b"b=x", b"\xFF"] {
            assert_eq!(Way::parse(odd), Way::default());
        }
    }
}
