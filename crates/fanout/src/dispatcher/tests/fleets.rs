//! Who gets what of a fleet.

use prost::Message as _;
use schemas::keys::PrivatePart;
use schemas::v1::{AircraftState, PrivateState, Subscribe, private_state};

use super::*;
use crate::fleet::{Fleet, FleetKey};
use crate::session::{Refusal, SessionLimits};
use crate::view::{Input, State};

const NOW: Now = Now { monotonic: Duration::from_secs(1), us: 1_000_000 };
const PUBLIC: u32 = 1;
const HIDDEN: u32 = 2;
const OTHER: u32 = 3;

/// A view and a shard.
struct Bench {
    view: View,
    dispatcher: Dispatcher,
    version: u64,
    now: Now,
}

fn fleet(sees_hidden: bool, devices: &[u32]) -> Fleet {
    Fleet::new("red".into(), FleetKey { number: 7, sees_hidden }, devices.into())
}

impl Bench {
    fn new() -> Self {
        let heartbeat = Duration::from_secs(30);
        let settings =
            SessionSettings { version: "0", epoch: EPOCH.into(), heartbeat, limits: SessionLimits::default() };
        let dispatcher = Dispatcher::new(Arc::new(settings), Offsets::new(1));
        let mut bench = Self { view: View::new(1), dispatcher, version: 0, now: NOW };
        [PUBLIC, OTHER].into_iter().for_each(|device| bench.moves(device));
        bench.moves_hidden(HIDDEN);
        bench
    }

    fn state(&mut self, device: u32) -> AircraftState {
        self.version += 1;
        let position = Some(v1::Position { latitude_deg: -30.0, longitude_deg: 100.0, altitude_m: None });
        AircraftState { device, version: self.version, position, ..Default::default() }
    }

    fn moves(&mut self, device: u32) {
        let state = self.state(device);
        let mut changes = Vec::new();
        let origin = Origin { partition: 0, offset: state.version };
        self.view.apply(origin, 0, Input::State(State::Aircraft(state)), &mut changes);
        self.dispatcher.apply(&changes, &[origin]);
    }

    fn moves_hidden(&mut self, device: u32) {
        let state = PrivateState { state: Some(private_state::State::Aircraft(self.state(device))) };
        self.apply_hidden(device, Some(state));
    }

    fn apply_hidden(&mut self, device: u32, state: Option<PrivateState>) {
        let mut changes = Vec::new();
        self.view.private_mut().apply(device, PrivatePart::Object, state, 0, &mut changes);
        self.dispatcher.apply_hidden(&changes);
    }

    fn open(&mut self, subscription: Subscription) -> ClientId {
        let opening = Opening { subscription: Some(subscription), ..Opening::default() };
        self.dispatcher.open(opening, &self.view, NOW)
    }

    fn asks(&mut self, id: ClientId, request_id: u64, subscribe: Subscribe) {
        let message = Some(client_message::Message::Subscribe(subscribe));
        self.dispatcher.received(id, v1::ClientMessage { request_id, message }, &self.view, NOW);
    }

    /// Flushes; the messages of a client.
    fn receive(&mut self, id: ClientId) -> Vec<server_message::Message> {
        self.now.monotonic += Duration::from_millis(100);
        let flush = self.dispatcher.flush(&self.view, self.now);
        for touched in &flush.touched {
            for index in self.dispatcher.take_batch(*touched) {
                self.dispatcher.miss(*touched, &flush.deliveries[index as usize]);
            }
        }
        let mut messages = Vec::new();
        while let Some(frame) = self.dispatcher.next_frame(id, &self.view, self.now) {
            let body = if frame[1] == 126 { &frame[4..] } else { &frame[2..] };
            messages.extend(v1::ServerMessage::decode(body).expect("ours").message);
        }
        messages
    }

