use std::collections::{HashMap, HashSet};

use fanet::{RawFrame, Wrapped};

use super::*;
use crate::generate::Truth;

const START_US: u64 = 1_780_308_000_000_000;
const MINUTE_US: u64 = 60_000_000;

#[test]
fn receptions_are_the_same_however_time_is_cut() {
    let scenario = Scenario::of(20, 3, START_US);
    let at_once = Simulation::of_world(scenario.clone()).run_to(START_US + MINUTE_US);
    let mut simulation = Simulation::of_world(scenario);
    let mut pieces = Vec::new();
    for piece in 1..=240 {
        pieces.extend(simulation.run_to(START_US + piece * MINUTE_US / 240));
    }
    assert_eq!(at_once, pieces);
    assert!(at_once.is_sorted_by_key(|reception| reception.at_us));
    assert!(at_once.iter().all(|reception| (START_US..START_US + MINUTE_US).contains(&reception.at_us)));
}

#[test]
fn default_world_frames_reach_several_receivers() {
    let mut simulation = Simulation::of_world(Scenario { start_us: START_US, ..Scenario::default() });
    let mut hearers: HashMap<u64, HashSet<u32>> = HashMap::new();
    let mut frames: HashMap<u64, u32> = HashMap::new();
    for reception in simulation.run_to(START_US + 2 * MINUTE_US) {
        let Ok(wrapped) = Wrapped::decode(&reception.payload) else { continue };
        let Ok(raw) = RawFrame::parse(wrapped.frame) else { continue };
        if reception.topic.ends_with("/f/1") {
            let key = raw.dedup_key().0;
            hearers.entry(key).or_default().insert(reception.receiver_id);
            *frames.entry(key).or_default() += 1;
        }
    }
    assert!(hearers.len() > 400, "{}", hearers.len());
    let several = hearers.values().filter(|receivers| receivers.len() > 1).count();
    assert!(several * 10 > hearers.len() * 8, "{several} of {}", hearers.len());
}

#[test]
fn the_truth_lists_all_that_lived() {
    let mut simulation = Simulation::of_world(Scenario::of(40, 2, START_US));
    simulation.run_to(START_US + 90 * MINUTE_US);
    let truth = Truth::of(&simulation);
    assert_eq!(truth.until_us, START_US + 90 * MINUTE_US);
    assert_eq!((truth.areas.len(), truth.pilots.len(), truth.receivers.len()), (6, 40, 8));
    assert_eq!(truth.pilots.iter().filter(|pilot| pilot.is_hidden).count(), 4);
    for area in &truth.areas {
        assert!((14..60).contains(&area.thermals.len()), "{} thermals at {}", area.thermals.len(), area.name);
        let ids: HashSet<&str> = area.thermals.iter().map(|thermal| thermal.id.as_str()).collect();
        assert_eq!(ids.len(), area.thermals.len());
        for thermal in &area.thermals {
            assert!(thermal.born_at_us < truth.until_us && thermal.dies_at_us > START_US);
            assert!(thermal.centre_at(thermal.born_at_us).distance_m(&thermal.centre) < 1.0);
            assert!(thermal.centre_at(thermal.dies_at_us).distance_m(&thermal.last_centre) < 1.0);
        }
    }
    // The continued world and the restored one agree on the current objects.
    let world = simulation.world().expect("a simulated world");
    for (area, truth) in world.areas().iter().zip(&truth.areas) {
        for thermal in area.thermals().filter(|thermal| thermal.born_s < 90.0 * 60.0) {
            let id = format!("{:016x}", thermal.id);
            assert!(truth.thermals.iter().any(|thermal| thermal.id == id), "{id} is missing");
        }
    }
    assert!(serde_json::to_string(&truth).expect("JSON").contains("\"aircraft_kind\":\"paraglider\""));
}

#[test]
fn the_cost_is_linear_in_the_devices() {
    // Frames per device stay the same, and no receiver list grows with the world.
    let per_device = |aircraft: usize| {
        let scenario = Scenario::of(aircraft, 1, START_US);
        let devices = scenario.aircraft + scenario.stations + scenario.vehicles;
        Simulation::of_world(scenario).run_to(START_US + MINUTE_US / 4).len() as f64 / devices as f64
    };
    let (small, large) = (per_device(100), per_device(3_000));
    assert!((0.6..1.7).contains(&(large / small)), "{small} and {large} receptions per device");
}
