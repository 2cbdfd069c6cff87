use proptest::prelude::*;

use super::*;

fn cell(text: &str) -> Cell {
    text.parse().unwrap()
}

#[test]
fn places_have_the_cells_that_the_world_knows() {
    // Expected values: the examples of the geohash literature (Jutland's "u4pruy", a corner of Spain, Sydney).
    assert_eq!(Cell::at(57.649_11, 10.407_44, 6).to_string(), "u4pruy");
    assert_eq!(Cell::at(42.605, -5.603, 5).to_string(), "ezs42");
    assert_eq!(Cell::at(-33.8688, 151.2093, 6).to_string(), "r3gx2f");
    assert_eq!(Cell::at(0.0, 0.0, 1).to_string(), "s");
    assert_eq!(Cell::at(-90.0, -180.0, 6).to_string(), "000000");
}

#[test]
fn the_edges_of_the_world_have_cells() {
    assert_eq!(Cell::at(90.0, 179.999_999, 6).to_string(), "zzzzzz");
    assert_eq!(Cell::at(90.0, 180.0, 3), Cell::at(90.0, -180.0, 3));
    assert_eq!(Cell::at(10.0, 190.0, 4), Cell::at(10.0, -170.0, 4));
    assert_eq!(Cell::at(f64::NAN, f64::NAN, 2).precision(), 2);
}

#[test]
fn text_that_is_no_cell_is_refused() {
    for bad in ["", "a", "u0i", "u4pruyd", "é", "u 0"] {
        assert!(bad.parse::<Cell>().is_err(), "{bad:?}");
    }
    assert_eq!(cell("U4PR"), cell("u4pr"));
}

#[test]
fn neighbours_cross_the_date_line_and_end_at_poles() {
    let names = |text: &str| {
        let mut names: Vec<_> = cell(text).neighbours().map(|cell| cell.to_string()).collect();
        names.sort();
        names
    };
    assert_eq!(names("s"), ["7", "e", "g", "k", "m", "t", "u", "v"].map(String::from));
    assert!(names("x").contains(&"8".to_owned()), "east of x lies 8, over the date line");
    assert_eq!(cell("z").neighbours().count(), 5);
    assert_eq!(cell("000000").neighbours().count(), 5);
}

#[test]
fn a_range_of_finest_cells_holds_exactly_the_parts() {
    let (first, last) = cell("u0m").finest_range();
    assert_eq!((first.to_string(), last.to_string()), ("u0m000".to_owned(), "u0mzzz".to_owned()));
    assert_eq!(cell("u0m7k2").finest_range(), (cell("u0m7k2"), cell("u0m7k2")));
}

proptest! {
    #[test]
    fn a_cell_holds_its_place_and_its_text_is_read_back(
        lat in -90.0..90.0_f64, lon in -180.0..180.0_f64, precision in 1..=6_u32
    ) {
        let cell = Cell::at(lat, lon, precision);
        let bounds = cell.bounds();
        prop_assert!(bounds.contains(lat, lon));
        prop_assert_eq!(cell.to_string().parse(), Ok(cell));
        prop_assert_eq!(cell.to_string().len() as u32, precision);
        prop_assert_eq!(cell.precision(), precision);
        prop_assert_eq!(Cell::at(lat, lon, 6).ancestor(precision), cell);
        prop_assert!(cell.contains(Cell::at(lat, lon, 6)));
    }

    #[test]
    fn children_share_their_parent_and_tile_it(lat in -90.0..90.0_f64, lon in -180.0..180.0_f64, precision in 1..=5_u32) {
        let cell = Cell::at(lat, lon, precision);
        let children: Vec<_> = cell.children().collect();
        prop_assert_eq!(children.len(), 32);
        prop_assert!(children.iter().all(|child| child.parent() == Some(cell) && cell.contains(*child)));
        prop_assert_eq!(children.iter().filter(|child| **child == Cell::at(lat, lon, precision + 1)).count(), 1);
    }

    #[test]
    fn neighbourhood_is_mutual(lat in -90.0..90.0_f64, lon in -180.0..180.0_f64, precision in 1..=6_u32) {
        let cell = Cell::at(lat, lon, precision);
        for neighbour in cell.neighbours() {
            prop_assert!(neighbour != cell && neighbour.neighbours().any(|back| back == cell));
        }
    }
}
