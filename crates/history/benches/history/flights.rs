//! Flights, as FANET frames describe them.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use history::PositionRow;

/// 2026-06-01 06:00:00 UTC.
pub(crate) const START_MS: i64 = 1_780_293_600_000;
/// A device sends every 5 s when few devices are near.
pub(crate) const STEP_MS: i64 = 5_000;
/// Raw partitions.
const PARTITIONS: usize = 24;

/// One position of a flight.
#[derive(Clone, Copy)]
struct Fix {
    latitude_deg: f64,
    longitude_deg: f64,
    altitude_m: f64,
}

/// The flights of the devices, each at another position and in another part of a flight.
pub(crate) struct Sky {
    /// One fix per step.
    flights: Vec<Vec<Fix>>,
}

pub(crate) fn device(number: usize) -> u32 {
    0x11_0000 + number as u32 * 7
}

impl Sky {
    pub(crate) fn new() -> Result<Self> {
        let flights = match std::env::var_os("UPDRAFT_IGC_DIR") {
            Some(dir) => recorded(Path::new(&dir))?,
            None => (0..24).map(|seed| simulated(seed, 2_000)).collect(),
        };
        let fixes: usize = flights.iter().map(Vec::len).sum();
        eprintln!("{} flights with {fixes} positions", flights.len());
        Ok(Self { flights })
    }

    /// Every position of every flight once.
    pub(crate) fn each_once(&self) -> Vec<PositionRow> {
        let of =
            |number: usize| (0..self.flights[number].len() - 2).map(move |step| self.position(number, step, 1_200));
        (0..self.flights.len()).flat_map(of).collect()
    }

    /// The n-th position of a device; ids interleave with those of the other devices of its partition.
    pub(crate) fn position(&self, number: usize, step: usize, devices: usize) -> PositionRow {
        let flight = &self.flights[number % self.flights.len()];
        // Devices on the same flight are at different points of it.
        let at = (step + number * 97) % (flight.len() - 2) + 1;
        let (before, fix) = (flight[at - 1], flight[at]);
        let mut noise = Noise((number as u64) << 32 ^ step as u64);
        let seconds = STEP_MS as f64 / 1_000.0;
        let north_m = (fix.latitude_deg - before.latitude_deg) * 111_195.0;
        let east_m = (fix.longitude_deg - before.longitude_deg) * 111_195.0 * fix.latitude_deg.to_radians().cos();
        let speed_kmh = (north_m.hypot(east_m) / seconds * 3.6).min(150.0);
        let course_deg = east_m.atan2(north_m).to_degrees().rem_euclid(360.0);
        let next = flight[(at + 1).min(flight.len() - 1)];
        let turned = |from: Fix, to: Fix| {
            ((to.longitude_deg - from.longitude_deg) * fix.latitude_deg.to_radians().cos())
                .atan2(to.latitude_deg - from.latitude_deg)
                .to_degrees()
        };
        let turn_dps = ((turned(fix, next) - turned(before, fix) + 540.0).rem_euclid(360.0) - 180.0) / seconds;
        let in_partition = devices.div_ceil(PARTITIONS).max(1);
        let offset = (step * in_partition + number / PARTITIONS) as u64 * 2 + noise.below(2);
        PositionRow {
            device: device(number),
            // The radio waits until the channel is free.
            event_at_ms: START_MS + step as i64 * STEP_MS + (number * 13 % 5_000) as i64 + noise.below(40) as i64,
            observation_id: ((number % PARTITIONS) as u64) << 48 | offset,
            ingest_delay_ms: 0,
            latitude_e7: rounded(fix.latitude_deg, 93_206.0),
            longitude_e7: rounded(fix.longitude_deg, 46_603.0),
            altitude_m: Some(fix.altitude_m.round() as i16),
            speed_dkmh: ((speed_kmh * 2.0).round() * 5.0) as u16,
            climb_cmps: (((fix.altitude_m - before.altitude_m) / seconds * 10.0).round() * 10.0)
                .clamp(-1_200.0, 1_200.0) as i16,
            course_cdeg: Some(((course_deg / 360.0 * 256.0).round() * 36_000.0 / 256.0) as u16 % 36_000),
            turn_rate_cdps: Some(((turn_dps * 4.0).round() * 25.0).clamp(-6_400.0, 6_300.0) as i16),
            qne_offset_m: None,
            aircraft_kind: 2,
            flags: 0,
            score: Some(100),
            source: 1,
            online_tracking: true,
            private: false,
        }
    }
}

