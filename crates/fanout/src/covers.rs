//! A cache of the cells of regions that clients subscribed to.
//!
//! Every region is rounded to a grid of about a hundredth of its size before its cover is computed. So clients with
//! nearly the same region have the same cells, and share groups, snapshots and work.

use std::collections::VecDeque;

use geo::{Cell, Region};
use rustc_hash::FxHashMap;

/// The maximum number of cached covers, some 300 bytes each; the oldest is removed first.
const MAX_CACHED: usize = 512;

/// The cells of a region, at most `max_cells`.
pub fn cells_of(region: &Region, max_cells: usize) -> Vec<Cell> {
    geo::cover(&region.rounded(), max_cells)
}

/// The region and the maximum number of cells, as bits that can be compared.
type Key = (u8, [u64; 4], usize);

/// Cached covers.
#[derive(Debug, Default)]
pub struct Covers {
    cached: FxHashMap<Key, Box<[Cell]>>,
    order: VecDeque<Key>,
    computed: u32,
}

impl Covers {
    /// Like [`cells_of`], with the cache.
    pub fn cells(&mut self, region: &Region, max_cells: usize) -> Vec<Cell> {
        let rounded = region.rounded();
        let key = key(&rounded, max_cells);
        if let Some(cells) = self.cached.get(&key) {
            return cells.to_vec();
        }
        let cells = geo::cover(&rounded, max_cells);
        self.computed += 1;
        if self.order.len() >= MAX_CACHED
            && let Some(oldest) = self.order.pop_front()
        {
            self.cached.remove(&oldest);
        }
        self.order.push_back(key);
        self.cached.insert(key, cells.clone().into());
        cells
    }

    /// How many covers were computed since the last call.
    pub fn take_computed(&mut self) -> u32 {
        std::mem::take(&mut self.computed)
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
    fn a_cached_cover_is_not_computed_again() {
        let mut covers = Covers::default();
        let first = covers.cells(&circle(46.501), 64);
        assert_eq!(first, cells_of(&circle(46.501), 64));
        assert_eq!(covers.cells(&circle(46.502), 64), first, "nearly the same region");
        assert_eq!(covers.take_computed(), 1);
        assert_ne!(covers.cells(&circle(46.501), 32), first);
        assert_eq!(covers.take_computed(), 1);
    }

    #[test]
    fn the_cache_is_bounded() {
        let mut covers = Covers::default();
        for number in 0..=MAX_CACHED {
            covers.cells(&circle(number as f64 * 0.1 - 30.0), 64);
        }
        assert_eq!((covers.cached.len(), covers.order.len()), (MAX_CACHED, MAX_CACHED));
    }
}
