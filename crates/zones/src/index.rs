//! The zones at a position. Most positions are in none, and cost a few look-ups.
//!
//! The globe is divided into squares of six sizes, from a sixteenth of a degree to 120 degrees. A polygon is listed in the
//! squares that its extent touches, of the smallest size of which these are few. A look-up reads one square of each size that
//! is in use.

use rustc_hash::FxHashMap;

use crate::limits::{VERTICES, ZONES};
use crate::ring::{Extent, Point, TURN_E6};
use crate::zone::{Fix, Judgement, Zone};

/// Sizes of squares, millionths of a degree; each divides the globe.
const SIZES_E6: [i64; 6] = [62_500, 250_000, 1_000_000, 4_000_000, 20_000_000, 120_000_000];
/// A polygon is entered in this number of squares at most, unless even the largest squares are too small for it.
const MAX_SQUARES: i64 = 16;
const QUARTER_TURN_E6: i64 = TURN_E6 / 4;

/// Zones by position and by key.
#[derive(Clone, Debug, Default)]
pub struct Index {
    zones: Vec<Zone>,
    by_key: FxHashMap<u64, u32>,
    /// Per size that is in use.
    levels: Vec<Level>,
    /// Polygons by square: the numbers of zone and polygon.
    entries: Vec<(u32, u32)>,
}

#[derive(Clone, Debug)]
struct Level {
    size_e6: i64,
    /// A square's range of the entries.
    squares: FxHashMap<u64, (u32, u32)>,
}

impl Index {
    /// Zones in a stated order, which is that of the answers. Zones beyond the limits, and those that are on the map only, are
    /// left out; of two with one key, the first counts.
    pub fn new(zones: impl IntoIterator<Item = Zone>) -> Self {
        let mut index = Self::default();
        let mut vertices = 0;
        for zone in zones.into_iter().filter(Zone::is_judged) {
            vertices += zone.vertices();
            if index.zones.len() == ZONES || vertices > VERTICES {
                break;
            }
            let number = index.zones.len() as u32;
            if index.by_key.try_insert_new(zone.key(), number) {
                index.zones.push(zone);
            }
        }
        index.build();
        index
    }

    fn build(&mut self) {
        for size_e6 in SIZES_E6 {
            let mut listed: Vec<(u64, (u32, u32))> = Vec::new();
            for (zone_number, zone) in (0..).zip(&self.zones) {
                for (number, polygon) in (0..).zip(&zone.polygons) {
                    if size_of(polygon.extent()) == size_e6 {
                        let squares = squares(polygon.extent(), size_e6);
                        listed.extend(squares.map(|square| (square, (zone_number, number))));
                    }
                }
            }
            if listed.is_empty() {
                continue;
            }
            listed.sort_unstable();
            listed.dedup();
            let mut squares = FxHashMap::default();
            for (square, entry) in listed {
                let at = self.entries.len() as u32;
                squares.entry(square).or_insert((at, at)).1 = at + 1;
                self.entries.push(entry);
            }
            self.levels.push(Level { size_e6, squares });
        }
    }

    /// Whether there are no zones.
    pub fn is_empty(&self) -> bool {
        self.zones.is_empty()
    }

    /// How many zones there are.
    pub fn len(&self) -> usize {
        self.zones.len()
    }

    /// The zone with a key.
    pub fn by_key(&self, key: u64) -> Option<&Zone> {
        self.by_key.get(&key).map(|number| &self.zones[*number as usize])
    }

