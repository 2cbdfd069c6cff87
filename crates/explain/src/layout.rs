//! The fields of a line and their bytes.

/// Which part of a message a field belongs to; decides its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Wrapper,
    Header,
    Payload,
    Trailing,
    Error,
}

/// One field: some bytes, or some bits of the bytes of the span before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) length: usize,
    pub(super) bits: &'static str,
    pub(super) field: &'static str,
    pub(super) meaning: String,
}

/// The fields of a line in order, built from the front.
pub(super) struct Layout<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) spans: Vec<Span>,
    at: usize,
    kind: Kind,
}

impl<'a> Layout<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, spans: Vec::new(), at: 0, kind: Kind::Payload }
    }

    /// Where the next field begins.
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    /// How many bytes are not explained yet.
    pub(super) const fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// The part of the message of the next fields.
    pub(super) const fn kind(&mut self, kind: Kind) {
        self.kind = kind;
    }

    /// The next bytes; zeros where there are none, which a frame that decodes never shows.
    pub(super) fn peek<const N: usize>(&self) -> [u8; N] {
        self.bytes[self.at..].first_chunk().copied().unwrap_or([0; N])
    }

    /// The next `length` bytes are `field`.
    pub(super) fn put(&mut self, length: usize, field: &'static str, meaning: impl Into<String>) {
        let length = length.min(self.left());
        self.push(length, "", field, meaning.into());
        self.at += length;
    }

    /// Some bits of the bytes before are `field`.
    pub(super) fn bits(&mut self, bits: &'static str, field: &'static str, meaning: impl Into<String>) {
        // The first of them shares the line with its byte.
        match self.spans.last_mut() {
            Some(span) if span.field.is_empty() && span.bits.is_empty() => {
                (span.bits, span.field, span.meaning) = (bits, field, meaning.into());
            }
            _ => self.push(0, bits, field, meaning.into()),
        }
    }

    /// All remaining bytes are `field`; nothing if there are none.
    pub(super) fn rest(&mut self, field: &'static str, meaning: impl Into<String>) {
        if self.left() > 0 {
            self.put(self.left(), field, meaning);
        }
    }

    /// All remaining bytes, even if there are none, are `field`.
    pub(super) fn here(&mut self, field: &'static str, meaning: impl Into<String>) {
        self.put(self.left(), field, meaning);
    }

    fn push(&mut self, length: usize, bits: &'static str, field: &'static str, meaning: String) {
        self.spans.push(Span { kind: self.kind, start: self.at, length, bits, field, meaning });
    }
}
