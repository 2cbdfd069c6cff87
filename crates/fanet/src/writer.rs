//! Appends fields to a buffer, by the rules of a sender or of an echo.

use alloc::vec::Vec;

use crate::error::EncodeError;

/// The longest frame to send: the receive buffer of common modules.
pub(crate) const MAX_SENT_BYTES: usize = 254;

/// The rules to apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rules {
    /// A device that sends its own values: reserved codes refused, limits of the protocol text kept.
    Sender,
    /// A frame as it was received: everything that decodes can be written again.
    Received,
}

/// The end of the frame being written.
pub(crate) struct Writer<'o> {
    out: &'o mut Vec<u8>,
    /// Length of `out` at the start of this frame.
    start: usize,
    rules: Rules,
}

impl<'o> Writer<'o> {
    #[inline]
    pub(crate) const fn new(out: &'o mut Vec<u8>, rules: Rules) -> Self {
        let start = out.len();
        Self { out, start, rules }
    }

    #[inline]
    pub(crate) const fn rules(&self) -> Rules {
        self.rules
    }

    #[inline]
    pub(crate) fn is_sender(&self) -> bool {
        self.rules == Rules::Sender
    }

    /// Bytes of this frame so far.
    #[inline]
    pub(crate) const fn length(&self) -> usize {
        self.out.len() - self.start
    }

    #[inline]
    pub(crate) fn u8(&mut self, byte: u8) {
        self.out.push(byte);
    }

    #[inline]
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// Reserved bits: sent as 0, echoed as they were.
    #[inline]
    pub(crate) fn reserved(&self, bits: u8) -> u8 {
        if self.is_sender() { 0 } else { bits }
    }

    /// The last bytes of a text, which a sender shortens to what fits, between characters.
    ///
    /// # Errors
    /// [`EncodeError::TextNotSendable`] under the sender's rules for text that is not UTF-8, and
    /// always for a NUL, which would end the text early.
    pub(crate) fn text(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        if bytes.contains(&0) {
            return Err(EncodeError::TextNotSendable);
        }
        if !self.is_sender() {
            self.bytes(bytes);
            return Ok(());
        }
        let text = core::str::from_utf8(bytes).map_err(|_| EncodeError::TextNotSendable)?;
        let room = MAX_SENT_BYTES.saturating_sub(self.length());
        self.bytes(&text.as_bytes()[..text.floor_char_boundary(room)]);
        Ok(())
    }
}

/// Refuses a mandatory value that is NaN or infinite.
#[inline]
pub(crate) fn finite(field: &'static str, value: f64) -> Result<f64, EncodeError> {
    if value.is_finite() { Ok(value) } else { Err(EncodeError::NotFinite { field }) }
}
