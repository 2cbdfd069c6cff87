//! The OpenAir format of airspace files.
//!
//! | line | read as |
//! | --- | --- |
//! | `AC` | a new zone of this class |
//! | `AY` | its type, which takes the place of the class where that says nothing (`UNC`, `UNCLASSIFIED`) |
//! | `AN`, `AL`, `AH` | name, floor, ceiling |
//! | `V X=`, `V D=` | the centre, and the direction of arcs: `+` is clockwise |
//! | `DP` | a point |
//! | `DC` | a circle, radius in nautical miles |
//! | `DA` | an arc by radius and two bearings |
//! | `DB` | an arc by two points |
//! | `*` | the rest of the line is a comment |
//!
//! Other lines (frequencies, labels, colours, airways) are passed over and counted. An error names its line. The file is read
//! here and not by a library, so that errors name lines and every limit holds before memory is taken.

mod coordinate;

use geo::Position;
use geo::distance::{bearing_deg, distance_m, offset};

use crate::import::{Drawn, Import, ImportError, polygon};
use crate::limit::parse_limit;
use crate::limits::RING_VERTICES;
use coordinate::parse_position;

const NAUTICAL_MILE_M: f64 = 1_852.0;
/// A circle has 72 vertices: a radius of 10 nautical miles is exact to 20 m.
const ARC_STEP_DEG: f64 = 5.0;
const LARGEST_RADIUS_NM: f64 = 1_000.0;

/// Reads a file.
///
/// # Errors
/// The first line that cannot be used.
pub fn parse(text: &str) -> Result<Import, ImportError> {
    let mut reader = Reader::default();
    // Files of old Macintoshes have no line feed.
    let separator = if text.contains('\n') { '\n' } else { '\r' };
    for (number, line) in (1..).zip(text.split(separator)) {
        reader.number = number;
        reader.line(line).map_err(|problem| ImportError::line(number, problem))?;
    }
    let started_at = reader.started_at;
    reader.end_zone().map_err(|problem| ImportError::line(started_at, problem))?;
    Ok(reader.import.finish())
}

#[derive(Default)]
struct Reader {
    import: Import,
    number: usize,
    /// The line of the zone's `AC`; 0: before the first.
    started_at: usize,
    drawn: Drawn,
    zone_type: String,
    outline: Vec<Position>,
    centre: Option<Position>,
    is_counterclockwise: bool,
}

impl Reader {
    fn line(&mut self, line: &str) -> Result<(), String> {
        let line = line.split('*').next().unwrap_or_default().trim();
        let (command, value) = line.split_once(|letter: char| letter.is_whitespace()).unwrap_or((line, ""));
        let value = value.trim();
        let command = command.to_ascii_uppercase();
        if command.is_empty() {
            return Ok(());
        }
        let is_known = ["AC", "AN", "AL", "AH", "AY", "DP", "DC", "DA", "DB", "V"].contains(&command.as_str());
        if is_known && command != "AC" && self.started_at == 0 {
            return Err(format!("{command} before the first AC: expected AC with the class of a zone"));
        }
        match command.as_str() {
            "AC" => {
                let (before, started_at) = (self.number, self.started_at);
                if started_at > 0 {
                    self.end_zone().map_err(|problem| format!("the zone from line {started_at} on: {problem}"))?;
                }
                self.started_at = before;
                self.drawn.zone_class = value.to_owned();
                Ok(())
            }
            "AY" => {
                self.zone_type = value.to_owned();
                Ok(())
            }
            "AN" => {
                self.drawn.name = value.to_owned();
                Ok(())
            }
            "AL" => {
                self.drawn.floor = limit(value)?;
                Ok(())
            }
            "AH" => {
                self.drawn.ceiling = limit(value)?;
                Ok(())
            }
            "V" => self.variable(value),
            "DP" => {
                let point = parse_position(value)?;
                self.push(point)
            }
            "DC" => {
                let (centre, radius_m) = (self.centre()?, radius_m(value)?);
                self.arc(centre, (radius_m, radius_m), 0.0, 360.0)
            }
            "DA" => self.arc_by_bearings(value),
            "DB" => self.arc_by_points(value),
            _ => {
                self.import.ignored += 1;
                Ok(())
            }
        }
    }

    fn variable(&mut self, value: &str) -> Result<(), String> {
        let (name, value) = value.split_once('=').ok_or("expected V X=<position> or V D=+ or V D=-")?;
        match (name.trim().to_ascii_uppercase().as_str(), value.trim()) {
            ("X", position) => self.centre = Some(parse_position(position)?),
            ("D", "+") => self.is_counterclockwise = false,
            ("D", "-") => self.is_counterclockwise = true,
            ("D", other) => return Err(format!("invalid direction {other:?}: expected + or -")),
            _ => self.import.ignored += 1,
        }
        Ok(())
    }

