//! Covers of a region: few cells of mixed precision, hardly larger than the region.
//!
//! The cover is an optimum, not a heuristic: a tree of the cells that touch the region is built down to a precision
//! where finer ones no longer matter, and dynamic programming over it finds, for every number of cells up to the limit,
//! the least area. Of these it takes the fewest cells that come within [`WANTED_OVERSPILL`].
//!
//! A client that changes its region makes the server find a cover, so it has to be cheap. Two things make it so, and change
//! no result: cells share their edges, so that angles are computed per row and column ([`touch`]); and the tables hold only
//! what the choice needs ([`plan`]).

mod plan;
mod touch;
mod tree;

use crate::cell::Cell;
use crate::region::Region;

/// With this ratio of areas a cover is good enough to prefer fewer cells.
const WANTED_OVERSPILL: f64 = 1.25;
/// Number of cells of the complete globe: fewer cannot cover it.
const FEWEST_CELLS: usize = 32;

/// Covers the region with at most `max_cells` cells; 32 to 255, clamped.
///
/// Every point of the region is in exactly one of the cells. With 64 cells their area is at most 1.5 times that of circles
/// of 10, 50, 100 and 200 km over the Alps (1.52 at one point of two thousand, at 100 km); for the radius and latitude that
/// fit the grid worst (up to 70 degrees from the equator) the best 64 cells are 1.7 times the circle, and at the poles,
/// where cells are slivers, more. The cells are sorted.
pub fn cover(region: &Region, max_cells: usize) -> Vec<Cell> {
    let max_cells = max_cells.clamp(FEWEST_CELLS, usize::from(u8::MAX));
    let tree = tree::build(region, max_cells);
    let mut cells = plan::choose(&tree, region.area_km2() * WANTED_OVERSPILL, max_cells);
    cells.sort_unstable();
    cells
}

/// Area of cells, square kilometres.
pub fn area_km2(cells: &[Cell]) -> f64 {
    cells.iter().map(|cell| cell.bounds().area_km2()).sum()
}

#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;
