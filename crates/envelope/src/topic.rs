//! MQTT topics of receivers: `<prefix>/<receiver>/f[/<type>]` and `<prefix>/<receiver>/hw`.

use alloc::format;
use alloc::string::String;

/// The longest receiver id, bytes. Chip ids have ten digits; other names may be longer.
pub const MAX_RECEIVER_ID_BYTES: usize = 64;

/// A parsed topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic<'a> {
    /// `<prefix>/<receiver>/f` or `<prefix>/<receiver>/f/<type>`: one wrapped frame.
    Frame {
        /// The receiver's id, as the topic has it.
        receiver: &'a str,
        /// The packet type, up to three digits, where the topic repeats it. Where it contradicts the frame, the frame is
        /// right.
        packet_type: Option<u16>,
    },
    /// `<prefix>/<receiver>/hw`: information about the receiver's own hardware, not a frame.
    Hardware {
        /// The receiver's id, as the topic has it.
        receiver: &'a str,
    },
}

impl<'a> Topic<'a> {
    /// Parses a topic under the first of these prefixes that it begins with. `None`: it is not a receiver's topic.
    #[must_use]
    pub fn parse(topic: &'a str, prefixes: &[impl AsRef<str>]) -> Option<Self> {
        let rest = prefixes.iter().find_map(|prefix| topic.strip_prefix(prefix.as_ref())?.strip_prefix('/'))?;
        let (receiver, kind) = rest.split_once('/')?;
        Self::of_levels(receiver, kind)
    }

    /// Parses a topic whose prefix is not known, as in a capture. `None`: it is not a receiver's topic under any prefix.
    #[must_use]
    pub fn parse_under_any_prefix(topic: &'a str) -> Option<Self> {
        let (before, last) = topic.rsplit_once('/')?;
        let typed = before.rsplit_once('/').filter(|(_, level)| *level == "f");
        let typed = typed.and_then(|(before, _)| {
            let (_, receiver) = before.rsplit_once('/')?;
            Self::of_levels(receiver, &topic[before.len() + 1..])
        });
        typed.or_else(|| {
            let (_, receiver) = before.rsplit_once('/')?;
            Self::of_levels(receiver, last)
        })
    }

    /// The receiver's id.
    #[must_use]
    pub const fn receiver(&self) -> &'a str {
        match self {
            Self::Frame { receiver, .. } | Self::Hardware { receiver } => receiver,
        }
    }

    /// The topic's text under a prefix.
    #[must_use]
    pub fn under(&self, prefix: &str) -> String {
        match self {
            Self::Frame { receiver, packet_type: None } => format!("{prefix}/{receiver}/f"),
            Self::Frame { receiver, packet_type: Some(code) } => format!("{prefix}/{receiver}/f/{code}"),
            Self::Hardware { receiver } => format!("{prefix}/{receiver}/hw"),
        }
    }

    fn of_levels(receiver: &'a str, kind: &str) -> Option<Self> {
        if !is_receiver_id(receiver) {
            return None;
        }
        match kind {
            "f" => Some(Self::Frame { receiver, packet_type: None }),
            "hw" => Some(Self::Hardware { receiver }),
            _ => {
                let packet_type = Some(packet_type(kind.strip_prefix("f/")?)?);
                Some(Self::Frame { receiver, packet_type })
            }
        }
    }
}

fn is_receiver_id(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= MAX_RECEIVER_ID_BYTES
        && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/')
}

fn packet_type(text: &str) -> Option<u16> {
    let is_number = (1..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use alloc::borrow::ToOwned as _;

    use proptest::prelude::*;

    use super::*;

    const PREFIXES: [&str; 2] = ["fb/b", "club/north"];

    #[test]
    fn each_form_is_parsed_under_each_prefix() {
        let frame = |receiver, packet_type| Some(Topic::Frame { receiver, packet_type });
        for (text, expected) in [
            ("fb/b/8896672/f/1", frame("8896672", Some(1))),
            ("fb/b/8896672/f", frame("8896672", None)),
            ("club/north/8896672/f/10", frame("8896672", Some(10))),
            ("fb/b/4294967295/f", frame("4294967295", None)),
            ("fb/b/roof-1/f/999", frame("roof-1", Some(999))),
            ("fb/b/f/f", frame("f", None)),
            ("fb/b/hw/f/7", frame("hw", Some(7))),
            ("fb/b/8896672/hw", Some(Topic::Hardware { receiver: "8896672" })),
        ] {
            assert_eq!(Topic::parse(text, &PREFIXES), expected, "{text}");
            assert_eq!(Topic::parse_under_any_prefix(text), expected, "{text}");
        }
    }

    #[test]
    fn other_topics_are_refused() {
        let long = format!("fb/b/{}/f", "9".repeat(65));
        let foreign = [
            "",
            "fb",
            "fb/b",
            "fb/b/",
            "fb/b//f",
            "fb/b/1",
            "fb/b/1/",
            "fb/b/1/x",
            "fb/b/1/f/",
            "fb/b/1/f/x",
            "fb/b/1/f/-1",
            "fb/b/1/f/+1",
            "fb/b/1/f/1000",
            "fb/b/1/f/1/2",
            "fb/b/1/hw/2",
            "fb/b/a b/f",
            "fb/b/é/f",
            &long,
        ];
        for text in foreign {
            assert_eq!(Topic::parse(text, &PREFIXES), None, "{text:?}");
            assert_eq!(Topic::parse_under_any_prefix(text), None, "{text:?}");
        }
        for text in ["fb/bx/1/f", "fx/b/1/f", "xfb/b/1/f", "1/f"] {
            assert_eq!(Topic::parse(text, &PREFIXES), None, "{text:?}");
        }
        assert_eq!(Topic::parse_under_any_prefix("1/f"), None);
    }

    proptest! {
        #[test]
        fn written_topics_are_parsed_again(
            receiver in "[!-.0-~]{1,64}",
            packet_type in proptest::option::of(0_u16..1000),
            is_hardware: bool,
        ) {
            let topic = match is_hardware {
                true => Topic::Hardware { receiver: &receiver },
                false => Topic::Frame { receiver: &receiver, packet_type },
            };
            for prefix in PREFIXES {
                let text = topic.under(prefix);
                prop_assert_eq!(Topic::parse(&text, &PREFIXES), Some(topic));
                prop_assert_eq!(Topic::parse_under_any_prefix(&text), Some(topic));
            }
        }

        #[test]
        fn any_prefix_agrees_with_the_known_one(levels in proptest::collection::vec("f|hw|[0-9]{0,4}|a b|x", 1..5)) {
            let text = ["fb/b".to_owned(), levels.join("/")].join("/");
            if let Some(topic) = Topic::parse(&text, &PREFIXES) {
                prop_assert_eq!(Topic::parse_under_any_prefix(&text), Some(topic));
            }
        }
    }
}