    fn centre(&self) -> Result<Position, String> {
        self.centre.ok_or_else(|| "an arc or circle without a centre: expected V X=<position> before it".to_owned())
    }

    fn arc_by_bearings(&mut self, value: &str) -> Result<(), String> {
        let expected = || format!("invalid arc {value:?}: expected radius, first bearing, last bearing");
        let parts: Vec<&str> = value.split(',').collect();
        let [radius, first, last] = parts[..] else { return Err(expected()) };
        let bearing = |text: &str| text.trim().parse().ok().filter(|bearing: &f64| bearing.abs() <= 720.0);
        let (first, last) = (bearing(first).ok_or_else(expected)?, bearing(last).ok_or_else(expected)?);
        let (centre, radius_m) = (self.centre()?, radius_m(radius)?);
        let sweep = self.sweep(first, last);
        self.arc(centre, (radius_m, radius_m), first, sweep)
    }

    fn arc_by_points(&mut self, value: &str) -> Result<(), String> {
        let (first, last) = value.split_once(',').ok_or("expected DB with two positions, separated by a comma")?;
        let (first, last, centre) = (parse_position(first)?, parse_position(last)?, self.centre()?);
        let radii_m = (distance_m(centre, first), distance_m(centre, last));
        if radii_m.0.max(radii_m.1) > LARGEST_RADIUS_NM * NAUTICAL_MILE_M {
            return Err(format!("an arc of a radius of more than {LARGEST_RADIUS_NM} nautical miles"));
        }
        let from = bearing_deg(centre, first);
        let sweep = self.sweep(from, bearing_deg(centre, last));
        self.arc(centre, radii_m, from, sweep)
    }

    /// From one bearing to another in the present direction; equal ones are a full circle.
    fn sweep(&self, first: f64, last: f64) -> f64 {
        let full = |sweep: f64| if sweep == 0.0 { 360.0 } else { sweep };
        match self.is_counterclockwise {
            false => full((last - first).rem_euclid(360.0)),
            true => -full((first - last).rem_euclid(360.0)),
        }
    }

    fn arc(&mut self, centre: Position, radii_m: (f64, f64), from_deg: f64, sweep_deg: f64) -> Result<(), String> {
        let steps = (sweep_deg.abs() / ARC_STEP_DEG).ceil().max(1.0);
        for step in 0..=steps as u32 {
            let share = f64::from(step) / steps;
            let radius_m = radii_m.0 + (radii_m.1 - radii_m.0) * share;
            self.push(offset(centre, from_deg + sweep_deg * share, radius_m))?;
        }
        Ok(())
    }

    fn push(&mut self, point: Position) -> Result<(), String> {
        if self.outline.len() == RING_VERTICES {
            return Err(format!("an outline has more than {RING_VERTICES} points: simplify it"));
        }
        self.outline.push(point);
        Ok(())
    }

    fn end_zone(&mut self) -> Result<(), String> {
        let mut drawn = std::mem::take(&mut self.drawn);
        let zone_type = std::mem::take(&mut self.zone_type);
        let outline = std::mem::take(&mut self.outline);
        (self.centre, self.is_counterclockwise) = (None, false);
        if self.started_at == 0 {
            return Ok(());
        }
        if !zone_type.is_empty() && ["", "UNC", "UNCLASSIFIED"].contains(&drawn.zone_class.to_uppercase().as_str()) {
            drawn.zone_class = zone_type;
        }
        drawn.polygons = vec![polygon(&outline, &[]).map_err(|error| error.to_string())?];
        self.import.add(drawn)
    }
}

fn limit(text: &str) -> Result<Option<schemas::v1::ZoneLimit>, String> {
    parse_limit(text).map_err(|_| {
        let text: String = text.chars().take(40).collect();
        format!("invalid limit {text:?}: expected for example GND, FL95, 4500 ft MSL, 300 m AGL or UNL")
    })
}

fn radius_m(text: &str) -> Result<f64, String> {
    let radius_nm: Option<f64> = text.trim().parse().ok();
    let radius_nm = radius_nm.filter(|radius_nm| (0.001..=LARGEST_RADIUS_NM).contains(radius_nm));
    radius_nm
        .map(|radius_nm| radius_nm * NAUTICAL_MILE_M)
        .ok_or_else(|| format!("invalid radius {:?}: expected nautical miles up to {LARGEST_RADIUS_NM}", text.trim()))
}

#[cfg(test)]
mod tests;
