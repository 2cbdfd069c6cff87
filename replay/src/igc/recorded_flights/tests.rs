use std::collections::HashMap;

use fanet::{Frame, Packet};

use super::super::flight::Fix;
use super::*;
use crate::generate::{Faults, Position3d, Simulation};

const START_US: u64 = 1_780_308_000_000_000;

/// A made-up flight: a straight line, one fix per second, then down where it began to turn.
fn flight(seconds: u32, latitude_deg: f64) -> Flight {
    let fixes = (0..seconds).map(|second| {
        let longitude_deg = 8.0 + f64::from(second) * 0.000_13;
        let altitude_m = 1_500.0 + f64::from(second % 600);
        Fix { at_s: 36_000 + second, position: Position3d { latitude_deg, longitude_deg, altitude_m } }
    });
    Flight { date: None, fixes: fixes.collect(), skipped: 0 }
}

fn step_for(flights: &mut RecordedFlights, seconds: u64) -> Vec<Transmission> {
    flights.step(START_US + seconds * SECOND_US)
}

#[test]
fn all_fly_at_once_and_send_every_five_seconds() {
    let mut flights =
        RecordedFlights::new((0..20).map(|index| flight(600, 46.0 + f64::from(index) * 0.01)).collect(), START_US);
    let sent = step_for(&mut flights, 300);
    let mut times: HashMap<u32, Vec<u64>> = HashMap::new();
    for transmission in sent.iter().filter(|transmission| transmission.packet_type() == 1) {
        times.entry(transmission.device).or_default().push(transmission.sent_at_us);
    }
    assert_eq!(times.len(), 20);
    for times in times.values() {
        assert!(times[0] < START_US + 10 * SECOND_US);
        assert!(times.windows(2).all(|pair| pair[1] - pair[0] == 5 * SECOND_US));
        assert!(times.len() >= 58);
    }
}

#[test]
fn each_position_is_the_recorded_one() {
    let mut flights = RecordedFlights::new(vec![flight(600, 46.0)], START_US);
    let fixes = flights.flights()[0].flight.fixes.clone();
    let mut seen = 0;
    for transmission in step_for(&mut flights, 590) {
        let Ok(Frame { packet: Packet::Tracking(tracking), .. }) = Frame::decode(&transmission.frame) else { continue };
        // The first flight starts with the run.
        let second = ((transmission.sent_at_us - START_US) / SECOND_US) as usize;
        assert_eq!(transmission.position, fixes[second].position);
        assert!((tracking.position.longitude_deg - fixes[second].position.longitude_deg).abs() < 2e-5);
        assert!((f64::from(tracking.altitude_m) - fixes[second].position.altitude_m).abs() <= 2.0);
        assert!(tracking.online_tracking);
        if second > 10 {
            assert!((tracking.speed_kmh - 36.2).abs() < 1.0, "{}", tracking.speed_kmh);
            assert!((tracking.heading_deg - 90.0).abs() < 1.5);
        }
        seen += 1;
    }
    assert!(seen > 110, "{seen}");
}

#[test]
fn after_its_end_a_flight_has_landed_and_begins_again() {
    let mut flights = RecordedFlights::new(vec![flight(300, 46.0)], START_US);
    let mut story = Vec::new();
    let mut first_positions = Vec::new();
    for transmission in step_for(&mut flights, 1_000) {
        let kind = transmission.packet_type();
        if matches!(kind, 1 | 7) && story.last() != Some(&kind) {
            story.push(kind);
            first_positions.push(transmission.position);
        }
    }
    assert_eq!(story[..3], [1, 7, 1]);
    assert!(first_positions[2].distance_m(&first_positions[0]) < 100.0);
}

#[test]
fn a_silent_recorder_sends_nothing() {
    let mut gap = flight(600, 46.0);
    gap.fixes.retain(|fix| !(36_100..36_300).contains(&fix.at_s));
    let mut flights = RecordedFlights::new(vec![gap], START_US);
    let sent = step_for(&mut flights, 400);
    let silent = sent.iter().filter(|transmission| {
        let second = (transmission.sent_at_us - START_US) / SECOND_US;
        transmission.packet_type() == 1 && (131..300).contains(&second)
    });
    assert_eq!(silent.count(), 0);
}

#[test]
fn names_are_numbers_and_receivers_line_the_way() {
    let far = flight(600, -38.0);
    let flights = RecordedFlights::new(vec![flight(6_000, 46.0), far], START_US);
    assert_eq!(flights.flights()[1].name, "Pilot 02");
    assert!(flights.middles().len() >= 3, "a flight of 60 km and one on the other side of the world");
    let mut simulation = Simulation::of_recorded_flights(flights, 1, Faults::default());
    assert_eq!(simulation.receivers().len() % RECEIVERS_PER_SITE, 0);
    let published = simulation.run_to(START_US + 60 * SECOND_US);
    let hearers: std::collections::HashSet<u32> = published.iter().map(|reception| reception.receiver_id).collect();
    assert!(hearers.len() >= 6, "{}", hearers.len());
}

#[test]
fn folders_are_read_and_flightless_files_listed_apart() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("written");
    write("b.IGC", "HFDTE010625\nHFPLTPILOT:Jane Doe\nB1200004658854N00925085EA0060200622\n");
    write("a.igc", "B1200004658854N00925085EA0060200622\nB1200014658854N00925085EA0060200622\n");
    write("broken.igc", "Bnothing\n");
    write("notes.txt", "B1200004658854N00925085EA0060200622\n");
    let flights = RecordedFlights::open(folder.path(), START_US).expect("recordings");
    let fixes: Vec<usize> = flights.flights().iter().map(|flight| flight.flight.fixes.len()).collect();
    assert_eq!(fixes, [2, 1]);
    assert_eq!(flights.flights()[1].name, "Pilot 02");
    assert_eq!(flights.rejected().len(), 1);
    assert!(matches!(
        RecordedFlights::open(&folder.path().join("none"), 0),
        Err(RecordedFlightsError::Unreadable { .. })
    ));
    let empty = tempfile::tempdir().expect("a temporary folder");
    assert!(matches!(RecordedFlights::open(empty.path(), 0), Err(RecordedFlightsError::NoFlights { .. })));
}