    /// The zones that an aircraft is in which was outside of them, in the order of the zones, each once. Allocates only where
    /// there is one.
    pub fn at(&self, fix: &Fix) -> Vec<&Zone> {
        let mut found: Vec<u32> = Vec::new();
        for level in &self.levels {
            let Some((start, end)) = level.squares.get(&square_at(fix.point, level.size_e6)) else { continue };
            for (zone_number, number) in &self.entries[*start as usize..*end as usize] {
                let zone = &self.zones[*zone_number as usize];
                let is_inside = zone.polygons[*number as usize].contains(fix.point)
                    && zone.judge_altitude(fix, 0.0) == Judgement::Inside;
                if is_inside {
                    found.push(*zone_number);
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        found.into_iter().map(|number| &self.zones[number as usize]).collect()
    }
}

trait TryInsertNew {
    fn try_insert_new(&mut self, key: u64, number: u32) -> bool;
}

impl TryInsertNew for FxHashMap<u64, u32> {
    fn try_insert_new(&mut self, key: u64, number: u32) -> bool {
        let before = self.len();
        self.entry(key).or_insert(number);
        self.len() > before
    }
}

/// The smallest size of which the extent touches few squares.
fn size_of(extent: &Extent) -> i64 {
    let few = |size_e6: &i64| {
        let (rows, columns) = (rows(extent, *size_e6), columns(extent, *size_e6));
        (rows.1 - rows.0 + 1) * (columns.1 - columns.0 + 1) <= MAX_SQUARES
    };
    SIZES_E6.into_iter().find(few).unwrap_or(SIZES_E6[SIZES_E6.len() - 1])
}

fn squares(extent: &Extent, size_e6: i64) -> impl Iterator<Item = u64> {
    let (rows, columns) = (rows(extent, size_e6), columns(extent, size_e6));
    let around = TURN_E6 / size_e6;
    (rows.0..=rows.1).flat_map(move |row| (columns.0..=columns.1).map(move |column| square(row, column % around)))
}

fn rows(extent: &Extent, size_e6: i64) -> (i64, i64) {
    let row = |latitude: i64| (latitude + QUARTER_TURN_E6) / size_e6;
    (row(extent.south), row(extent.north))
}

fn columns(extent: &Extent, size_e6: i64) -> (i64, i64) {
    let column = |longitude: i64| (longitude + TURN_E6 / 2) / size_e6;
    (column(extent.west), column(extent.east))
}

fn square_at(point: Point, size_e6: i64) -> u64 {
    let longitude = (point.longitude + TURN_E6 / 2).rem_euclid(TURN_E6);
    square((point.latitude + QUARTER_TURN_E6) / size_e6, longitude / size_e6)
}

fn square(row: i64, column: i64) -> u64 {
    (row as u64) << 32 | column as u64
}

#[cfg(test)]
mod tests {
    use geo::Position;
    use proptest::prelude::*;

    use super::*;
    use crate::testing::rectangle;

    fn index(rectangles: &[(f64, f64, f64, f64)]) -> Index {
        let zones = rectangles.iter().enumerate().filter_map(|(number, (south, west, height, width))| {
            let zone = rectangle(&format!("z{number}"), *south, *west, *height, *width);
            Zone::decode("test", &zone)
        });
        Index::new(zones)
    }

    #[test]
    fn zones_are_found_at_the_antimeridian() {
        let index = index(&[(-20.0, 179.0, 5.0, 2.0), (46.0, 7.0, 0.01, 0.01), (-10.0, -180.0, 1.0, 1.0)]);
        let at = |lat, lon| {
            let fix = Fix::new(Position::new(lat, lon), None).expect("on Earth");
            index.at(&fix).iter().map(|zone| zone.zone_id.to_string()).collect::<Vec<_>>()
        };
        for lon in [179.5, 180.0, -180.0, -179.5] {
            assert_eq!(at(-18.0, lon), ["z0"], "{lon}");
        }
        assert_eq!(at(46.005, 7.005), ["z1"]);
        assert_eq!(at(-9.5, -179.5), ["z2"]);
        assert!(at(0.0, 0.0).is_empty() && at(90.0, 180.0).is_empty() && at(-90.0, -180.0).is_empty());
    }

    proptest! {
        #[test]
        fn the_index_finds_what_each_zone_says(
            rectangles in prop::collection::vec(
                (-89.0..80.0_f64, -180.0..180.0_f64, 0.001..9.0_f64, prop_oneof![0.001..0.5_f64, 0.5..170.0_f64]), 1..30,
            ),
            points in prop::collection::vec((-90.0..=90.0_f64, -180.0..=180.0_f64), 20),
        ) {
            let index = index(&rectangles);
            // Points of the zones themselves, too.
            let corners = rectangles.iter().map(|(south, west, height, width)| {
                (south + height / 2.0, geo::position::wrap_longitude_deg(west + width / 2.0))
            });
            for (lat, lon) in points.into_iter().chain(corners) {
                let fix = Fix::new(Position::new(lat, lon), None).expect("on Earth");
                let slow: Vec<_> = index.zones.iter().filter(|zone| zone.judge(&fix) == Judgement::Inside).collect();
                prop_assert_eq!(index.at(&fix), slow);
            }
        }
    }
}
