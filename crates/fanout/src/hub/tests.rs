use geo::Cell;
use schemas::v1;

use super::*;
use crate::view::{Input, Kind, KindSet, Origin, State};

const LIVE: RateSet = [true, false, false, false];

fn moved(view: &mut View, hub: &mut Hub, version: u64, (latitude_deg, longitude_deg): (f64, f64)) {
    let position = Some(v1::Position { latitude_deg, longitude_deg, altitude_m: None });
    let state = v1::AircraftState { device: 7, version, position, name: Some("Ada".into()), ..Default::default() };
    let mut changes = Vec::new();
    view.apply(Origin { partition: 0, offset: version }, 0, Input::State(State::Aircraft(state)), &mut changes);
    changes.iter().for_each(|change| hub.apply(change));
}

#[test]
fn a_group_is_encoded_once_for_any_number_of_members() {
    let (mut view, mut hub) = (View::new(1), Hub::default());
    let subject = Subject::Cell(KindSet::ALL, Cell::at(46.5, 8.0, 4));
    for client in 0..1_000 {
        hub.join(ClientId(client), Wire::default(), subject, Rate::Live);
    }
    moved(&mut view, &mut hub, 1, (46.5, 8.0));
    moved(&mut view, &mut hub, 2, (46.5001, 8.0));
    let deliveries = hub.flush(LIVE, &view, 0, &mut Encoder::default());
    assert_eq!(deliveries.len(), 1);
    assert_eq!(hub.members(&deliveries[0]).count(), 1_000);
    assert_eq!(deliveries[0].objects.len(), 1, "two changes of one object are one");
    assert!(hub.flush(LIVE, &view, 0, &mut Encoder::default()).is_empty());
}

#[test]
fn leaving_returns_unsent_objects() {
    let (mut view, mut hub) = (View::new(1), Hub::default());
    let subject = Subject::Device(7);
    hub.join(ClientId(1), Wire::default(), subject, Rate::Every30s);
    moved(&mut view, &mut hub, 1, (46.5, 8.0));
    assert!(!hub.is_dirty(LIVE) && hub.is_dirty([true; 4]));
    let mut unsent = Vec::new();
    hub.leave(ClientId(1), Wire::default(), subject, Rate::Every30s, &mut unsent);
    assert_eq!(unsent.len(), 1);
    assert_eq!(hub.groups(), 0);
    assert!(!hub.is_dirty([true; 4]));
}

#[test]
fn a_change_goes_to_the_former_and_the_new_cell() {
    let (mut view, mut hub) = (View::new(1), Hub::default());
    let positions = [(46.5, 8.0), (46.5, 9.0)];
    for (client, (lat, lon)) in (0..).zip(positions) {
        let subject = Subject::Cell(KindSet::ALL, Cell::at(lat, lon, 5));
        hub.join(ClientId(client), Wire::default(), subject, Rate::Live);
    }
    moved(&mut view, &mut hub, 1, positions[0]);
    let _ = hub.flush(LIVE, &view, 0, &mut Encoder::default());
    moved(&mut view, &mut hub, 2, positions[1]);
    let deliveries = hub.flush(LIVE, &view, 0, &mut Encoder::default());
    let mut receivers: Vec<_> =
        deliveries.iter().map(|delivery| (hub.members(delivery).next(), delivery.objects[0].named)).collect();
    receivers.sort();
    assert_eq!(receivers, [(Some(ClientId(0)), false), (Some(ClientId(1)), true)], "only the new cell needs the name");
}

#[test]
fn groups_of_other_kinds_receive_nothing() {
    let (mut view, mut hub) = (View::new(1), Hub::default());
    let cell = Cell::at(46.5, 8.0, 4);
    for (client, kinds) in [(0, vec![Kind::Ground]), (1, vec![Kind::Aircraft, Kind::Ground])] {
        let subject = Subject::Cell(kinds.into_iter().collect(), cell);
        hub.join(ClientId(client), Wire::default(), subject, Rate::Live);
    }
    moved(&mut view, &mut hub, 1, (46.5, 8.0));
    let deliveries = hub.flush(LIVE, &view, 0, &mut Encoder::default());
    let receivers: Vec<_> = deliveries.iter().flat_map(|delivery| hub.members(delivery)).collect();
    assert_eq!(receivers, [ClientId(1)]);
}