    /// The devices of the objects that a client gets, of its removals, and of the lists of its fleet.
    fn got(&mut self, id: ClientId) -> (Vec<u32>, Vec<u32>, Option<Vec<u32>>) {
        let (mut objects, mut removals, mut list) = (Vec::new(), Vec::new(), None);
        for message in self.receive(id) {
            let (of, fleet) = match message {
                server_message::Message::Snapshot(snapshot) => (snapshot.objects, snapshot.fleet),
                server_message::Message::Updates(batch) => {
                    removals.extend(batch.removals.iter().map(|removal| removal.version as u32));
                    (batch.objects, batch.fleet)
                }
                _ => continue,
            };
            objects.extend(of.unwrap_or_default().aircraft.into_iter().map(|update| update.device));
            list = fleet.map(|fleet| fleet.devices).or(list);
        }
        objects.sort_unstable();
        (objects, removals, list)
    }
}

#[test]
fn a_fleet_is_sent_wherever_its_devices_are() {
    let mut bench = Bench::new();
    let devices = [PUBLIC, HIDDEN];
    let manager = bench.open(Subscription::empty().with_fleet(Some(fleet(true, &devices))));
    let viewer = bench.open(Subscription::empty().with_fleet(Some(fleet(false, &devices))));
    let stranger = bench.open(alps());
    assert_eq!(bench.got(manager), (vec![PUBLIC, HIDDEN], vec![], Some(devices.to_vec())));
    assert_eq!(bench.got(viewer), (vec![PUBLIC], vec![], Some(devices.to_vec())));
    assert_eq!(bench.got(stranger), (vec![], vec![], None));
    for (device, to_manager, to_viewer) in
        [(PUBLIC, vec![PUBLIC], vec![PUBLIC]), (OTHER, vec![], vec![]), (HIDDEN, vec![HIDDEN], vec![])]
    {
        if device == HIDDEN {
            bench.moves_hidden(device);
        } else {
            bench.moves(device);
        }
        let to_all = bench.got(manager).0;
        assert_eq!((to_all, device), (to_manager, device));
        // The flush above has handed the update over.
        let mut later = Vec::new();
        while let Some(frame) = bench.dispatcher.next_frame(viewer, &bench.view, NOW) {
            let body = if frame[1] == 126 { &frame[4..] } else { &frame[2..] };
            if let Some(server_message::Message::Updates(batch)) =
                v1::ServerMessage::decode(body).expect("ours").message
            {
                later.extend(batch.objects.unwrap_or_default().aircraft.into_iter().map(|update| update.device));
            }
        }
        assert_eq!(later, to_viewer, "{device}");
    }
}

#[test]
fn a_device_that_hides_stays_for_those_who_may_see_it() {
    let mut bench = Bench::new();
    let manager = bench.open(Subscription::empty().with_fleet(Some(fleet(true, &[PUBLIC]))));
    let viewer = bench.open(Subscription::empty().with_fleet(Some(fleet(false, &[PUBLIC]))));
    bench.got(manager);
    bench.got(viewer);
    // One record: the public state ends, and the hidden one begins, both with its version. The topics differ, so that one of
    // them may be read before the other.
    let hidden = bench.state(PUBLIC);
    let version = hidden.version;
    let mut changes = Vec::new();
    let key = schemas::DeviceAddress(PUBLIC).to_string();
    let removed = Input::Removed { kind: crate::view::Kind::Aircraft, key, version: Some(version) };
    bench.view.apply(Origin { partition: 0, offset: version }, 0, removed, &mut changes);
    bench.dispatcher.apply(&changes, &[]);
    let (objects, removals, _) = bench.got(manager);
    assert_eq!((objects.len(), removals), (0, vec![1]), "below the version of the state that follows");
    bench.apply_hidden(PUBLIC, Some(PrivateState { state: Some(private_state::State::Aircraft(hidden)) }));
    assert_eq!(bench.got(manager).0, [PUBLIC]);
    assert_eq!(bench.got(viewer).1, [version as u32]);
    // It ends.
    bench.apply_hidden(PUBLIC, None);
    assert_eq!(bench.got(manager).1, [version as u32]);
    assert_eq!(bench.got(viewer), (vec![], vec![], None));
}

