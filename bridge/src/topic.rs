//! MQTT topics of receivers: `<prefix>/<receiver>/f[/<type>]` and `<prefix>/<receiver>/hw`.

use crate::reject::Reject;

/// Longest receiver id taken. Chip ids have ten digits; names of one's own are welcome.
const MAX_RECEIVER_ID_BYTES: usize = 64;

/// What a topic says about its payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Topic<'a> {
    /// One radio frame with its wrapper. The type at the end of the topic only repeats the frame and is not believed.
    Frame {
        /// The receiver's id as the topic has it.
        receiver_id: &'a str,
    },
    /// What a receiver tells of its own hardware.
    Hardware {
        /// The receiver's id as the topic has it.
        receiver_id: &'a str,
    },
}

/// Reads a topic under one of the prefixes (each without a slash at its end).
///
/// # Errors
/// [`Reject::Topic`] for anything that is not a receiver's topic.
pub(crate) fn parse<'a>(topic: &'a str, prefixes: &[String]) -> Result<Topic<'a>, Reject> {
    let rest = prefixes.iter().find_map(|prefix| topic.strip_prefix(prefix.as_str())?.strip_prefix('/'));
    let (receiver_id, kind) = rest.and_then(|rest| rest.split_once('/')).ok_or(Reject::Topic)?;
    if !is_receiver_id(receiver_id) {
        return Err(Reject::Topic);
    }
    match kind {
        "f" => Ok(Topic::Frame { receiver_id }),
        "hw" => Ok(Topic::Hardware { receiver_id }),
        _ => match kind.strip_prefix("f/") {
            Some(packet_type) if is_packet_type(packet_type) => Ok(Topic::Frame { receiver_id }),
            _ => Err(Reject::Topic),
        },
    }
}

/// The filter that brings a prefix's frames. `f/#` matches `f` too (MQTT 5, section 4.7.1.2), so one filter serves both
/// forms: with two that overlap, a broker may deliver each frame twice.
pub(crate) fn frames(prefix: &str) -> String {
    format!("{prefix}/+/f/#")
}

/// The filter that brings what a prefix's receivers tell of their hardware.
pub(crate) fn hardware(prefix: &str) -> String {
    format!("{prefix}/+/hw")
}

/// The receiver of a topic, whatever else is wrong with it: the level behind the prefix, or all of the topic.
pub(crate) fn receiver_of<'a>(topic: &'a [u8], prefixes: &[String]) -> &'a [u8] {
    let rest = prefixes.iter().find_map(|prefix| topic.strip_prefix(prefix.as_bytes())?.strip_prefix(b"/"));
    rest.map_or(topic, |rest| rest.split(|byte| *byte == b'/').next().unwrap_or(rest))
}

fn is_receiver_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_RECEIVER_ID_BYTES && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn is_packet_type(text: &str) -> bool {
    (1..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_default(topic: &str) -> Result<Topic<'_>, Reject> {
        parse(topic, &["fb/b".to_owned(), "club/north".to_owned()])
    }

    #[test]
    fn the_three_forms_under_each_prefix() {
        let receiver_id = "8896672";
        assert_eq!(parse_default("fb/b/8896672/f/1"), Ok(Topic::Frame { receiver_id }));
        assert_eq!(parse_default("fb/b/8896672/f"), Ok(Topic::Frame { receiver_id }));
        assert_eq!(parse_default("club/north/8896672/f/10"), Ok(Topic::Frame { receiver_id }));
        assert_eq!(parse_default("fb/b/8896672/hw"), Ok(Topic::Hardware { receiver_id }));
        assert_eq!(parse_default("fb/b/4294967295/f"), Ok(Topic::Frame { receiver_id: "4294967295" }));
    }

    #[test]
    fn anything_else_is_no_receivers_topic() {
        let long = format!("fb/b/{}/f", "9".repeat(65));
        let bad = ["", "fb/b", "fb/b/", "fb/b//f", "fb/b/1", "fb/b/1/", "fb/b/1/x", "fb/b/1/f/", "fb/b/1/f/1/2"];
        for topic in bad.into_iter().chain(["fb/b/1/f/abc", "fb/bx/1/f", "fx/b/1/f", "fb/b/a b/f", "fb/b/é/f", &long])
        {
            assert_eq!(parse_default(topic), Err(Reject::Topic), "{topic:?}");
        }
    }

    #[test]
    fn filters_bring_frames_and_hardware_of_a_prefix() {
        assert_eq!((frames("fb/b").as_str(), hardware("fb/b").as_str()), ("fb/b/+/f/#", "fb/b/+/hw"));
    }

    #[test]
    fn whatever_a_receiver_sends_is_its_own() {
        let prefixes = ["fb/b".to_owned(), "club/north".to_owned()];
        for topic in ["fb/b/1234/f/1", "fb/b/1234/hw", "fb/b/1234/nonsense/\u{ff}", "club/north/1234/f", "fb/b/1234"] {
            assert_eq!(receiver_of(topic.as_bytes(), &prefixes), b"1234", "{topic}");
        }
        assert_eq!(receiver_of(b"\xff\xfe", &prefixes), b"\xff\xfe");
    }
}
