//! Climb reports into thermals, and the wind that drifts them.

mod aggregator;
mod clocks;
mod fading;
mod held;
mod picture;
mod thermal;
mod wind;

pub use aggregator::{Aggregator, Changes, ThermalChange, WindChange};
pub use wind::{WindKey, name_of};