#[test]
fn a_fleet_is_asked_for_and_what_follows_waits() {
    let mut bench = Bench::new();
    let id = bench.open(Subscription::empty());
    bench.receive(id);
    bench.asks(id, 1, Subscribe { fleet: Some("red".to_owned()), ..Subscribe::default() });
    bench.asks(id, 2, Subscribe { follow_devices: vec![OTHER], ..Subscribe::default() });
    let requests = bench.dispatcher.take_fleet_requests();
    assert_eq!((requests.len(), requests[0].client, &*requests[0].fleet), (1, id, "red"));
    assert!(bench.receive(id).iter().all(|message| matches!(message, server_message::Message::Checkpoint(_))));
    let ticket = requests[0].ticket;
    let granted = fleet(true, &[HIDDEN]);
    assert!(!bench.dispatcher.grant_fleet(id, ticket + 1, Ok(granted.clone()), &bench.view, NOW), "another request");
    assert!(bench.dispatcher.grant_fleet(id, ticket, Ok(granted), &bench.view, NOW));
    assert_eq!(bench.got(id).0, [HIDDEN, OTHER], "in their order");
    // The same fleet again needs no permission; no fleet neither.
    bench.asks(id, 3, Subscribe { fleet: Some("red".to_owned()), ..Subscribe::default() });
    assert!(bench.dispatcher.take_fleet_requests().is_empty());
    bench.asks(id, 4, Subscribe { fleet: Some(String::new()), ..Subscribe::default() });
    assert_eq!(bench.dispatcher.fleet_of(id), None);
    bench.receive(id);
    bench.moves_hidden(HIDDEN);
    assert_eq!(bench.got(id).0, [0; 0]);
    // A refused one leaves the subscription.
    bench.asks(id, 5, Subscribe { fleet: Some("blue".to_owned()), ..Subscribe::default() });
    let ticket = bench.dispatcher.take_fleet_requests()[0].ticket;
    bench.dispatcher.grant_fleet(id, ticket, Err(Refusal::FLEET_NOT_ALLOWED), &bench.view, NOW);
    let answers = bench.receive(id);
    assert!(matches!(&answers[0], server_message::Message::Error(error)
        if error.code == "fleet_not_allowed" && error.request_id == Some(5)));
    bench.moves(OTHER);
    assert_eq!(bench.got(id).0, [OTHER], "still followed");
}

#[test]
fn a_changed_fleet_reaches_its_clients() {
    let mut bench = Bench::new();
    let id = bench.open(Subscription::empty().with_fleet(Some(fleet(true, &[PUBLIC]))));
    let member = bench.open(alps().with_fleet(Some(fleet(true, &[PUBLIC]))));
    bench.got(id);
    bench.got(member);
    assert_eq!(bench.dispatcher.clients_of_fleet("red"), [id, member]);
    let changed = fleet(true, &[HIDDEN, OTHER]);
    let renewed = vec![(id, Some(changed.clone())), (member, Some(changed))];
    assert_eq!(bench.dispatcher.renew_fleet(renewed, &bench.view, NOW), [id, member]);
    assert_eq!(bench.got(id), (vec![HIDDEN, OTHER], vec![], Some(vec![HIDDEN, OTHER])));
    bench.moves(PUBLIC);
    assert_eq!(bench.got(id).0, [0; 0], "it has left the fleet");
    // A change of a device that leaves before the flush is not sent.
    bench.moves_hidden(HIDDEN);
    bench.dispatcher.renew_fleet(vec![(id, Some(fleet(true, &[OTHER]))), (member, None)], &bench.view, NOW);
    assert_eq!(bench.got(id), (vec![], vec![], Some(vec![OTHER])));
    assert_eq!(bench.dispatcher.clients_of_fleet("red"), [id]);
    let ended = bench.receive(member);
    assert!(ended.iter().any(|message| matches!(message, server_message::Message::Error(error)
        if error.code == "fleet_ended" && error.request_id.is_none())));
    // Another sight of it: only public devices from now on.
    bench.dispatcher.renew_fleet(vec![(id, Some(fleet(false, &[HIDDEN, OTHER])))], &bench.view, NOW);
    assert_eq!(bench.got(id).0, [OTHER]);
    bench.moves_hidden(HIDDEN);
    assert_eq!(bench.got(id).0, [0; 0]);
    bench.dispatcher.remove(id);
    bench.dispatcher.remove(member);
    assert_eq!(bench.dispatcher.groups(), 0);
}
