//! Numbers that may be absent, in no more room than those that may not.

/// A number that may not have been told, in eight bytes. What is no number was not told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Told(u64);

impl Told {
    const NOTHING: Self = Self(u64::MAX);

    /// The number.
    pub(super) fn get(self) -> Option<f64> {
        (self != Self::NOTHING).then(|| f64::from_bits(self.0))
    }
}

impl Default for Told {
    fn default() -> Self {
        Self::NOTHING
    }
}

impl From<Option<f64>> for Told {
    fn from(told: Option<f64>) -> Self {
        told.filter(|value| !value.is_nan()).map_or(Self::NOTHING, |value| Self(value.to_bits()))
    }
}

/// The same in four bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Told32(u32);

impl Told32 {
    const NOTHING: Self = Self(u32::MAX);

    pub(super) fn get(self) -> Option<f64> {
        (self != Self::NOTHING).then(|| f32::from_bits(self.0).into())
    }
}

impl Default for Told32 {
    fn default() -> Self {
        Self::NOTHING
    }
}

impl From<Option<f64>> for Told32 {
    fn from(told: Option<f64>) -> Self {
        told.filter(|value| !value.is_nan()).map_or(Self::NOTHING, |value| Self((value as f32).to_bits()))
    }
}
