//! The wind aloft, by cell and altitude band. A picture of its own beside the objects: no client subscribes to it.

use std::collections::BTreeMap;

use geo::{Cell, Region};
use schemas::keys;
use schemas::v1::WindState;

/// More winds are not held: the one that was seen least recently is dropped.
const MOST: usize = 20_000;

/// The newest wind of each cell and band.
#[derive(Debug, Default)]
pub struct WindView {
    winds: BTreeMap<(Cell, i32), WindState>,
}

impl WindView {
    /// Takes a record of the topic; `None` is a tombstone, whose version may be absent. Returns false for one that is older
    /// than what is known, or that names no cell.
    pub fn apply(&mut self, key: &str, version: Option<u64>, state: Option<WindState>) -> bool {
        match state {
            Some(state) => self.put(state),
            None => self.remove(key, version),
        }
    }

    /// The winds whose cells have a part in the region (without one: all), by cell, then altitude.
    pub fn inside<'a>(&'a self, region: Option<&'a Region>) -> impl Iterator<Item = (Cell, &'a WindState)> {
        let all = self.winds.iter().map(|((cell, _), state)| (*cell, state));
        all.filter(move |(cell, _)| region.is_none_or(|region| region.touches(&cell.bounds())))
    }

    fn put(&mut self, state: WindState) -> bool {
        let Ok(cell) = state.cell.parse::<Cell>() else { return false };
        let key = (cell, state.base_altitude_m);
        if self.winds.get(&key).is_some_and(|known| known.version > state.version) {
            return false;
        }
        self.winds.insert(key, state);
        let oldest = || self.winds.iter().min_by_key(|(_, state)| state.last_seen_at_us).map(|(key, _)| *key);
        if self.winds.len() > MOST
            && let Some(oldest) = oldest()
        {
            self.winds.remove(&oldest);
        }
        true
    }

    fn remove(&mut self, key: &str, version: Option<u64>) -> bool {
        let Some((cell, base_altitude_m)) = keys::parse_wind(key) else { return false };
        let Ok(cell) = cell.parse::<Cell>() else { return false };
        let key = (cell, base_altitude_m);
        let is_newer = |known: &WindState| version.is_none_or(|version| version >= known.version);
        if !self.winds.get(&key).is_some_and(is_newer) {
            return false;
        }
        self.winds.remove(&key).is_some()
    }
}

#[cfg(test)]
mod tests {
    use geo::{Bounds, Circle};

    use super::*;

    fn wind(cell: &str, base_altitude_m: i32, version: u64) -> WindState {
        WindState {
            cell: cell.to_owned(),
            base_altitude_m,
            version,
            last_seen_at_us: version * 1_000_000,
            ..WindState::default()
        }
    }

    fn versions(view: &WindView, region: Option<&Region>) -> Vec<u64> {
        view.inside(region).map(|(_, state)| state.version).collect()
    }

    #[test]
    fn the_newest_wind_of_a_cell_and_band_stays() {
        let mut view = WindView::default();
        let put = |view: &mut WindView, state: WindState| view.apply("", None, Some(state));
        assert!(put(&mut view, wind("u0m7", 1_500, 5)) && put(&mut view, wind("u0m7", -500, 6)));
        assert!(!put(&mut view, wind("u0m7", 1_500, 4)), "older");
        assert!(put(&mut view, wind("u0m7", 1_500, 7)));
        assert!(!put(&mut view, wind("nowhere", 0, 9)) && !put(&mut view, wind("", 0, 9)));
        assert_eq!(versions(&view, None), [6, 7]);
        assert!(!view.apply("u0m7/1500", Some(6), None), "older");
        assert!(!view.apply("u0m7/2000", Some(9), None) && !view.apply("u0m7", None, None));
        assert!(view.apply("u0m7/1500", Some(8), None) && view.apply("u0m7/-500", None, None));
        assert_eq!(versions(&view, None), [0_u64; 0]);
    }

    #[test]
    fn a_region_has_the_winds_of_all_cells_it_touches() {
        let mut view = WindView::default();
        // 46.58 to 46.76 north, 8.09 to 8.44 east; and Innsbruck.
        let near = Cell::at(46.6, 8.2, 4);
        view.apply("", None, Some(wind(&near.to_string(), 1_500, 1)));
        view.apply("", None, Some(wind(&Cell::at(47.27, 11.4, 4).to_string(), 1_500, 2)));
        let edges = near.bounds();
        let corner = Circle::new(edges.north_deg() + 0.01, edges.east_deg() + 0.01, 5.0).expect("a circle");
        assert_eq!(versions(&view, Some(&Region::Circle(corner))), [1]);
        let inside = Bounds::new(46.61, 8.21, 46.62, 8.22).expect("bounds");
        assert_eq!(versions(&view, Some(&Region::Bounds(inside))), [1], "smaller than a cell");
        assert_eq!(versions(&view, Some(&Region::Bounds(Bounds::WORLD))), [1, 2]);
        let far = Bounds::new(-10.0, 0.0, 10.0, 10.0).expect("bounds");
        assert_eq!(versions(&view, Some(&Region::Bounds(far))), [0_u64; 0]);
    }

    #[test]
    fn there_is_a_bound() {
        let mut view = WindView::default();
        for version in 1..=MOST as u64 + 3 {
            let band = i32::try_from(version).expect("small");
            assert!(view.apply("", None, Some(wind("u0m7", band, version))));
        }
        let kept = versions(&view, None);
        assert_eq!((kept.len(), kept[0]), (MOST, 4));
    }
}
