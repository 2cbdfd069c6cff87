//! Positions, distances, geohash cells and cell covers.

pub mod distance;
pub mod position;

pub use position::Position;

mod bounds;
mod cell;
mod circle;
mod cover;
mod region;

pub use bounds::{Bounds, BoundsError};
pub use cell::{Cell, ParseCellError};
pub use circle::{Circle, CircleError};
pub use cover::{area_km2, cover};
pub use region::Region;
