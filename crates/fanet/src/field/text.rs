//! Names, messages and the texts of landmarks.

use alloc::borrow::Cow;
use core::fmt;

/// Text as it came: bytes up to the first NUL, usually UTF-8.
///
/// The protocol names no encoding. [`as_str`](Self::as_str) gives valid UTF-8 only;
/// [`display`](Self::display) falls back to Latin-1, in which every byte is a character.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Text<'a>(&'a [u8]);

impl<'a> Text<'a> {
    /// Text to send. A NUL in it makes encoding fail.
    #[must_use]
    pub const fn new(text: &'a str) -> Self {
        Self(text.as_bytes())
    }

    /// The text in `bytes`, up to the first NUL or the end.
    #[must_use]
    pub fn until_nul(bytes: &'a [u8]) -> Self {
        let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
        Self(&bytes[..end])
    }

    /// The bytes before the NUL.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.0
    }

    /// The text, where the bytes are valid UTF-8.
    #[must_use]
    pub fn as_str(&self) -> Option<&'a str> {
        core::str::from_utf8(self.0).ok()
    }

    /// The text for people: UTF-8, without its last character where that is cut; or else Latin-1.
    #[must_use]
    pub fn display(&self) -> Cow<'a, str> {
        match core::str::from_utf8(self.0) {
            Ok(text) => Cow::Borrowed(text),
            Err(error) => match self.without_cut_end(&error) {
                Some(text) => Cow::Borrowed(text),
                None => Cow::Owned(self.0.iter().copied().map(char::from).collect()),
            },
        }
    }

    /// The UTF-8 before a last character that a sender has cut.
    ///
    /// A single byte after nothing but ASCII can also be a letter of Latin-1. It is taken for one where it would be a small
    /// letter, as names end, or a capital one after a capital.
    fn without_cut_end(&self, error: &core::str::Utf8Error) -> Option<&'a str> {
        if error.error_len().is_some() {
            return None;
        }
        let (text, cut) = self.0.split_at(error.valid_up_to());
        let is_latin_letter = match cut {
            [0xC0..=0xDE] => text.last().is_none_or(u8::is_ascii_uppercase),
            [_] => true,
            _ => false,
        };
        if text.is_ascii() && is_latin_letter {
            return None;
        }
        core::str::from_utf8(text).ok()
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self::new(text)
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.display(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_ends_at_the_first_nul() {
        assert_eq!(Text::until_nul(b"ab\0cd\0").as_str(), Some("ab"));
        assert_eq!(Text::until_nul(b"\0").as_str(), Some(""));
        assert_eq!(Text::until_nul(b"").as_str(), Some(""));
    }

    #[test]
    fn bytes_that_are_not_utf8_display_as_latin1() {
        let text = Text::until_nul(&[b'Z', 0xFC, b'g']);
        assert_eq!(text.as_str(), None);
        assert_eq!(text.display(), "Züg");
    }

    #[test]
    fn a_cut_last_character_is_left_out() {
        let cases: [(&[u8], &str); 9] = [
            (b"J\xC3\xBCrg M\xC3", "Jürg M"),
            (b"J\xC3\xBCrg \xE9", "Jürg "),
            (b"Andr\xC3", "Andr"),
            (b"5 \xE2\x82", "5 "),
            (b"\xF0\x9F\x9A", ""),
            // Latin-1.
            (b"Andr\xE9", "André"),
            (b"SM\xC5", "SMÅ"),
            (b"\xC4", "Ä"),
            (b"Z\xFCg \xE9", "Züg é"),
        ];
        for (bytes, expected) in cases {
            assert_eq!(Text::until_nul(bytes).display(), expected, "{bytes:x?}");
        }
    }
}
