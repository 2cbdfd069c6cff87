//! How long it takes to find the zones at a position, among 10,000 of them.
#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "a bench measures and prints")]

use std::hint::black_box;
use std::time::Instant;

use geo::Position;
use zones::{Fix, Index, Zone, openair};

const ZONES: u32 = 10_000;
const POSITIONS: u32 = 100_000;

fn main() {
    // Circles of 1 and 5 nautical miles, spread over Europe without a pattern.
    let index = Index::new((0..ZONES).filter_map(|number| {
        let (lat, lon) = spread(number);
        let radius_nm = if number % 20 == 0 { 5 } else { 1 };
        let minutes = |degrees: f64| (degrees.trunc() as u32, degrees.fract() * 60.0);
        let ((north, north_min), (east, east_min)) = (minutes(lat), minutes(lon));
        let text = format!("AC R\nAN {number}\nV X={north}:{north_min:.4} N {east}:{east_min:.4} E\nDC {radius_nm}\n");
        let zone = openair::parse(&text).ok()?.zones.pop()?;
        Zone::decode(&format!("s{number}"), &simplify(zone))
    }));
    let fixes: Vec<Fix> = (0..POSITIONS)
        .filter_map(|number| {
            let (lat, lon) = spread(number * 7 + 3);
            Fix::new(Position::new(lat + 0.313, lon + 0.171), Some(1_500.0))
        })
        .collect();
    let start = Instant::now();
    let found: usize = fixes.iter().map(|fix| black_box(index.at(fix)).len()).sum();
    let nanos = start.elapsed().as_secs_f64() * 1e9 / f64::from(POSITIONS);
    println!("bench: zone_check_zones {} zones", index.len());
    println!("bench: zone_check_zones_per_position {:.3} zones", found as f64 / f64::from(POSITIONS));
    println!("bench: zone_check_ns {nanos:.0} ns");
}

/// Keeps every fourth vertex, because 10,000 circles must fit into the limit of all vertices (200,000): 18 per circle.
/// Outlines are delta-coded, so four steps are added to one.
fn simplify(mut zone: schemas::v1::Zone) -> schemas::v1::Zone {
    for ring in zone.polygons.iter_mut().filter_map(|polygon| polygon.outline.as_mut()) {
        for steps in [&mut ring.latitudes_e6, &mut ring.longitudes_e6] {
            *steps = steps.chunks(4).map(|chunk| chunk.iter().sum()).collect();
        }
    }
    zone
}

/// Point `number` of a low-discrepancy sequence over Europe (degrees north and east): evenly spread, and reproducible.
fn spread(number: u32) -> (f64, f64) {
    let share = |factor: f64| (f64::from(number) * factor).fract();
    (36.0 + 24.0 * share(0.618_034), 30.0 * share(0.754_877_666))
}
