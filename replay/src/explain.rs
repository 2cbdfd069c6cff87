//! Frames for people: every byte with its field and meaning.

use crate::decode::line::{LineError, Parts};
use fanet::json::Report;

/// Writes explanations, in colour or not.
pub(crate) struct Explainer {
    colour: bool,
}

impl Explainer {
    pub(crate) const fn new(colour: bool) -> Self {
        Self { colour }
    }

    /// The explanation of one line.
    pub(crate) fn explain(&mut self, parts: &Parts<'_>, decoded: &Result<Report<'_>, LineError>) -> String {
        let _ = self.colour;
        format!("{:?} {} {decoded:?}\n", parts.bytes, parts.is_wrapped)
    }
}
