//! All live thermals, indexed by cell and by the time of their next check.
//!
//! The index only spares distances: which thermal is nearest, and which has ended, is for the thermals to say. Each stands
//! in the cell where it was when it was looked at last, and is looked at again before it has drifted by [`SLACK_M`].

use std::collections::{BTreeMap, BTreeSet};

use geo::Position;
use geo::position::{EARTH_RADIUS_M, wrap_longitude_deg};
use schemas::v1::ClimbReport;

use crate::core::settings::SECOND_US;
use crate::thermals::thermal::{JOIN_M, Thermal};

const CELL_DEG: f64 = 0.05;
/// So far a thermal may be from where it stands in the index, metres.
const SLACK_M: f64 = 2_000.0;
/// For distances that are reckoned on a plane, metres.
const ROUNDING_M: f64 = 100.0;
/// Nearer to a pole than this all longitudes are looked through, degrees.
const POLE_LATITUDE_DEG: f64 = 89.0;

/// Row from the south pole and column from the date line.
type Cell = (i32, i32);

/// The live thermals.
#[derive(Debug, Default)]
pub(super) struct Picture {
    thermals: BTreeMap<u64, Indexed>,
    cells: BTreeSet<(i32, i32, u64)>,
    /// When to look at which again.
    due: BTreeSet<(u64, u64)>,
}

#[derive(Debug)]
struct Indexed {
    thermal: Thermal,
    cell: Cell,
    due_us: u64,
}

impl Picture {
    /// Puts a thermal in, as it is at a time.
    pub(super) fn put(&mut self, thermal: Thermal, at_us: u64) {
        let thermal_id = thermal.state.thermal_id;
        let cell = cell_of(thermal.drifted(at_us));
        let drifts_us = (SLACK_M / thermal.wind_mps().max(f64::EPSILON) * SECOND_US as f64) as u64;
        let due_us = thermal.ends_at_us().min(at_us.saturating_add(drifts_us));
        self.take(thermal_id);
        self.cells.insert((cell.0, cell.1, thermal_id));
        self.due.insert((due_us, thermal_id));
        self.thermals.insert(thermal_id, Indexed { thermal, cell, due_us });
    }

    /// Takes a thermal out.
    pub(super) fn take(&mut self, thermal_id: u64) -> Option<Thermal> {
        let Indexed { thermal, cell, due_us } = self.thermals.remove(&thermal_id)?;
        self.cells.remove(&(cell.0, cell.1, thermal_id));
        self.due.remove(&(due_us, thermal_id));
        Some(thermal)
    }

    /// Indexes all thermals again, as they were at an earlier time than that of their last check.
    pub(super) fn set_back(&mut self, at_us: u64) {
        let all: Vec<u64> = self.thermals.keys().copied().collect();
        for thermal in all.into_iter().filter_map(|thermal_id| self.take(thermal_id)).collect::<Vec<_>>() {
            self.put(thermal, at_us);
        }
    }

    /// A thermal by its id.
    pub(super) fn find(&self, thermal_id: u64) -> Option<&Thermal> {
        self.thermals.get(&thermal_id).map(|indexed| &indexed.thermal)
    }

    /// Sets the version under which a thermal is published.
    pub(super) fn set_version(&mut self, thermal_id: u64, version: u64) -> Option<&Thermal> {
        let thermal = &mut self.thermals.get_mut(&thermal_id)?.thermal;
        thermal.state.version = version;
        Some(thermal)
    }

    /// All thermals, by id.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Thermal> {
        self.thermals.values().map(|indexed| &indexed.thermal)
    }

    /// Lets time pass; thermals that have ended by then go out. To be called before a report of that time is placed.
    pub(super) fn pass(&mut self, at_us: u64, mut ended: impl FnMut(Thermal)) {
        while let Some(&(due_us, thermal_id)) = self.due.first()
            && due_us <= at_us
        {
            let thermal = self.take(thermal_id).expect("due has live thermals only");
            if thermal.ends_at_us() > at_us {
                self.put(thermal, at_us);
            } else {
                ended(thermal);
            }
        }
    }

    /// The thermal that a report belongs to: the nearest, of equally near ones the oldest id.
    pub(super) fn nearest(&self, report: &ClimbReport, position: Position) -> Option<u64> {
        let near = self.around(position).filter_map(|thermal_id| {
            let distance_m = self.find(thermal_id)?.distance_m(report, position)?;
            (distance_m <= JOIN_M).then_some((distance_m, thermal_id))
        });
        near.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1))).map(|(_, thermal_id)| thermal_id)
    }

    /// All thermals that could be within reach of a position, and others.
    fn around(&self, position: Position) -> impl Iterator<Item = u64> {
        let reach_deg = ((JOIN_M + SLACK_M + ROUNDING_M) / EARTH_RADIUS_M).to_degrees();
        let (south_deg, north_deg) = (position.latitude_deg - reach_deg, position.latitude_deg + reach_deg);
        let columns = columns(position.longitude_deg, reach_deg, north_deg.max(-south_deg));
        let rows = index(south_deg + 90.0)..=index(north_deg + 90.0);
        rows.flat_map(move |row| columns.map(|(from, to)| (row, from, to))).flat_map(|(row, from, to)| {
            // An empty range is encoded as one that ends before it begins.
            let stretch = (from <= to).then(|| self.cells.range((row, from, 0)..=(row, to, u64::MAX)));
            stretch.into_iter().flatten().map(|(_, _, thermal_id)| *thermal_id)
        })
    }
}

/// One stretch of columns, or two where it crosses the date line.
fn columns(longitude_deg: f64, reach_deg: f64, farthest_latitude_deg: f64) -> [(i32, i32); 2] {
    const NONE: (i32, i32) = (0, -1);
    if farthest_latitude_deg >= POLE_LATITUDE_DEG {
        return [(0, i32::MAX), NONE];
    }
    let wide_deg = reach_deg / libm::cos(farthest_latitude_deg.to_radians());
    let middle_deg = wrap_longitude_deg(longitude_deg) + 180.0;
    let (west_deg, east_deg) = (middle_deg - wide_deg, middle_deg + wide_deg);
    if west_deg < 0.0 {
        [(0, index(east_deg)), (index(west_deg + 360.0), i32::MAX)]
    } else if east_deg > 360.0 {
        [(index(west_deg), i32::MAX), (0, index(east_deg - 360.0))]
    } else {
        [(index(west_deg), index(east_deg)), NONE]
    }
}

fn cell_of(position: Position) -> Cell {
    (index(position.latitude_deg + 90.0), index(wrap_longitude_deg(position.longitude_deg) + 180.0))
}

fn index(degrees: f64) -> i32 {
    (degrees / CELL_DEG).floor() as i32
}

#[cfg(test)]
mod tests;
