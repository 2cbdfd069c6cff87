//! Addresses and made-up names.

use super::dice::scatter;

/// Manufacturers of pilots' devices, each with one of its device types: FANET+, XC Tracer, GXAircom, SoftRF, Leaf.
const MOBILE_MAKERS: [(u8, u8); 5] = [(0x11, 0x04), (0x20, 0x01), (0x08, 0x01), (0x07, 0x01), (0x0C, 0x01)];
/// Manufacturers of weather stations: Burnair, Windline.
const STATION_MAKERS: [(u8, u8); 2] = [(0x06, 0x01), (0x05, 0x01)];
/// Ids below are left to real test devices.
const FIRST_ID: usize = 0x0100;

const FIRST_NAMES: [&str; 32] = [
    "Alba", "Benno", "Cleo", "Dario", "Elin", "Fenja", "Gaspar", "Hedda", "Ilja", "Jori", "Kaja", "Levin", "Mirea",
    "Nuno", "Odile", "Pirmin", "Quirin", "Ronja", "Silvan", "Tilda", "Urs", "Vreni", "Wanda", "Xeno", "Yara", "Zeno",
    "Amrei", "Bela", "Corin", "Dunja", "Emin", "Flurin",
];
const LAST_NAMES: [&str; 31] = [
    "Aufwind",
    "Bergahorn",
    "Cumulus",
    "Dohle",
    "Enzian",
    "Firnspitz",
    "Gletscher",
    "Heubart",
    "Isohypse",
    "Joch",
    "Kolkrab",
    "Leewelle",
    "Milan",
    "Nordflanke",
    "Obenauf",
    "Pulverschnee",
    "Querwind",
    "Rampe",
    "Steinadler",
    "Talwind",
    "Uhu",
    "Vorflügel",
    "Wolkenmann",
    "Xanthos",
    "Ypsilon",
    "Zirbe",
    "Abendsonne",
    "Bart",
    "Chamois",
    "Dachstein",
    "Edelweiss",
];

/// The identity of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    /// `manufacturer << 16 | id`.
    pub(crate) device: u32,
    pub(crate) device_type: u8,
    pub(crate) name: String,
}

impl Identity {
    /// A pilot by number.
    pub(crate) fn pilot(seed: u64, index: usize) -> Self {
        let (device, device_type) = address(&MOBILE_MAKERS, index);
        // The two lists have no common factor: a pair repeats only after all pairs.
        let start = (scatter(seed) % 1_000) as usize + index;
        let (first, last) = (FIRST_NAMES[start % FIRST_NAMES.len()], LAST_NAMES[start % LAST_NAMES.len()]);
        let round = index / (FIRST_NAMES.len() * LAST_NAMES.len());
        let name = if round == 0 { format!("{first} {last}") } else { format!("{first} {last} {}", round + 1) };
        Self { device, device_type, name }
    }

    /// A retrieve driver; `mobile` counts on after the pilots.
    pub(crate) fn driver(mobile: usize, number: usize) -> Self {
        let (device, device_type) = address(&MOBILE_MAKERS, mobile);
        Self { device, device_type, name: format!("Retrieve {}", number + 1) }
    }

    /// A weather station, named after its position.
    pub(crate) fn station(index: usize, area: &str, round: usize) -> Self {
        let (device, device_type) = address(&STATION_MAKERS, index);
        let spot = ["Launch", "Landing", "Ridge", "Summit"].get(round);
        let name = spot.map_or_else(|| format!("{area} {}", round + 1), |spot| format!("{area} {spot}"));
        Self { device, device_type, name }
    }
}

fn address(makers: &[(u8, u8)], index: usize) -> (u32, u8) {
    let (maker, device_type) = makers[index % makers.len()];
    let id = (FIRST_ID + index / makers.len()) as u32;
    debug_assert!(id < 0xFFFF, "a scenario is checked for its number of devices");
    (u32::from(maker) << 16 | id & 0xFFFF, device_type)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn device_addresses_are_unique_and_not_reserved() {
        let mobiles = (0..300_000).map(|index| address(&MOBILE_MAKERS, index).0);
        let stations = (0..100_000).map(|index| address(&STATION_MAKERS, index).0);
        let all: HashSet<u32> = mobiles.chain(stations).collect();
        assert_eq!(all.len(), 400_000);
        assert!(all.iter().all(|device| !matches!(device & 0xFFFF, 0 | 0xFFFF)));
    }

    #[test]
    fn names_do_not_repeat() {
        let names: HashSet<String> = (0..5_000).map(|index| Identity::pilot(3, index).name).collect();
        assert_eq!(names.len(), 5_000);
    }
}
