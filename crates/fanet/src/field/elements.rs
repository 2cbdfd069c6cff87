//! Lists of points: the first absolute, each later one relative to the one before it.

use core::fmt;

use crate::error::{DecodeError, EncodeError, Reason};
use crate::field::plain::{decode_coarse_altitude, encode_coarse_altitude};
use crate::field::position::{Position, RawPosition, Reference};
use crate::field::scaled::{decode_u7, encode_u7};
use crate::reader::Reader;
use crate::writer::{Rules, Writer};

/// Bytes of a position that begins a list.
const ABSOLUTE: usize = 6;
/// Bytes of a position that continues a list.
const COMPRESSED: usize = 4;

/// A circle on the ground.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Circle {
    /// The centre.
    pub position: Position,
    /// Radius, metres. Wire: U7, step 50 m or 400 m, 0 to 50,800.
    pub radius_m: u32,
}

/// A point of a line in space.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AltitudePoint {
    /// Where it is.
    pub position: Position,
    /// Altitude, metres. Wire: i8, (raw + 109) * 25, -450 to 5900.
    pub altitude_m: i32,
}

/// What a list is made of: a position and at most one byte about it.
pub trait Element: Copy + PartialEq + fmt::Debug + sealed::Sealed {}

mod sealed {
    use super::{Position, Rules};

    pub trait Sealed: Sized {
        /// Bytes after each position, 0 or 1.
        const EXTRA: usize;
        fn from_parts(position: Position, extra: u8) -> Self;
        fn position(&self) -> Position;
        fn extra(&self, rules: Rules) -> u8;
    }
}

impl Element for Position {}
impl sealed::Sealed for Position {
    const EXTRA: usize = 0;

    #[inline]
    fn from_parts(position: Position, _extra: u8) -> Self {
        position
    }

    fn position(&self) -> Position {
        *self
    }

    fn extra(&self, _rules: Rules) -> u8 {
        0
    }
}

impl Element for Circle {}
impl sealed::Sealed for Circle {
    const EXTRA: usize = 1;

    #[inline]
    fn from_parts(position: Position, extra: u8) -> Self {
        Self { position, radius_m: decode_u7(extra, 8).unsigned_abs() * 50 }
    }

    fn position(&self) -> Position {
        self.position
    }

    fn extra(&self, _rules: Rules) -> u8 {
        encode_u7(f64::from(self.radius_m) / 50.0, 8.0)
    }
}

impl Element for AltitudePoint {}
impl sealed::Sealed for AltitudePoint {
    const EXTRA: usize = 1;

    #[inline]
    fn from_parts(position: Position, extra: u8) -> Self {
        Self { position, altitude_m: decode_coarse_altitude(extra) }
    }

    fn position(&self) -> Position {
        self.position
    }

    fn extra(&self, rules: Rules) -> u8 {
        encode_coarse_altitude(self.altitude_m, rules)
    }
}

/// A list of one point or more, either borrowed from a frame or given as values to send.
///
/// From a frame, every element has been checked; iterating decodes them one by one without
/// allocating. Two lists are equal if their values are.
#[derive(Clone, Copy)]
pub struct Elements<'a, E>(Source<'a, E>);

#[derive(Clone, Copy)]
enum Source<'a, E> {
    /// Complete elements, all on earth.
    Wire(&'a [u8]),
    Values(&'a [E]),
}

impl<'a, E: Element> Elements<'a, E> {
    /// Values to send.
    #[must_use]
    pub const fn new(values: &'a [E]) -> Self {
        Self(Source::Values(values))
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self.0 {
            Source::Wire(bytes) => 1 + (bytes.len() - ABSOLUTE - E::EXTRA) / (COMPRESSED + E::EXTRA),
            Source::Values(values) => values.len(),
        }
    }

    /// Whether there are none, which only a list of values to send can be.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The elements in order.
    #[must_use]
    pub const fn iter(&self) -> ElementsIter<'a, E> {
        ElementsIter { source: self.0, reference: None }
    }

    /// Takes all but `tail` bytes of what is left as a list, and checks it.
    ///
    /// `fewest` points are needed: fewer complete ones are a violation, none at all a truncation.
    pub(crate) fn decode(reader: &mut Reader<'a>, tail: usize, fewest: usize) -> Result<Self, DecodeError> {
        let first = ABSOLUTE + E::EXTRA;
        let step = COMPRESSED + E::EXTRA;
        let Some(later) = reader.rest().len().checked_sub(tail + first) else {
            return Err(reader.truncated("points"));
        };
        let over = later % step;
        if over != 0 {
            let offset = reader.offset() + first + later - over;
            return Err(DecodeError::new(Reason::TruncatedPayload, "points", offset));
        }
        if 1 + later / step < fewest {
            return Err(DecodeError::new(Reason::TooFewElements, "points", reader.offset()));
        }
        let offset = reader.offset();
        let bytes = reader.take_slice(first + later);
        check_points(bytes, offset, first, step)?;
        Ok(Self(Source::Wire(bytes)))
    }

    pub(crate) fn encode(&self, writer: &mut Writer<'_>, fewest: usize) -> Result<(), EncodeError> {
        if self.len() < fewest.max(1) {
            return Err(EncodeError::TooFewElements);
        }
        match self.0 {
            Source::Wire(bytes) => {
                copy_wire::<E>(bytes, writer);
                Ok(())
            }
            Source::Values(values) => encode_values(values, writer),
        }
    }
}

