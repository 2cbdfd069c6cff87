//! The prefix of receivers' topics: the subscription filters, and the receiver of a topic, also of a malformed one.

use alloc::format;
use alloc::string::String;

use crate::topic::MAX_RECEIVER_ID_BYTES;

/// The default prefix of receivers.
pub const DEFAULT_PREFIX: &str = "fb/b";

/// The prefix that a setting names: without wildcards, and without slashes at its end. `None`: invalid.
#[must_use]
pub fn prefix_of(text: &str) -> Option<&str> {
    let prefix = text.trim_end_matches('/');
    (!prefix.is_empty() && !prefix.contains(['+', '#', '\0'])).then_some(prefix)
}

/// The filter for a prefix's frames. `f/#` matches `f` too (MQTT 5, section 4.7.1.2), so one filter serves both
/// forms: with two that overlap, a broker may deliver each frame twice.
#[must_use]
pub fn frames_filter(prefix: &str) -> String {
    format!("{prefix}/+/f/#")
}

/// The filter for the hardware information of a prefix's receivers.
#[must_use]
pub fn hardware_filter(prefix: &str) -> String {
    format!("{prefix}/+/hw")
}

/// Whether a subscription to [`frames_filter`] and [`hardware_filter`] of these prefixes would match this topic.
#[must_use]
pub fn is_subscribed(topic: &[u8], prefixes: &[impl AsRef<str>]) -> bool {
    prefixes.iter().filter_map(|prefix| behind(topic, prefix)).any(|rest| {
        let mut levels = rest.split(|byte| *byte == b'/').skip(1);
        matches!((levels.next(), levels.next()), (Some(b"f"), _) | (Some(b"hw"), None))
    })
}

/// The receiver of a topic, also where the rest of it is not well formed: the level behind the prefix, or the complete
/// topic.
#[must_use]
pub fn receiver_of<'a>(topic: &'a [u8], prefixes: &[impl AsRef<str>]) -> &'a [u8] {
    let rest = prefixes.iter().find_map(|prefix| behind(topic, prefix));
    rest.map_or(topic, |rest| rest.split(|byte| *byte == b'/').next().unwrap_or(rest))
}

/// The key of limits per receiver: as [`receiver_of`], but bounded. All topics without a valid receiver share one.
#[must_use]
pub fn limit_key<'a>(topic: &'a [u8], prefixes: &[impl AsRef<str>]) -> &'a [u8] {
    let receiver = receiver_of(topic, prefixes);
    if receiver.len() <= MAX_RECEIVER_ID_BYTES { receiver } else { b"" }
}

fn behind<'a>(topic: &'a [u8], prefix: &impl AsRef<str>) -> Option<&'a [u8]> {
    topic.strip_prefix(prefix.as_ref().as_bytes())?.strip_prefix(b"/")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PREFIXES: [&str; 2] = ["fb/b", "club/north"];

    #[test]
    fn prefixes_have_no_wildcards() {
        for (text, expected) in [
            ("fb/b", Some("fb/b")),
            ("club/north//", Some("club/north")),
            ("", None),
            ("/", None),
            ("fb/+/x", None),
            ("fb/#", None),
            ("a\0b", None),
        ] {
            assert_eq!(prefix_of(text), expected, "{text:?}");
        }
        assert_eq!(prefix_of(DEFAULT_PREFIX), Some(DEFAULT_PREFIX));
    }

    #[test]
    fn filters_bring_frames_and_hardware_of_a_prefix() {
        assert_eq!((frames_filter("fb/b").as_str(), hardware_filter("fb/b").as_str()), ("fb/b/+/f/#", "fb/b/+/hw"));
    }

    /// Cases after the rules of MQTT 5, section 4.7.1, for `fb/b/+/f/#` and `fb/b/+/hw`.
    #[test]
    fn a_topic_is_subscribed_as_its_filters_say() {
        for topic in ["fb/b/1/f", "fb/b/1/f/1", "fb/b/1/f/a/b", "fb/b/1/f/", "fb/b//f", "fb/b/1/hw", "club/north/1/f"] {
            assert!(is_subscribed(topic.as_bytes(), &PREFIXES), "{topic}");
        }
        for topic in ["", "fb/b", "fb/b/1", "fb/b/1/", "fb/b/1/fx", "fb/b/1/hw/1", "fb/bx/1/f", "x/fb/b/1/f", "fb/b/f"]
        {
            assert!(!is_subscribed(topic.as_bytes(), &PREFIXES), "{topic}");
        }
    }

    #[test]
    fn a_malformed_topic_still_has_its_receiver() {
        for topic in ["fb/b/1234/f/1", "fb/b/1234/hw", "fb/b/1234/nonsense/\u{ff}", "club/north/1234/f", "fb/b/1234"] {
            assert_eq!(receiver_of(topic.as_bytes(), &PREFIXES), b"1234", "{topic}");
        }
        assert_eq!(receiver_of(b"\xff\xfe", &PREFIXES), b"\xff\xfe");
        assert_eq!(limit_key(b"fb/b/1234/f/1", &PREFIXES), b"1234");
        assert_eq!(limit_key(format!("fb/b/{}/f/1", "9".repeat(60_000)).as_bytes(), &PREFIXES), b"");
    }
}
