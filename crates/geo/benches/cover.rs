//! How much larger than its circle a cover is, and how long it takes to find.
#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "a bench measures and prints")]

use std::hint::black_box;
use std::time::Instant;

use geo::{Bounds, Circle, Region, area_km2, cover};

const PLACES: u32 = 400;

fn main() {
    for radius_km in [10.0, 50.0, 100.0, 200.0] {
        let regions: Vec<Region> = (0..PLACES)
            .map(|place| {
                // Spread over the Alps without a pattern that the cells could share.
                let lat = 44.0 + f64::from(place) * 0.618_034 % 4.0;
                let lon = 5.0 + f64::from(place) * 0.754_877 % 11.0;
                Region::Circle(Circle::new(lat, lon, radius_km).expect("on the globe"))
            })
            .collect();
        let start = Instant::now();
        let covers: Vec<_> = regions.iter().map(|region| black_box(cover(region, 64))).collect();
        let micros = start.elapsed().as_secs_f64() * 1e6 / f64::from(PLACES);
        let ratios = regions.iter().zip(&covers).map(|(region, cells)| area_km2(cells) / region.area_km2());
        let worst = ratios.clone().fold(0.0, f64::max);
        let mean = ratios.sum::<f64>() / f64::from(PLACES);
        let cells = covers.iter().map(Vec::len).sum::<usize>() as f64 / f64::from(PLACES);
        println!("bench: cover_overspill_ratio_{radius_km}km {worst:.3} ratio");
        println!("bench: cover_overspill_mean_ratio_{radius_km}km {mean:.3} ratio");
        println!("bench: cover_cells_{radius_km}km {cells:.1} cells");
        println!("bench: cover_time_{radius_km}km {micros:.1} us");
    }
    time("pole_200km", |place| {
        let lat = 86.0 + f64::from(place) * 0.618_034 % 4.0;
        let lon = f64::from(place) * 75.487_7 % 360.0 - 180.0;
        Region::Circle(Circle::new(lat, lon, 200.0).expect("on the globe"))
    });
    time("bounds_2000km", |place| {
        let south = 30.0 + f64::from(place) * 0.618_034 % 10.0;
        let west = f64::from(place) * 0.754_877 % 30.0;
        Region::Bounds(Bounds::new(south, west, south + 17.0, west + 19.0).expect("on the globe"))
    });
}

/// The mean time of a cover of each of the regions.
fn time(what: &str, region: impl Fn(u32) -> Region) {
    let regions: Vec<Region> = (0..PLACES).map(region).collect();
    let start = Instant::now();
    for region in &regions {
        black_box(cover(region, 64));
    }
    let micros = start.elapsed().as_secs_f64() * 1e6 / f64::from(PLACES);
    println!("bench: cover_time_{what} {micros:.1} us");
}