/// Refuses positions off the earth; longitudes of later points wrap and cannot be.
fn check_points(bytes: &[u8], offset: usize, first: usize, step: usize) -> Result<(), DecodeError> {
    let (absolute, later) = bytes.split_at(first);
    let absolute = absolute.first_chunk::<ABSOLUTE>().expect("a list begins with a position");
    let mut reference = Reference::absolute(RawPosition::checked(*absolute, offset)?);
    for (index, element) in later.chunks_exact(step).enumerate() {
        reference = reference.step_latitude([element[0], element[1]]);
        if !reference.is_on_earth() {
            let offset = offset + first + index * step;
            return Err(DecodeError::new(Reason::LatitudeOutOfRange, "latitude_deg", offset));
        }
    }
    Ok(())
}

/// Writes checked elements again: positions as they are, since a word can have one form only,
/// and the byte after each in its canonical form.
fn copy_wire<E: Element>(bytes: &[u8], writer: &mut Writer<'_>) {
    let mut position_bytes = ABSOLUTE;
    let mut rest = bytes;
    while !rest.is_empty() {
        let (position, after) = rest.split_at(position_bytes);
        let (extra, after) = after.split_at(E::EXTRA);
        writer.bytes(position);
        if let &[extra] = extra {
            writer.u8(E::from_parts(Position::default(), extra).extra(writer.rules()));
        }
        rest = after;
        position_bytes = COMPRESSED;
    }
}

fn encode_values<E: Element>(values: &[E], writer: &mut Writer<'_>) -> Result<(), EncodeError> {
    let mut reference: Option<Reference> = None;
    for (index, value) in values.iter().enumerate() {
        reference = Some(match reference {
            None => {
                let raw = RawPosition::nearest(value.position())?;
                writer.bytes(&raw.to_wire());
                Reference::absolute(raw)
            }
            Some(before) => {
                let words = before.encode(value.position())?.ok_or(EncodeError::TooFar { index })?;
                writer.bytes(&words);
                before.step(words)
            }
        });
        if E::EXTRA == 1 {
            writer.u8(value.extra(writer.rules()));
        }
    }
    Ok(())
}

impl<E: Element> PartialEq for Elements<'_, E> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl<E: Element> fmt::Debug for Elements<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<'a, E: Element> From<&'a [E]> for Elements<'a, E> {
    fn from(values: &'a [E]) -> Self {
        Self::new(values)
    }
}

impl<'a, E: Element> IntoIterator for Elements<'a, E> {
    type Item = E;
    type IntoIter = ElementsIter<'a, E>;

    fn into_iter(self) -> ElementsIter<'a, E> {
        self.iter()
    }
}

/// Decodes a list element by element.
#[derive(Clone)]
pub struct ElementsIter<'a, E> {
    source: Source<'a, E>,
    /// The point before, once there is one.
    reference: Option<Reference>,
}

impl<E: Element> Iterator for ElementsIter<'_, E> {
    type Item = E;

    #[inline]
    fn next(&mut self) -> Option<E> {
        match &mut self.source {
            Source::Values(values) => {
                let (&value, rest) = values.split_first()?;
                *values = rest;
                Some(value)
            }
            Source::Wire(bytes) => {
                let position = match self.reference {
                    None => {
                        let (first, rest) = bytes.split_first_chunk::<ABSOLUTE>()?;
                        *bytes = rest;
                        let raw = RawPosition::from_wire(*first);
                        self.reference = Some(Reference::absolute(raw));
                        raw.degrees()
                    }
                    Some(before) => {
                        let (words, rest) = bytes.split_first_chunk::<COMPRESSED>()?;
                        *bytes = rest;
                        let reference = before.step(*words);
                        self.reference = Some(reference);
                        reference.degrees()
                    }
                };
                let (extra, rest) = bytes.split_at(E::EXTRA);
                *bytes = rest;
                Some(E::from_parts(position, extra.first().copied().unwrap_or(0)))
            }
        }
    }
}