/// Rounds a coordinate to the steps per degree of the radio.
fn rounded(degrees: f64, steps: f64) -> i32 {
    ((degrees * steps).round() / steps * 1e7).round() as i32
}

/// All IGC files of a folder, one fix per step.
fn recorded(dir: &Path) -> Result<Vec<Vec<Fix>>> {
    let mut flights = Vec::new();
    for entry in std::fs::read_dir(dir).with_context(|| dir.display().to_string())? {
        let path = entry?.path();
        if path.extension().is_some_and(|kind| kind.eq_ignore_ascii_case("igc")) {
            let text = String::from_utf8_lossy(&std::fs::read(&path)?).into_owned();
            let flight = fixes(&text);
            if flight.len() > 200 {
                flights.push(flight);
            }
        }
    }
    ensure!(!flights.is_empty(), "no flights in {}", dir.display());
    Ok(flights)
}

/// The B records, one per step.
fn fixes(text: &str) -> Vec<Fix> {
    let mut flight: Vec<Fix> = Vec::new();
    let mut due_s = 0;
    for line in text.lines().filter(|line| line.starts_with('B') && line.len() >= 35 && line.is_ascii()) {
        let number = |range: std::ops::Range<usize>| line[range].parse::<f64>().unwrap_or_default();
        let second = number(1..3) * 3_600.0 + number(3..5) * 60.0 + number(5..7);
        if (second as i64) < due_s {
            continue;
        }
        due_s = second as i64 + STEP_MS / 1_000;
        let signed = |degrees: f64, positive: bool| if positive { degrees } else { -degrees };
        flight.push(Fix {
            latitude_deg: signed(number(7..9) + number(9..14) / 60_000.0, &line[14..15] == "N"),
            longitude_deg: signed(number(15..18) + number(18..23) / 60_000.0, &line[23..24] == "E"),
            altitude_m: number(30..35),
        });
    }
    flight
}

/// A simulated flight: circles and glides in turbulent air.
fn simulated(seed: u64, steps: usize) -> Vec<Fix> {
    let mut noise = Noise(seed);
    let (mut north_m, mut east_m, mut altitude_m, mut course, mut climb) =
        (0.0_f64, 0.0_f64, 1_200.0_f64, 1.0_f64, 0.0_f64);
    let mut circling = 0_u64;
    let mut fix = |noise: &mut Noise| {
        if circling == 0 && noise.below(60) == 0 {
            circling = 40 + noise.below(80);
        }
        let (turn, air) = if circling > 0 { (1.4, 2.0) } else { (0.05, -1.1) };
        circling = circling.saturating_sub(1);
        course += turn + (noise.unit() - 0.5) * 0.5;
        climb += (air - climb) * 0.3 + (noise.unit() - 0.5) * 0.8;
        altitude_m = (altitude_m + climb * 5.0).clamp(500.0, 3_500.0);
        north_m += course.cos() * 10.0 * 5.0 + (noise.unit() - 0.5) * 6.0;
        east_m += course.sin() * 10.0 * 5.0 + 5.0 * 2.5 + (noise.unit() - 0.5) * 6.0;
        Fix {
            latitude_deg: 46.0 + seed as f64 * 0.07 + north_m / 111_195.0,
            longitude_deg: 8.0 + east_m / 77_000.0,
            altitude_m,
        }
    };
    (0..steps).map(|_| fix(&mut noise)).collect()
}

/// Pseudo-random numbers, the same in each run.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}
