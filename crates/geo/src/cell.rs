//! Geohash cells of one to six characters.

use std::fmt;
use std::str::FromStr;

use crate::bounds::Bounds;

const ALPHABET: &[u8; 32] = b"0123456789bcdefghjkmnpqrstuvwxyz";
const BITS_PER_CHARACTER: u32 = 5;

/// A geohash cell of precision 1 to 6.
///
/// Held as its bits, west-east and south-north in turns, below a leading 1 that marks the precision. A cell is the
/// half-open rectangle `[south, north) x [west, east)`; the northernmost row holds the pole too, and longitude 180 is
/// longitude -180.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cell(u32);

impl Cell {
    /// The whole world, of precision 0: no cell of the outside, but what the coarsest are the children of.
    pub(crate) const WORLD: Self = Self(1);

    /// The finest precision, in characters.
    pub const MAX_PRECISION: u32 = 6;

    /// The cell of `precision` characters (1 to 6, clamped) that holds the point. Latitudes beyond the poles are taken as
    /// the pole, longitudes are wrapped; a point that is not finite is taken as 0.
    pub fn at(latitude_deg: f64, longitude_deg: f64, precision: u32) -> Self {
        let precision = precision.clamp(1, Self::MAX_PRECISION);
        let (longitude_bits, latitude_bits) = axis_bits(precision);
        let row = index((latitude_deg + 90.0) / 180.0, latitude_bits);
        let column = index((longitude_deg + 180.0).rem_euclid(360.0) / 360.0, longitude_bits);
        Self::from_grid(row, column, precision)
    }

    /// All cells of precision 1.
    pub fn coarsest() -> impl Iterator<Item = Self> {
        (0..32).map(|bits| Self(32 | bits))
    }

    /// How many characters, 1 to 6.
    pub fn precision(self) -> u32 {
        (u32::BITS - 1 - self.0.leading_zeros()) / BITS_PER_CHARACTER
    }

    /// A number that no other cell has, the same on every machine.
    pub fn number(self) -> u32 {
        self.0
    }

    /// The cell one character coarser. `None` for precision 1.
    pub fn parent(self) -> Option<Self> {
        (self.precision() > 1).then_some(Self(self.0 >> BITS_PER_CHARACTER))
    }

    /// The cell of `precision` characters around this one; itself where it is not finer.
    pub fn ancestor(self, precision: u32) -> Self {
        let finer = self.precision().saturating_sub(precision.max(1));
        Self(self.0 >> (finer * BITS_PER_CHARACTER))
    }

    /// The 32 cells one character finer. Empty for the finest precision.
    pub fn children(self) -> impl Iterator<Item = Self> {
        let count = if self.precision() < Self::MAX_PRECISION { 32 } else { 0 };
        (0..count).map(move |bits| Self(self.0 << BITS_PER_CHARACTER | bits))
    }

    /// The child with that number, 0 to 31. The cell must not be of the finest precision.
    pub(crate) fn child(self, index: u32) -> Self {
        Self(self.0 << BITS_PER_CHARACTER | index)
    }

    /// True where `other` is this cell or one of its parts.
    pub fn contains(self, other: Self) -> bool {
        other.precision() >= self.precision() && other.ancestor(self.precision()) == self
    }

    /// The first and the last cell of the finest precision in this cell: all of them are neighbours in order.
    pub fn finest_range(self) -> (Self, Self) {
        let shift = (Self::MAX_PRECISION - self.precision()) * BITS_PER_CHARACTER;
        (Self(self.0 << shift), Self((self.0 << shift) | ((1 << shift) - 1)))
    }

    /// The rectangle of the cell. A cell never crosses the date line; its east may be 180.
    pub fn bounds(self) -> Bounds {
        let (row, column) = self.grid();
        let (longitude_bits, latitude_bits) = axis_bits(self.precision());
        let height_deg = 180.0 / f64::from(1_u32 << latitude_bits);
        let width_deg = 360.0 / f64::from(1_u32 << longitude_bits);
        let south_deg = f64::from(row) * height_deg - 90.0;
        let west_deg = f64::from(column) * width_deg - 180.0;
        Bounds::unchecked(south_deg, west_deg, south_deg + height_deg, west_deg + width_deg)
    }

    /// The cells of the same precision that touch this one: eight, fewer at the poles, around the date line.
    pub fn neighbours(self) -> impl Iterator<Item = Self> {
        let precision = self.precision();
        let (longitude_bits, latitude_bits) = axis_bits(precision);
        let (row, column) = self.grid();
        let columns = 1_i64 << longitude_bits;
        let rows = 1_i64 << latitude_bits;
        (-1..=1).flat_map(move |north| (-1..=1).map(move |east| (north, east))).filter_map(move |(north, east)| {
            let row = i64::from(row) + north;
            let column = (i64::from(column) + east).rem_euclid(columns);
            ((north, east) != (0, 0) && (0..rows).contains(&row))
                .then(|| Self::from_grid(row as u32, column as u32, precision))
        })
    }

    fn from_grid(row: u32, column: u32, precision: u32) -> Self {
        let (longitude_bits, latitude_bits) = axis_bits(precision);
        let (mut row_bits, mut column_bits) = (latitude_bits, longitude_bits);
        let mut bits = 1;
        for turn in 0..precision * BITS_PER_CHARACTER {
            let (axis, left) = if turn % 2 == 0 { (column, &mut column_bits) } else { (row, &mut row_bits) };
            *left -= 1;
            bits = bits << 1 | (axis >> *left & 1);
        }
        Self(bits)
    }

    /// Row from the south and column from the west, among the cells of its precision.
    pub(crate) fn grid(self) -> (u32, u32) {
        let count = self.precision() * BITS_PER_CHARACTER;
        let (mut row, mut column) = (0, 0);
        for turn in 0..count {
            let bit = self.0 >> (count - 1 - turn) & 1;
            let axis = if turn % 2 == 0 { &mut column } else { &mut row };
            *axis = *axis << 1 | bit;
        }
        (row, column)
    }
}

/// Bits of longitude and of latitude: longitude begins, so it has one more where the count is odd.
pub(crate) fn axis_bits(precision: u32) -> (u32, u32) {
    let bits = precision * BITS_PER_CHARACTER;
    (bits.div_ceil(2), bits / 2)
}

/// Which of the 2^bits equal parts of 0..1 the fraction is in; what lies outside is in the nearest one.
fn index(fraction: f64, bits: u32) -> u32 {
    let count = 1_u32 << bits;
    ((fraction * f64::from(count)).floor() as u32).min(count - 1)
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in (0..self.precision()).rev() {
            let digit = self.0 >> (character * BITS_PER_CHARACTER) & 31;
            write!(f, "{}", char::from(ALPHABET[digit as usize]))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cell({self})")
    }
}

/// Text that is not a geohash of one to six characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseCellError(String);

impl fmt::Display for ParseCellError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not a cell; a geohash of one to six characters is, for example u0m7", self.0)
    }
}

impl std::error::Error for ParseCellError {}

impl FromStr for Cell {
    type Err = ParseCellError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || ParseCellError(text.chars().take(16).collect());
        if !(1..=Self::MAX_PRECISION as usize).contains(&text.len()) {
            return Err(refuse());
        }
        let mut bits = 1;
        for character in text.bytes() {
            let lower = character.to_ascii_lowercase();
            let digit = ALPHABET.iter().position(|candidate| *candidate == lower).ok_or_else(refuse)?;
            bits = bits << BITS_PER_CHARACTER | digit as u32;
        }
        Ok(Self(bits))
    }
}

#[cfg(test)]
mod tests;
