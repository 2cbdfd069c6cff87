//! Optional numbers without extra memory.

/// A number that may be absent, in eight bytes. NaN counts as absent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct OptionalF64(u64);

impl OptionalF64 {
    const NONE: Self = Self(u64::MAX);

    /// The number.
    pub(super) fn get(self) -> Option<f64> {
        (self != Self::NONE).then(|| f64::from_bits(self.0))
    }
}

impl Default for OptionalF64 {
    fn default() -> Self {
        Self::NONE
    }
}

impl From<Option<f64>> for OptionalF64 {
    fn from(number: Option<f64>) -> Self {
        number.filter(|value| !value.is_nan()).map_or(Self::NONE, |value| Self(value.to_bits()))
    }
}

/// The same in four bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct OptionalF32(u32);

impl OptionalF32 {
    const NONE: Self = Self(u32::MAX);

    pub(super) fn get(self) -> Option<f64> {
        (self != Self::NONE).then(|| f32::from_bits(self.0).into())
    }
}

impl Default for OptionalF32 {
    fn default() -> Self {
        Self::NONE
    }
}

impl From<Option<f64>> for OptionalF32 {
    fn from(number: Option<f64>) -> Self {
        number.filter(|value| !value.is_nan()).map_or(Self::NONE, |value| Self((value as f32).to_bits()))
    }
}
