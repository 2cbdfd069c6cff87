//! Any bytes as an import: refused with an error, or zones that each core can use. What is imported goes through parts and
//! index as in the system, and nothing panics at any position.

#![no_main]

use geo::Position;
use libfuzzer_sys::fuzz_target;
use zones::{Fix, ZoneSets, geojson, openair, split, text_of};

fuzz_target!(|bytes: &[u8]| {
    let text = text_of(bytes);
    for import in [openair::parse(&text), geojson::parse(&text)].into_iter().flatten() {
        let judged = import.zones.len() - import.not_judged.len();
        for zone in &import.zones {
            let written = geojson::feature("fuzz", zone, true).to_string();
            drop(geojson::parse(&written));
        }
        let mut sets = ZoneSets::default();
        for part in split("fuzz", 1, "me", import.zones) {
            sets.take(part).expect("a sound part");
        }
        let index = sets.index();
        assert_eq!(index.len(), judged, "every zone of an import can be used");
        for (lat, lon) in [(0.0, 0.0), (90.0, 180.0), (-90.0, -180.0), (46.5, 7.5), (-17.0, 179.999)] {
            let fix = Fix::new(Position::new(lat, lon), Some(1_000.0)).expect("on Earth");
            for zone in index.at(&fix) {
                zone.judge_stay(&fix);
            }
        }
    }
});
