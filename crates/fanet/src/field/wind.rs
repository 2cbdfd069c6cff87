//! The winds in which something applies.

/// Eight sectors of ±22.5 degrees: bit 0 north, bit 1 north-east, clockwise to bit 7 north-west.
///
/// Shown only while the receiver's own wind comes from a marked sector; no sector at all means
/// only in calm air.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct WindSectors(pub u8);

impl WindSectors {
    /// Whether wind from `from_deg` (where it comes from, degrees) lies in a marked sector.
    #[must_use]
    pub fn contains(self, from_deg: f64) -> bool {
        let sector = crate::math::round(from_deg % 360.0 / 45.0).rem_euclid(8);
        self.0 >> sector & 1 == 1
    }

    /// Whether this applies in calm air only.
    #[must_use]
    pub const fn is_calm_only(self) -> bool {
        self.0 == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sectors_are_centred_on_their_direction() {
        let north_and_east = WindSectors(0b0000_0101);
        for (heading, inside) in
            [(0.0, true), (350.0, true), (22.0, true), (23.0, false), (90.0, true), (-90.0, false), (450.0, true)]
        {
            assert_eq!(north_and_east.contains(heading), inside, "{heading}");
        }
        assert!(WindSectors(0).is_calm_only());
    }
}
