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

    /// The text for people: UTF-8, or else Latin-1.
    #[must_use]
    pub fn display(&self) -> Cow<'a, str> {
        match self.as_str() {
            Some(text) => Cow::Borrowed(text),
            None => Cow::Owned(self.0.iter().copied().map(char::from).collect()),
        }
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
}
