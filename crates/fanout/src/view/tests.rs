use schemas::v1;

use super::*;

const POSITION: (f64, f64) = (46.5, 8.0);

fn aircraft(device: u32, version: u64, (latitude_deg, longitude_deg): (f64, f64)) -> State {
    State::Aircraft(v1::AircraftState {
        device,
        version,
        position: Some(v1::Position { latitude_deg, longitude_deg, altitude_m: None }),
        ..Default::default()
    })
}

fn alert(alert_id: u64, device: u32, version: u64) -> State {
    State::Alert(v1::AlertState { alert_id, device, version, ..Default::default() })
}

fn removed(kind: Kind, key: &str, version: u64) -> Input {
    Input::Removed { kind, key: key.into(), version: Some(version) }
}

/// A view of one partition, and where the next record comes from.
struct Reader {
    view: View,
    /// Of the next record.
    offset: u64,
    /// The time at which the next record is read.
    at_us: u64,
}

impl Reader {
    fn new() -> Self {
        Self { view: View::new(1), offset: 0, at_us: 0 }
    }

    /// Applies the next record.
    fn read(&mut self, input: Input) -> Vec<Change> {
        let mut changes = Vec::new();
        self.view.apply(Origin { partition: 0, offset: self.offset }, self.at_us, input, &mut changes);
        self.offset += 1;
        changes
    }
}

fn id(kind: Kind, key: u64) -> ObjectId {
    ObjectId { kind, key }
}

#[test]
fn an_older_or_equal_version_changes_nothing() {
    let mut reader = Reader::new();
    assert_eq!(reader.read(Input::State(aircraft(1, 5, POSITION))).len(), 1);
    assert_eq!(reader.read(Input::State(aircraft(1, 4, (47.0, 9.0)))), []);
    assert_eq!(reader.read(Input::State(aircraft(1, 5, (47.0, 9.0)))), []);
    assert_eq!(reader.view.object(id(Kind::Aircraft, 1)).unwrap().version(), 5);
    assert_eq!(reader.view.sequence(), 1);
    assert!(reader.view.offsets().has_read(Origin { partition: 0, offset: 2 }), "marked as read");
}

#[test]
fn an_object_is_found_in_its_cells_only() {
    // Objects are stored by cells of precision 6; a larger cell has those of all cells in it.
    let mut reader = Reader::new();
    let _ = reader.read(Input::State(aircraft(1, 1, POSITION)));
    let change = reader.read(Input::State(aircraft(1, 2, (46.9, 9.5))))[0];
    assert_eq!(change.from, Some(Cell::at(POSITION.0, POSITION.1, 6)));
    assert_eq!(change.to, Some(Cell::at(46.9, 9.5, 6)));
    for precision in 1..=6 {
        let here = Cell::at(46.9, 9.5, precision);
        assert_eq!(reader.view.in_cell(Kind::Aircraft, here).collect::<Vec<_>>(), [id(Kind::Aircraft, 1)]);
        assert_eq!(reader.view.in_cell(Kind::Ground, here).count(), 0);
    }
    assert_eq!(reader.view.in_cell(Kind::Aircraft, Cell::at(POSITION.0, POSITION.1, 5)).count(), 0);
}

#[test]
fn a_late_older_state_does_not_restore_an_object() {
    let mut reader = Reader::new();
    let _ = reader.read(Input::State(aircraft(0x11_0B90, 5, POSITION)));
    assert_eq!(reader.read(removed(Kind::Aircraft, "110B90", 4)), [], "older than the state");
    let change = reader.read(removed(Kind::Aircraft, "110B90", 9))[0];
    assert_eq!((change.from, change.to), (Some(Cell::at(POSITION.0, POSITION.1, 6)), None));
    assert_eq!(reader.view.removed(id(Kind::Aircraft, 0x11_0B90)).unwrap().version, 9);
    assert_eq!(reader.read(Input::State(aircraft(0x11_0B90, 8, POSITION))), []);
    assert_eq!(reader.read(Input::State(aircraft(0x11_0B90, 10, POSITION))).len(), 1);
    assert!(reader.view.removed(id(Kind::Aircraft, 0x11_0B90)).is_none());
}

#[test]
fn a_tombstone_before_its_state_suppresses_it() {
    let mut reader = Reader::new();
    let _ = reader.read(removed(Kind::Aircraft, "000001", 9));
    assert_eq!(reader.read(Input::State(aircraft(1, 8, POSITION))), []);
}

#[test]
fn removals_expire_after_ten_minutes() {
    let mut reader = Reader::new();
    let _ = reader.read(removed(Kind::Aircraft, "000001", 9));
    reader.at_us = REMOVED_TTL_US;
    let _ = reader.read(Input::State(aircraft(2, 1, POSITION)));
    assert!(reader.view.removed.is_empty() && reader.view.removed_order.is_empty());
}

#[test]
fn name_is_sent_for_new_objects_and_new_names() {
    let mut reader = Reader::new();
    let mut named = |version, name: &str| {
        let State::Aircraft(mut state) = aircraft(1, version, POSITION) else { unreachable!() };
        state.name = Some(name.into());
        reader.read(Input::State(State::Aircraft(state)))[0].named
    };
    assert_eq!([named(1, "Ada"), named(2, "Ada"), named(3, "Bo")], [true, false, true]);
}

#[test]
fn a_second_alert_of_a_device_ends_the_first() {
    let mut reader = Reader::new();
    let _ = reader.read(Input::State(alert(100, 7, 1)));
    let changes = reader.read(Input::State(alert(200, 7, 2)));
    assert_eq!(changes.iter().map(|change| change.id.key).collect::<Vec<_>>(), [100, 200]);
    assert!(reader.view.object(id(Kind::Alert, 100)).is_none());
    assert_eq!(reader.read(Input::State(alert(100, 7, 1))), [], "the first is not restored");
    assert_eq!(reader.view.of_device(7).count(), 1);
    // The key of an alert's record is its device: the tombstone ends the present alert.
    let changes = reader.read(removed(Kind::Alert, "000007", 3));
    assert_eq!(changes[0].id.key, 200);
    assert_eq!(reader.view.of_device(7).count(), 0);
}

#[test]
fn receivers_and_thermals_are_found_by_their_keys() {
    let mut reader = Reader::new();
    let receiver = v1::ReceiverState { receiver_id: "roof".into(), version: 1, ..Default::default() };
    let _ = reader.read(Input::State(State::Receiver(receiver)));
    let thermal = v1::ThermalState { thermal_id: RecordId::new(3, 9).0, version: 1, ..Default::default() };
    let _ = reader.read(Input::State(State::Thermal(thermal)));
    let roof = reader.view.find(Kind::Receiver, "roof").unwrap();
    assert_eq!(reader.read(removed(Kind::Receiver, "roof", 2)).len(), 1);
    assert_eq!(reader.view.receiver_id(roof), Some("roof"), "its removal needs the id");
    assert_eq!(reader.read(removed(Kind::Thermal, "3-9", 2)).len(), 1);
    assert_eq!(reader.read(removed(Kind::Thermal, "nonsense", 2)), []);
}

#[test]
fn distress_is_urgent() {
    let mut reader = Reader::new();
    let State::Aircraft(mut state) = aircraft(1, 1, POSITION) else { unreachable!() };
    state.alert_kind = Some(v1::AlertKind::Distress.into());
    assert!(reader.read(Input::State(State::Aircraft(state)))[0].urgent);
    assert!(!reader.read(Input::State(aircraft(1, 2, POSITION)))[0].urgent);
}
