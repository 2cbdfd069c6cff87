//! The cells of regions that clients asked for lately.
//!
//! Regions are rounded to a grid of about a hundredth of their size before they are covered, here and wherever a subscription
//! is made, so that clients who look at nearly the same have the same cells: their groups, their snapshots and the work are
//! then shared.

use std::collections::VecDeque;

use geo::{Cell, Region};
use rustc_hash::FxHashMap;

/// Covers that are kept, some 300 bytes each; the oldest goes first.
const MAX_KEPT: usize = 512;

/// The cells of a region, at most `max_cells`.
pub fn cells_of(region: &Region, max_cells: usize) -> Vec<Cell> {
    geo::cover(&region.rounded(), max_cells)
}

/// What a cover is of, as bits that can be compared.
type Key = (u8, [u64; 4], usize);

/// Covers that were found before.
#[derive(Debug, Default)]
pub struct Covers {
    kept: FxHashMap<Key, Box<[Cell]>>,
    order: VecDeque<Key>,
    found: u32,
}

impl Covers {
    /// As [`cells_of`].
    pub fn cells(&mut self, region: &Region, max_cells: usize) -> Vec<Cell> {
        let rounded = region.rounded();
        let key = key(&rounded, max_cells);
        if let Some(cells) = self.kept.get(&key) {
            return cells.to_vec();
        }
        let cells = geo::cover(&rounded, max_cells);
        self.found += 1;
        if self.order.len() >= MAX_KEPT
            && let Some(oldest) = self.order.pop_front()
        {
            self.kept.remove(&oldest);
        }
        self.order.push_back(key);
        self.kept.insert(key, cells.clone().into());
        cells
    }

    /// How many covers had to be found since this was last asked.
    pub fn take_found(&mut self) -> u32 {
        std::mem::take(&mut self.found)
    }
}

fn key(region: &Region, max_cells: usize) -> Key {
    match region {
        Region::Circle(circle) => {
            let numbers = [circle.latitude_deg(), circle.longitude_deg(), circle.radius_km(), 0.0];
            (0, numbers.map(f64::to_bits), max_cells)
        }
        Region::Bounds(bounds) => {
            let numbers = [bounds.south_deg(), bounds.west_deg(), bounds.north_deg(), bounds.east_deg()];
            (1, numbers.map(f64::to_bits), max_cells)
        }
    }
}

#[cfg(test)]
mod tests {
    use geo::Circle;

    use super::*;

    fn circle(lat: f64) -> Region {
        Region::Circle(Circle::new(lat, 8.0, 50.0).unwrap())
    }

    #[test]
    fn a_known_cover_is_not_found_again() {
        let mut covers = Covers::default();
        let first = covers.cells(&circle(46.501), 64);
        assert_eq!(first, cells_of(&circle(46.501), 64));
        assert_eq!(covers.cells(&circle(46.502), 64), first, "hardly another region");
        assert_eq!(covers.take_found(), 1);
        assert_ne!(covers.cells(&circle(46.501), 32), first);
        assert_eq!(covers.take_found(), 1);
    }

    #[test]
    fn the_covers_kept_are_bounded() {
        let mut covers = Covers::default();
        for place in 0..=MAX_KEPT {
            covers.cells(&circle(place as f64 * 0.1 - 30.0), 64);
        }
        assert_eq!((covers.kept.len(), covers.order.len()), (MAX_KEPT, MAX_KEPT));
    }
}
