use std::collections::HashMap;

use fanet::{Frame, Packet};

use super::*;
use crate::generate::Position3d;

const START_US: u64 = 1_780_308_000_000_000;

fn run(scenario: &Scenario, seconds: u64) -> (World, Vec<Transmission>) {
    let mut world = World::new(scenario.clone());
    let sent = world.step(START_US + seconds * SECOND_US);
    (world, sent)
}

/// FNV-1a over everything that was sent.
fn fingerprint(sent: &[Transmission]) -> u64 {
    let bytes = sent.iter().flat_map(|transmission| {
        let time = transmission.sent_at_us.to_le_bytes();
        time.into_iter().chain(transmission.frame.iter().copied())
    });
    bytes.fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3))
}

#[test]
fn steps_of_any_size_give_the_same_bytes() {
    let scenario = Scenario::of(40, 7, START_US);
    let (_, at_once) = run(&scenario, 600);
    let mut world = World::new(scenario.clone());
    let mut pieces = Vec::new();
    let mut to_us = START_US;
    while to_us < START_US + 600 * SECOND_US {
        to_us += 700_000;
        pieces.extend(world.step(to_us.min(START_US + 600 * SECOND_US)));
    }
    assert_eq!(fingerprint(&at_once), fingerprint(&pieces));
    assert_eq!(at_once, pieces);
    let (_, other) = run(&Scenario { seed: 8, ..scenario }, 600);
    assert_ne!(fingerprint(&at_once), fingerprint(&other));
}

#[test]
fn transmissions_come_in_order_within_the_steps() {
    let (world, sent) = run(&Scenario::of(40, 1, START_US), 120);
    assert!(sent.is_sorted_by_key(|transmission| transmission.sent_at_us));
    let last_us = sent.last().expect("something was sent").sent_at_us;
    assert!(sent[0].sent_at_us >= START_US && last_us < world.now_us());
}

#[test]
fn decoded_positions_are_true_to_an_encoding_step() {
    let (_, sent) = run(&Scenario::of(60, 3, START_US), 900);
    let mut compared = 0;
    for transmission in &sent {
        let frame = Frame::decode(&transmission.frame).expect("every frame decodes");
        assert_eq!(frame.header.source.as_u32(), transmission.device);
        assert_eq!(frame.packet.packet_type().code(), transmission.packet_type());
        let (position, altitude_m) = match &frame.packet {
            Packet::Tracking(tracking) => (tracking.position, Some(tracking.altitude_m)),
            Packet::GroundTracking(ground) => (ground.position, None),
            Packet::Service(service) => (service.position.expect("stations stand somewhere"), None),
            _ => continue,
        };
        let true_position = transmission.position;
        assert!((position.latitude_deg - true_position.latitude_deg).abs() <= 0.51 / 93_206.0);
        assert!((position.longitude_deg - true_position.longitude_deg).abs() <= 0.51 / 46_603.0);
        if let Some(altitude_m) = altitude_m {
            let step_m = if true_position.altitude_m > 2_047.0 { 4.0 } else { 1.0 };
            assert!(
                (f64::from(altitude_m) - true_position.altitude_m).abs() <= 0.5 * step_m + 0.51,
                "{altitude_m} {true_position:?}"
            );
        }
        compared += 1;
    }
    assert!(compared > 5_000, "{compared}");
}

#[test]
fn speeds_and_climbs_agree_with_the_positions() {
    let (_, sent) = run(&Scenario::of(60, 4, START_US), 900);
    let mut last: HashMap<u32, (u64, Position3d, f64)> = HashMap::new();
    let mut compared = 0;
    for transmission in &sent {
        let Ok(Frame { packet: Packet::Tracking(tracking), .. }) = Frame::decode(&transmission.frame) else { continue };
        let now = (transmission.sent_at_us, transmission.position, tracking.climb_mps);
        if let Some((at_us, position, climb_mps)) = last.insert(transmission.device, now)
            && now.0 - at_us == 5 * SECOND_US
        {
            let gained_mps = (now.1.altitude_m - position.altitude_m) / 5.0;
            let sent_mps = f64::midpoint(climb_mps, now.2);
            assert!((gained_mps - sent_mps).abs() < 4.0, "{gained_mps} m/s and not {sent_mps} m/s");
            compared += 1;
            assert!(position.distance_m(&now.1) / 5.0 < 115.0);
        }
    }
    assert!(compared > 2_000, "{compared}");
}

