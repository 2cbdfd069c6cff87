//! A picture per aircraft: the map with the track, the true climbs and the found ones, and below it the altitude over
//! time. Plain SVG.

use std::fmt::Write as _;

use geo::Position;
use geo::distance::{local_m, to_components};

use super::climb::{FoundClimb, Recording, lasted_s, seconds};

const WIDTH: f64 = 1_100.0;
const MAP_HEIGHT: f64 = 760.0;
const STRIP_HEIGHT: f64 = 220.0;
const MARGIN: f64 = 20.0;
/// Length of a wind arrow, seconds of drift.
const ARROW_S: f64 = 60.0;

/// Draws a recording and its found climbs. Seconds of both count from `start_us`.
pub(crate) fn draw(title: &str, recording: &Recording, found: &[FoundClimb], start_us: u64) -> String {
    let mut svg = String::new();
    let height = MAP_HEIGHT + STRIP_HEIGHT;
    let _ = writeln!(
        svg,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="13">
<rect width="{WIDTH}" height="{height}" fill="white"/>"#
    );
    if let Some(map) = Map::of(recording) {
        map.draw(recording, found, start_us, &mut svg);
        strip(recording, found, start_us, &mut svg);
    }
    let _ = writeln!(
        svg,
        r##"<text x="{MARGIN}" y="18">{title}: track grey, true climbs green with their centres, found centres red with radius and wind</text>
</svg>"##
    );
    svg
}

/// Metres around the first position onto the sheet.
struct Map {
    origin: Position,
    west_m: f64,
    north_m: f64,
    scale: f64,
}

impl Map {
    fn of(recording: &Recording) -> Option<Self> {
        let origin = recording.samples.first()?.position;
        let points = || recording.samples.iter().map(|sample| local_m(origin, sample.position));
        let (west_m, east_m) = range(points().map(|point| point.0));
        let (south_m, north_m) = range(points().map(|point| point.1));
        let scale_x = (WIDTH - 2.0 * MARGIN) / (east_m - west_m).max(100.0);
        let scale_y = (MAP_HEIGHT - 2.0 * MARGIN) / (north_m - south_m).max(100.0);
        Some(Self { origin, west_m, north_m, scale: scale_x.min(scale_y) })
    }

    fn at(&self, position: Position) -> (f64, f64) {
        let (east_m, north_m) = local_m(self.origin, position);
        (MARGIN + (east_m - self.west_m) * self.scale, MARGIN + (self.north_m - north_m) * self.scale)
    }

    fn draw(&self, recording: &Recording, found: &[FoundClimb], start_us: u64, svg: &mut String) {
        let track = recording.samples.iter().map(|sample| self.at(sample.position));
        line(track, "#999", 1.0, svg);
        for climb in recording.climbs() {
            let within =
                || recording.samples.iter().filter(|sample| (climb.from_s..=climb.to_s).contains(&sample.at_s));
            line(within().map(|sample| self.at(sample.position)), "#9d9", 1.5, svg);
            line(within().filter_map(|sample| Some(self.at(sample.centre?))), "#070", 2.0, svg);
        }
        for report in found.iter().filter(|climb| climb.device == recording.device).flat_map(|climb| &climb.reports) {
            let Some(at) = report.position else { continue };
            let (x, y) = self.at(Position::new(at.latitude_deg, at.longitude_deg));
            let radius = (report.radius_m.unwrap_or(30.0) * self.scale).max(2.0);
            let towards_deg = report.wind_from_deg.unwrap_or_default() + 180.0;
            let (east, north) = to_components(towards_deg, report.wind_speed_kmh.unwrap_or_default() / 3.6 * ARROW_S);
            let (to_x, to_y) = (x + east * self.scale, y - north * self.scale);
            let after_s = seconds(report, start_us);
            let _ = writeln!(
                svg,
                r##"<circle cx="{x:.1}" cy="{y:.1}" r="{radius:.1}" fill="none" stroke="#d00"><title>{after_s:.0} s, {:.1} m/s</title></circle>
<line x1="{x:.1}" y1="{y:.1}" x2="{to_x:.1}" y2="{to_y:.1}" stroke="#d00"/>"##,
                report.climb_mps
            );
        }
    }
}

/// Altitude over time: true climbs as green bands, found ones as red lines along the foot.
fn strip(recording: &Recording, found: &[FoundClimb], start_us: u64, svg: &mut String) {
    let (from_s, to_s) = range(recording.samples.iter().map(|sample| sample.at_s as f64));
    let (low_m, high_m) = range(recording.samples.iter().map(|sample| sample.altitude_m));
    let x = |at_s: f64| MARGIN + (at_s - from_s) / (to_s - from_s).max(1.0) * (WIDTH - 2.0 * MARGIN);
    let foot = MAP_HEIGHT + STRIP_HEIGHT - MARGIN;
    let y = |altitude_m: f64| foot - (altitude_m - low_m) / (high_m - low_m).max(1.0) * (STRIP_HEIGHT - 2.0 * MARGIN);
    for climb in recording.climbs() {
        let (left, right) = (x(climb.from_s as f64), x(climb.to_s as f64));
        let (width, height) = (right - left, STRIP_HEIGHT - 2.0 * MARGIN);
        let top = foot - height;
        let _ = writeln!(
            svg,
            r##"<rect x="{left:.1}" y="{top:.1}" width="{width:.1}" height="{height:.1}" fill="#dfd"><title>{:.1} m/s</title></rect>"##,
            climb.climb_mps
        );
    }
    line(recording.samples.iter().map(|sample| (x(sample.at_s as f64), y(sample.altitude_m))), "#333", 1.0, svg);
    for report in found.iter().filter(|climb| climb.device == recording.device).flat_map(|climb| &climb.reports) {
        let to = seconds(report, start_us);
        let points = [(x(to - lasted_s(report)), foot + 6.0), (x(to), foot + 6.0)];
        line(points.into_iter(), "#d00", 4.0, svg);
    }
    let _ =
        writeln!(svg, r#"<text x="{MARGIN}" y="{:.1}">{low_m:.0} to {high_m:.0} m</text>"#, foot - STRIP_HEIGHT + 55.0);
}

fn line(points: impl Iterator<Item = (f64, f64)>, colour: &str, width: f64, svg: &mut String) {
    let _ = write!(svg, r#"<polyline fill="none" stroke="{colour}" stroke-width="{width}" points=""#);
    for (x, y) in points {
        let _ = write!(svg, "{x:.1},{y:.1} ");
    }
    let _ = writeln!(svg, r#""/>"#);
}

fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)))
}
