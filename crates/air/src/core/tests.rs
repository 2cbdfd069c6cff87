//! Stories and properties of the complete core.

mod attacks;
mod clocks;
mod decisions;
mod kit;
mod privacy;
mod properties;
mod rules;
mod stories;
mod truth;
mod zones;