#[test]
fn every_device_sends_at_the_rates_of_the_protocol() {
    let (world, sent) = run(&Scenario::of(40, 1, START_US), 1_200);
    let mut counts: HashMap<(u32, u8), u64> = HashMap::new();
    for transmission in &sent {
        *counts.entry((transmission.device, transmission.packet_type())).or_default() += 1;
    }
    let count = |device: u32, packet_type: u8| counts.get(&(device, packet_type)).copied().unwrap_or(0);
    for pilot in &world.pilots {
        let device = pilot.identity.device;
        assert_eq!(count(device, 1) + count(device, 7), 240, "positions every 5 s");
        assert_eq!(count(device, 2), 5, "names every 4 min");
        assert_eq!(count(device, 10), 2, "hardware every 10 min");
        assert!(count(device, 9) <= 40, "thermals every 30 s");
        assert_eq!(count(device, 4), 0);
    }
    for mast in &world.stations {
        // Three or four more in the first forty seconds.
        assert!((32..=34).contains(&count(mast.identity.device, 4)), "weather every 40 s");
    }
    let reports: u64 = world.pilots.iter().map(|pilot| count(pilot.identity.device, 9)).sum();
    assert!(reports > 20, "{reports} thermal reports");
}

#[test]
fn a_crowded_world_sends_less_often() {
    // All in the fewest areas: 20 devices hear each other.
    let crowded = Scenario { aircraft: 40, stations: 86, vehicles: 0, receivers: 1, ..Scenario::of(40, 1, START_US) };
    assert_eq!(crowded.neighbours(), 20);
    let (world, sent) = run(&crowded, 300);
    let device = world.pilots[0].identity.device;
    let positions = sent.iter().filter(|sent| sent.device == device && matches!(sent.packet_type(), 1 | 7));
    assert_eq!(positions.count(), 20, "positions every 15 s");
}

#[test]
fn the_hidden_stay_hidden() {
    let (world, sent) = run(&Scenario::of(90, 5, START_US), 1_800);
    let hidden: Vec<u32> =
        world.pilots.iter().filter(|pilot| !pilot.is_online).map(|pilot| pilot.identity.device).collect();
    assert_eq!(hidden.len(), 10);
    let mut seen = 0;
    for transmission in &sent {
        let is_online = match Frame::decode(&transmission.frame).expect("every frame decodes").packet {
            Packet::Tracking(tracking) => tracking.online_tracking,
            Packet::GroundTracking(ground) => ground.online_tracking,
            _ => continue,
        };
        assert_eq!(is_online, !hidden.contains(&transmission.device), "{:06X}", transmission.device);
        seen += usize::from(!is_online);
    }
    assert!(seen > 1_000, "{seen}");
}

#[test]
fn thermal_reports_point_at_thermals() {
    let scenario = Scenario::of(60, 9, START_US);
    let mut world = World::new(scenario);
    let mut reports = 0;
    for second in 1..=2_400_u64 {
        let sent = world.step(START_US + second * SECOND_US);
        for transmission in &sent {
            let Ok(Frame { packet: Packet::Thermal(thermal), .. }) = Frame::decode(&transmission.frame) else {
                continue;
            };
            let reported = Position3d {
                latitude_deg: thermal.position.latitude_deg,
                longitude_deg: thermal.position.longitude_deg,
                altitude_m: f64::from(thermal.altitude_m),
            };
            let area = &world.areas[transmission.cell];
            let now_s = second as f64;
            let near = area.thermals().any(|truth| {
                let centre = area.plane.position(truth.centre(now_s), reported.altitude_m);
                let is_strong_enough = thermal.climb_mps <= truth.core_mps + 0.3;
                centre.distance_m(&reported) < 100.0 && is_strong_enough
            });
            assert!(near, "{:06X} reports a thermal where none is", transmission.device);
            reports += 1;
        }
    }
    assert!(reports > 50, "{reports}");
}
