//! Zones as positions are compared with them.

use geo::{Bounds, Position};
use schemas::v1;

use crate::limit::Bound;
use crate::limits::{CLASS_CHARS, ID_CHARS, NAME_CHARS, POLYGONS};
use crate::ring::{Extent, Point, Ring};

/// How far outside of the outline an aircraft has left, metres: above the error of GPS, and what a pilot on the border drifts.
const LEAVE_M: f64 = 100.0;
/// How far below the floor or above the ceiling an aircraft has left, metres: above the vertical error of GPS.
const LEAVE_VERTICAL_M: f64 = 30.0;

/// A position to compare with zones.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fix {
    pub(crate) point: Point,
    /// Metres above mean sea level. `None`: not known.
    altitude_m: Option<f64>,
}

impl Fix {
    /// A position. `None`: it is not on Earth.
    pub fn new(position: Position, altitude_m: Option<f64>) -> Option<Self> {
        Some(Self { point: Point::of(position)?, altitude_m: altitude_m.filter(|altitude| altitude.is_finite()) })
    }
}

/// Whether an aircraft is in a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// Inside.
    Inside,
    /// Outside.
    Outside,
    /// Within the outline; its altitude, or that of the zone, is not known. It neither enters nor leaves.
    Unknown,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Polygon {
    outline: Ring,
    holes: Box<[Ring]>,
}

impl Polygon {
    fn decode(polygon: &v1::ZonePolygon) -> Option<Self> {
        let holes: Option<Box<[Ring]>> = polygon.holes.iter().map(Ring::decode).collect();
        Some(Self { outline: Ring::decode(polygon.outline.as_ref()?)?, holes: holes? })
    }

    pub(crate) fn extent(&self) -> &Extent {
        self.outline.extent()
    }

    pub(crate) fn contains(&self, point: Point) -> bool {
        self.outline.contains(point) && !self.holes.iter().any(|hole| hole.contains(point))
    }

    fn is_near(&self, point: Point) -> bool {
        self.outline.is_near(point, LEAVE_M) || self.holes.iter().any(|hole| hole.is_near(point, LEAVE_M))
    }

    fn vertices(&self) -> usize {
        self.outline.vertices() + self.holes.iter().map(Ring::vertices).sum::<usize>()
    }
}

/// A zone.
#[derive(Clone, Debug, PartialEq)]
pub struct Zone {
    /// The set that it belongs to.
    pub set: Box<str>,
    /// Its id in the set.
    pub zone_id: Box<str>,
    /// Its name.
    pub name: Box<str>,
    /// Its class.
    pub zone_class: Box<str>,
    key: u64,
    floor: Bound,
    ceiling: Bound,
    valid_from_us: u64,
    valid_until_us: u64,
    pub(crate) polygons: Box<[Polygon]>,
}

impl Zone {
    /// The zone of a record. `None`: it is none that can be used.
    pub fn decode(set: &str, zone: &v1::Zone) -> Option<Self> {
        let is_short = |text: &str, chars: usize| text.len() <= 4 * chars;
        let is_sound = !zone.zone_id.is_empty()
            && is_short(&zone.zone_id, ID_CHARS)
            && is_short(&zone.name, NAME_CHARS)
            && is_short(&zone.zone_class, CLASS_CHARS)
            && (1..=POLYGONS).contains(&zone.polygons.len());
        let polygons: Option<Box<[Polygon]>> = zone.polygons.iter().map(Polygon::decode).collect();
        Some(Self {
            set: set.into(),
            zone_id: zone.zone_id.as_str().into(),
            name: zone.name.as_str().into(),
            zone_class: zone.zone_class.as_str().into(),
            key: key_of(set, &zone.zone_id),
            floor: Bound::of(zone.floor.as_ref(), zone.ground_altitude_m),
            ceiling: Bound::of(zone.ceiling.as_ref(), zone.ground_altitude_m),
            valid_from_us: zone.valid_from_us.unwrap_or_default(),
            valid_until_us: zone.valid_until_us.unwrap_or(u64::MAX),
            polygons: polygons.filter(|_| is_sound)?,
        })
    }

    /// The hash of set and id, by which a stay names its zone.
    pub fn key(&self) -> u64 {
        self.key
    }

    /// How many vertices it has.
    pub fn vertices(&self) -> usize {
        self.polygons.iter().map(Polygon::vertices).sum()
    }

    /// The rectangles that enclose its polygons.
    pub fn bounds(&self) -> impl Iterator<Item = Bounds> {
        self.polygons.iter().filter_map(|polygon| polygon.extent().bounds())
    }

