//! Byte ranges (RFC 9110, section 14): one range per request, as readers of tile archives send them.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};

/// The part of a file in a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ByteRange {
    All,
    /// The first and the last byte.
    Bytes(u64, u64),
    Unsatisfiable,
}

impl ByteRange {
    /// The range of a request. An invalid header and several ranges at once are ignored, as the RFC allows, and so is a
    /// range of another version than `etag`.
    pub(super) fn requested(headers: &HeaderMap, total: u64, etag: &HeaderValue) -> Self {
        let is_current = headers.get(header::IF_RANGE).is_none_or(|version| version == etag);
        let range = headers.get(header::RANGE).and_then(|range| range.to_str().ok()).filter(|_| is_current);
        range.and_then(|range| Self::parse(range, total)).unwrap_or(Self::All)
    }

    fn parse(range: &str, total: u64) -> Option<Self> {
        let (first, last) = range.trim().strip_prefix("bytes=")?.split_once('-')?;
        let range = match (first.trim(), last.trim()) {
            ("", count) => {
                let count: u64 = count.parse().ok()?;
                if count == 0 || total == 0 {
                    Self::Unsatisfiable
                } else {
                    Self::Bytes(total.saturating_sub(count), total - 1)
                }
            }
            (first, last) => {
                let first: u64 = first.parse().ok()?;
                let last = if last.is_empty() { u64::MAX } else { last.parse().ok()? };
                match first {
                    _ if first > last => return None,
                    _ if first >= total => Self::Unsatisfiable,
                    _ => Self::Bytes(first, last.min(total - 1)),
                }
            }
        };
        Some(range)
    }

    /// The first byte and the number of bytes.
    pub(super) fn span(self, total: u64) -> (u64, u64) {
        match self {
            Self::All => (0, total),
            Self::Bytes(first, last) => (first, last - first + 1),
            Self::Unsatisfiable => (0, 0),
        }
    }

    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::All => StatusCode::OK,
            Self::Bytes(..) => StatusCode::PARTIAL_CONTENT,
            Self::Unsatisfiable => StatusCode::RANGE_NOT_SATISFIABLE,
        }
    }

    /// Writes the headers of the range.
    pub(super) fn write(self, total: u64, headers: &mut HeaderMap) {
        headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        let range = match self {
            Self::All => return,
            Self::Bytes(first, last) => format!("bytes {first}-{last}/{total}"),
            Self::Unsatisfiable => format!("bytes */{total}"),
        };
        headers.insert(header::CONTENT_RANGE, HeaderValue::try_from(range).expect("digits"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_limited_to_the_file() {
        for (header, total, range) in [
            ("bytes=0-99", 1000, Some(ByteRange::Bytes(0, 99))),
            ("bytes=990-2000", 1000, Some(ByteRange::Bytes(990, 999))),
            ("bytes=5-", 1000, Some(ByteRange::Bytes(5, 999))),
            ("bytes=-10", 1000, Some(ByteRange::Bytes(990, 999))),
            ("bytes=-2000", 1000, Some(ByteRange::Bytes(0, 999))),
            ("bytes=1000-", 1000, Some(ByteRange::Unsatisfiable)),
            ("bytes=-0", 1000, Some(ByteRange::Unsatisfiable)),
            ("bytes=0-0", 0, Some(ByteRange::Unsatisfiable)),
            ("bytes=9-5", 1000, None),
            ("bytes=0-1,5-6", 1000, None),
            ("lines=0-1", 1000, None),
            ("bytes=a-b", 1000, None),
            ("bytes=99999999999999999999-", 1000, None),
        ] {
            assert_eq!(ByteRange::parse(header, total), range, "{header}");
        }
    }

    #[test]
    fn a_range_of_another_version_is_ignored() {
        let etag = HeaderValue::from_static("\"a\"");
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, HeaderValue::from_static("bytes=0-1"));
        assert_eq!(ByteRange::requested(&headers, 9, &etag), ByteRange::Bytes(0, 1));
        headers.insert(header::IF_RANGE, HeaderValue::from_static("\"b\""));
        assert_eq!(ByteRange::requested(&headers, 9, &etag), ByteRange::All);
    }
}
