//! Stories and properties of the complete core.

mod alerts;
mod attacks;
mod clocks;
mod decisions;
mod kit;
mod landmarks;
mod privacy;
mod properties;
mod rules;
mod stories;
mod truth;
mod zones;
