use proptest::prelude::*;

use super::*;
use crate::bounds::Bounds;
use crate::circle::Circle;

const LIMIT: usize = 64;

fn circle(lat: f64, lon: f64, radius_km: f64) -> Region {
    Region::Circle(Circle::new(lat, lon, radius_km).unwrap())
}

fn is_covered(cells: &[Cell], lat: f64, lon: f64) -> bool {
    let place = Cell::at(lat, lon, 6);
    cells.iter().filter(|cell| cell.contains(place)).count() == 1
}

/// The point at a distance (share of the radius) and direction from a circle's centre.
fn place_in(circle: &Circle, share: f64, direction_deg: f64) -> (f64, f64) {
    let angle = circle.radius_km() * share / 6371.0088;
    let (lat, direction) = (circle.latitude_deg().to_radians(), direction_deg.to_radians());
    let there = (lat.sin() * angle.cos() + lat.cos() * angle.sin() * direction.cos()).asin();
    let east = (direction.sin() * angle.sin() * lat.cos()).atan2(angle.cos() - lat.sin() * there.sin());
    let lon = (circle.longitude_deg() + east.to_degrees() + 540.0).rem_euclid(360.0) - 180.0;
    (there.to_degrees(), lon)
}

#[test]
fn the_whole_world_is_32_cells() {
    assert_eq!(cover(&Region::Bounds(Bounds::WORLD), LIMIT).len(), 32);
}

#[test]
fn both_sides_of_the_date_line_are_covered() {
    let cells = cover(&circle(-17.0, 179.9, 100.0), LIMIT);
    assert!(is_covered(&cells, -17.0, 179.5) && is_covered(&cells, -17.0, -179.5));
    assert!(area_km2(&cells) <= 1.5 * circle(-17.0, 179.9, 100.0).area_km2());
    let fiji = Region::Bounds(Bounds::new(-19.0, 176.0, -15.0, -178.0).unwrap());
    let cells = cover(&fiji, LIMIT);
    assert!(is_covered(&cells, -17.0, 179.5) && is_covered(&cells, -17.0, -178.5));
    assert!(area_km2(&cells) <= 1.5 * fiji.area_km2());
}

#[test]
fn around_a_pole_every_longitude_is_covered() {
    for (lat, radius_km) in [(90.0, 10.0), (-90.0, 200.0), (89.95, 50.0), (-89.0, 150.0)] {
        let cells = cover(&circle(lat, 12.0, radius_km), LIMIT);
        assert!(cells.len() <= LIMIT);
        for lon in 0..360 {
            assert!(
                is_covered(&cells, f64::from(90.0_f32.copysign(lat as f32)), f64::from(lon) - 180.0),
                "{lat} {lon}"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_place_of_a_circle_is_outside_of_its_cover(
        lat in -90.0..=90.0_f64, lon in -180.0..=180.0_f64, radius_km in 1.0..300.0_f64,
        places in prop::collection::vec((0.0..=1.0_f64, 0.0..360.0_f64), 64),
    ) {
        let circle = Circle::new(lat, lon, radius_km).unwrap();
        let cells = cover(&Region::Circle(circle), LIMIT);
        prop_assert!(cells.len() <= LIMIT);
        for (share, direction_deg) in places {
            for share in [share.sqrt(), 1.0 - 1e-9] {
                let (lat, lon) = place_in(&circle, share, direction_deg);
                prop_assert!(is_covered(&cells, lat, lon), "{lat} {lon} in {cells:?}");
            }
        }
    }

    /// 1.5 except at one point of two thousand, where the grid fits a circle of 100 km worst.
    #[test]
    fn circles_over_the_alps_are_hardly_larger_in_cells(
        lat in 43.0..=49.0_f64, lon in -180.0..=180.0_f64, radius_km in prop::sample::select(vec![10.0, 50.0, 100.0, 200.0])
    ) {
        let region = circle(lat, lon, radius_km);
        let cells = cover(&region, LIMIT);
        let ratio = area_km2(&cells) / region.area_km2();
        prop_assert!(ratio <= 1.53, "{ratio} with {} cells", cells.len());
    }

    /// Where the grid is at its worst for a radius, even the best 64 cells are this much larger.
    #[test]
    fn no_circle_below_polar_regions_has_a_large_cover(
        lat in -70.0..=70.0_f64, lon in -180.0..=180.0_f64, radius_km in 10.0..=200.0_f64
    ) {
        let region = circle(lat, lon, radius_km);
        prop_assert!(area_km2(&cover(&region, LIMIT)) <= 1.8 * region.area_km2());
    }

    #[test]
    fn no_place_of_a_rectangle_is_outside_of_its_cover(
        south in -90.0..89.9_f64, west in -180.0..=180.0_f64, height in 0.01..100.0_f64, width in 0.01..359.0_f64,
        places in prop::collection::vec((0.0..=1.0_f64, 0.0..=1.0_f64), 64),
    ) {
        let north = (south + height).min(90.0);
        let east = if west + width > 180.0 { west + width - 360.0 } else { west + width };
        let cells = cover(&Region::Bounds(Bounds::new(south, west, north, east).unwrap()), LIMIT);
        prop_assert!(cells.len() <= LIMIT);
        for (up, right) in places {
            let lon = (west + width * right + 540.0).rem_euclid(360.0) - 180.0;
            prop_assert!(is_covered(&cells, south + (north - south) * up, lon));
        }
    }

    /// The cover is that of its definition, cell by cell.
    #[test]
    fn a_circle_has_the_cover_of_the_definition(
        lat in prop_oneof![-90.0..=90.0_f64, 85.0..=90.0_f64, Just(90.0), Just(-90.0), Just(0.0), Just(45.0)],
        lon in prop_oneof![-180.0..=180.0_f64, Just(180.0), Just(-180.0), Just(0.0), Just(11.25)],
        radius_km in prop_oneof![0.001..1.0_f64, 1.0..300.0_f64, 300.0..20_015.0_f64],
        max_cells in prop::sample::select(vec![32, 64, 200]),
    ) {
        let region = circle(lat, lon, radius_km);
        prop_assert_eq!(cover(&region, max_cells), reference::cover(&region, max_cells));
    }

    #[test]
    fn a_rectangle_has_the_cover_of_the_definition(
        south in -90.0..89.9_f64, west in -180.0..=180.0_f64, height in 0.01..100.0_f64, width in 0.01..359.0_f64,
        max_cells in prop::sample::select(vec![32, 64, 200]),
    ) {
        let north = (south + height).min(90.0);
        let region = Region::Bounds(Bounds::new(south, west, north, west + width).unwrap());
        prop_assert_eq!(cover(&region, max_cells), reference::cover(&region, max_cells));
    }
}
