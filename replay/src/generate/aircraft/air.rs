//! The air around an aircraft, and the next phase of its day.

use super::super::area::Area;

/// The air around an aircraft for one step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Air<'a> {
    pub(crate) area: &'a Area,
    /// Seconds since the start of the run, at the end of the step.
    pub(crate) now_s: f64,
    pub(crate) step_s: f64,
}

/// The phase after a step.
#[derive(Debug, Clone)]
pub(crate) enum Next<T> {
    /// The phase continues.
    Same(T),
    Descent,
    Landed,
    Carried,
    Parked {
        until_s: f64,
    },
}