    /// Whether its altitudes can be compared with those of aircraft. False: it is on the map only.
    pub fn is_judged(&self) -> bool {
        self.floor != Bound::Unknown && self.ceiling != Bound::Unknown
    }

    /// Whether the floor is not below the ceiling.
    pub fn is_upside_down(&self) -> bool {
        matches!((self.floor, self.ceiling), (Bound::At(floor), Bound::At(ceiling)) if floor >= ceiling)
    }

    /// Whether it is valid at a time, microseconds since the epoch.
    pub fn is_valid_at(&self, at_us: u64) -> bool {
        (self.valid_from_us..self.valid_until_us).contains(&at_us)
    }

    /// Whether an aircraft that was outside is inside now.
    pub fn judge(&self, fix: &Fix) -> Judgement {
        match self.polygons.iter().any(|polygon| polygon.contains(fix.point)) {
            true => self.judge_altitude(fix, 0.0),
            false => Judgement::Outside,
        }
    }

    /// Whether an aircraft that was inside still is: it has left when it is more than 100 m outside of the outline, or more
    /// than 30 m below the floor or above the ceiling. So a pilot on the border does not enter and leave with every position.
    pub fn judge_stay(&self, fix: &Fix) -> Judgement {
        let mut polygons = self.polygons.iter();
        match polygons.any(|polygon| polygon.contains(fix.point) || polygon.is_near(fix.point)) {
            true => self.judge_altitude(fix, LEAVE_VERTICAL_M),
            false => Judgement::Outside,
        }
    }

    pub(crate) fn judge_altitude(&self, fix: &Fix, margin_m: f64) -> Judgement {
        let above = |bound: Bound| match bound {
            Bound::Open => Some(true),
            Bound::At(floor_m) => fix.altitude_m.map(|altitude_m| altitude_m >= floor_m - margin_m),
            Bound::Unknown => None,
        };
        let below = |bound: Bound| match bound {
            Bound::Open => Some(true),
            Bound::At(ceiling_m) => fix.altitude_m.map(|altitude_m| altitude_m <= ceiling_m + margin_m),
            Bound::Unknown => None,
        };
        match (above(self.floor), below(self.ceiling)) {
            (Some(true), Some(true)) => Judgement::Inside,
            (Some(false), _) | (_, Some(false)) => Judgement::Outside,
            _ => Judgement::Unknown,
        }
    }
}

/// The hash of set and id: FNV-1a, the same on every machine.
pub fn key_of(set: &str, zone_id: &str) -> u64 {
    let bytes = set.bytes().chain([b'/']).chain(zone_id.bytes());
    bytes.fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::zone;

    fn fix(lat: f64, lon: f64, altitude_m: f64) -> Fix {
        Fix::new(Position::new(lat, lon), Some(altitude_m)).expect("on Earth")
    }

    #[test]
    fn a_pilot_on_the_border_enters_once() {
        // A square of 46 to 47 degrees, from 1,000 to 2,000 m.
        let zone = zone("1000 m", "2000 m");
        assert_eq!(zone.judge(&fix(46.5, 7.5, 999.0)), Judgement::Outside);
        assert_eq!(zone.judge(&fix(46.5, 7.5, 1_000.0)), Judgement::Inside);
        for (lat, altitude_m, stays) in [
            (46.5, 971.0, Judgement::Inside),
            (46.5, 969.0, Judgement::Outside),
            (46.5, 2_030.0, Judgement::Inside),
            (46.5, 2_031.0, Judgement::Outside),
            (45.999_2, 1_500.0, Judgement::Inside),
            (45.999, 1_500.0, Judgement::Outside),
        ] {
            assert_eq!(zone.judge_stay(&fix(lat, 7.5, altitude_m)), stays, "{lat} {altitude_m}");
        }
    }

    #[test]
    fn an_unknown_altitude_neither_enters_nor_leaves() {
        let at = |lat| Fix::new(Position::new(lat, 7.5), None).expect("on Earth");
        let limited = zone("GND", "2000 m");
        assert_eq!((limited.judge(&at(46.5)), limited.judge_stay(&at(46.5))), (Judgement::Unknown, Judgement::Unknown));
        assert_eq!(limited.judge_stay(&at(45.0)), Judgement::Outside);
        assert_eq!(zone("GND", "UNL").judge(&at(46.5)), Judgement::Inside);
    }

    #[test]
    fn limits_above_an_unknown_ground_are_not_judged() {
        assert!(!zone("GND", "300 m AGL").is_judged());
        assert!(zone("GND", "FL95").is_judged());
        assert!(zone("2000 m", "1000 m").is_upside_down());
    }
}
