//! Geohash cells: the cell of a position.

const ALPHABET: &[u8; 32] = b"0123456789bcdefghjkmnpqrstuvwxyz";

/// The geohash of a position, with `precision` characters.
pub(crate) fn cell_of(latitude_deg: f64, longitude_deg: f64, precision: usize) -> String {
    let mut ranges = [(-180.0, 180.0), (-90.0, 90.0)];
    let position = [longitude_deg, latitude_deg];
    let character = |at: usize| {
        let mut index = 0;
        for bit in at * 5..at * 5 + 5 {
            // Bits of longitude and latitude take turns.
            let (low, high) = ranges[bit % 2];
            let middle = (low + high) / 2.0;
            let upper = position[bit % 2] >= middle;
            ranges[bit % 2] = if upper { (middle, high) } else { (low, middle) };
            index = index * 2 + usize::from(upper);
        }
        char::from(ALPHABET[index])
    };
    (0..precision).map(character).collect()
}

/// True where one of the cells (of any precision) contains the position.
pub(crate) fn covers(cells: &[String], latitude_deg: f64, longitude_deg: f64) -> bool {
    let finest = cell_of(latitude_deg, longitude_deg, 6);
    cells.iter().any(|cell| finest.starts_with(cell.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_geohashes() {
        // From geohash.org: the cell of 57.64911, 10.40744.
        assert_eq!(cell_of(57.649_11, 10.407_44, 6), "u4pruy");
        assert!(covers(&["u4p".to_owned()], 57.649_11, 10.407_44));
        assert!(!covers(&["u4q".to_owned()], 57.649_11, 10.407_44));
    }
}
