//! A cursor over a payload with its offset in the frame.

use crate::error::{DecodeError, Reason};

/// Reads fields from the front; every failure names its field and its offset.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    /// Where `rest` begins, in bytes from the start of the frame.
    offset: usize,
}

impl<'a> Reader<'a> {
    #[inline]
    pub(crate) const fn new(rest: &'a [u8], offset: usize) -> Self {
        Self { rest, offset }
    }

    /// What is left.
    #[inline]
    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The offset of the next byte in the frame.
    #[inline]
    pub(crate) const fn offset(&self) -> usize {
        self.offset
    }

    /// Takes `N` bytes of `field`.
    #[inline]
    pub(crate) fn take<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], DecodeError> {
        let Some((bytes, rest)) = self.rest.split_first_chunk::<N>() else {
            return Err(self.truncated(field));
        };
        self.rest = rest;
        self.offset += N;
        Ok(*bytes)
    }

    /// Takes one byte of `field`.
    #[inline]
    pub(crate) fn u8(&mut self, field: &'static str) -> Result<u8, DecodeError> {
        self.take::<1>(field).map(|[byte]| byte)
    }

    /// Takes a byte if there is one: optional fields are appended at the end.
    #[inline]
    pub(crate) fn optional_u8(&mut self) -> Option<u8> {
        let (&byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        self.offset += 1;
        Some(byte)
    }

    /// Takes `length` bytes, whose presence the caller has checked.
    #[inline]
    pub(crate) fn take_slice(&mut self, length: usize) -> &'a [u8] {
        let (bytes, rest) = self.rest.split_at(length);
        self.rest = rest;
        self.offset += length;
        bytes
    }

    /// Takes all that is left.
    #[inline]
    pub(crate) fn take_rest(&mut self) -> &'a [u8] {
        let rest = self.rest;
        self.rest = &[];
        self.offset += rest.len();
        rest
    }

    /// The error for `field` being incomplete here.
    #[cold]
    pub(crate) const fn truncated(&self, field: &'static str) -> DecodeError {
        DecodeError::new(Reason::TruncatedPayload, field, self.offset)
    }
}
