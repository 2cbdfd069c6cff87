//! The W3C trace context that travels in record and request headers. Pure.

use std::fmt;

/// Length of a `traceparent` of version 00.
const LENGTH: usize = 55;

/// Names a span of a trace: the parent of the spans that it causes.
///
/// Its text is a W3C `traceparent` of version 00 (Trace Context, section 3.2): `00-<trace id>-<span id>-<flags>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TraceContext {
    /// The trace; never 0.
    pub trace_id: u128,
    /// The span; never 0.
    pub span_id: u64,
    /// Whether the span and its descendants are recorded.
    pub sampled: bool,
}

impl TraceContext {
    /// Reads a `traceparent`. Later versions are read as far as version 00 goes, as the standard demands. `None`: it is
    /// not valid and counts as absent.
    pub fn parse(header: &[u8]) -> Option<Self> {
        let (known, rest) = header.split_at_checked(LENGTH)?;
        let known = std::str::from_utf8(known).ok()?;
        let mut fields = known.split('-');
        let [version, trace_id, span_id, flags] = [fields.next()?, fields.next()?, fields.next()?, fields.next()?];
        let lengths = [version.len(), trace_id.len(), span_id.len(), flags.len()];
        let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-');
        if lengths != [2, 32, 16, 2] || fields.next().is_some() || !known.bytes().all(is_hex) {
            return None;
        }
        let ends = if version == "00" { rest.is_empty() } else { matches!(rest.first(), None | Some(b'-')) };
        let trace_id = u128::from_str_radix(trace_id, 16).ok().filter(|id| *id != 0)?;
        let span_id = u64::from_str_radix(span_id, 16).ok().filter(|id| *id != 0)?;
        let flags = u8::from_str_radix(flags, 16).ok()?;
        (ends && version != "ff").then_some(Self { trace_id, span_id, sampled: flags & 1 == 1 })
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace_id, self.span_id, u8::from(self.sampled))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EXAMPLE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn the_standards_example_is_read() {
        let context = TraceContext::parse(EXAMPLE.as_bytes()).expect("valid");
        assert_eq!(context.trace_id, 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736);
        assert_eq!((context.span_id, context.sampled), (0x00f0_67aa_0ba9_02b7, true));
        let unsampled = TraceContext::parse(EXAMPLE.replace("-01", "-00").as_bytes()).expect("valid");
        assert!(!unsampled.sampled);
    }

    #[test]
    fn a_later_version_is_read_as_far_as_known() {
        let later = EXAMPLE.replacen("00", "cc", 1);
        for text in [later.clone(), format!("{later}-what-else")] {
            assert!(TraceContext::parse(text.as_bytes()).is_some(), "{text}");
        }
        assert_eq!(TraceContext::parse(format!("{later}x").as_bytes()), None);
    }

    #[test]
    fn invalid_contexts_count_as_absent() {
        let bad = [
            String::new(),
            "00-1".to_owned(),
            EXAMPLE[..54].to_owned(),
            format!("{EXAMPLE}-00"),
            EXAMPLE.replacen("00", "ff", 1),
            EXAMPLE.to_uppercase(),
            EXAMPLE.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            EXAMPLE.replace("00f067aa0ba902b7", &"0".repeat(16)),
            EXAMPLE.replace("00-4b", "00-+b"),
            EXAMPLE.replace("-01", "_01"),
            EXAMPLE.replace("36-00", "3600-"),
        ];
        for text in bad {
            assert_eq!(TraceContext::parse(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(trace_id in 1_u128.., span_id in 1_u64.., sampled: bool) {
            let context = TraceContext { trace_id, span_id, sampled };
            prop_assert_eq!(TraceContext::parse(context.to_string().as_bytes()), Some(context));
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            let _ = TraceContext::parse(&bytes);
        }
    }
}
