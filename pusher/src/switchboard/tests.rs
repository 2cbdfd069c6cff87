//! Whatever happens, every client ends up with exactly what a naive model says: all objects that its subscription sees.

use std::collections::{BTreeMap, VecDeque};

use geo::{Cell, Circle, Region};
use proptest::prelude::*;
use prost::Message as _;
use schemas::v1::{client_message, subscribe};

use super::*;
use crate::compose;
use crate::session::SessionLimits;
use crate::view::{Input, Kind, KindSet, State};

const EPOCH: &str = "simulation";

/// What a client of ours does with messages, as simply as it can be done.
#[derive(Default, Clone)]
struct Model {
    objects: BTreeMap<(Kind, u64), Held>,
    cells: Vec<Cell>,
    kinds: KindSet,
    followed: Vec<u32>,
    token: Option<String>,
    resumed: Option<bool>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Held {
    version: u64,
    /// The finest.
    cell: Cell,
    device: u32,
}

impl Model {
    fn hear(&mut self, frame: &[u8]) {
        let body = match frame[1] {
            126 => &frame[4..],
            127 => &frame[10..],
            _ => &frame[2..],
        };
        if frame[0] == 0x89 {
            return;
        }
        match v1::ServerMessage::decode(body).unwrap().message.unwrap() {
            server_message::Message::Snapshot(snapshot) => {
                if snapshot.page == 0 {
                    self.cells = snapshot.cells.iter().map(|cell| cell.parse().unwrap()).collect();
                    self.resumed = snapshot.resumed;
                    if snapshot.resumed == Some(false) {
                        self.objects.clear();
                        self.token = None;
                    }
                }
                self.take(&snapshot.objects.unwrap_or_default());
            }
            server_message::Message::Updates(batch) => {
                self.take(&batch.objects.unwrap_or_default());
                for removal in batch.removals {
                    let kind = Kind::from_wire(removal.object_kind).unwrap();
                    let key = match removal.id {
                        Some(v1::removal::Id::Device(device)) => (kind, u64::from(device)),
                        Some(v1::removal::Id::RecordId(id)) => (kind, id),
                        _ => panic!("{removal:?}"),
                    };
                    if self.objects.get(&key).is_some_and(|held| held.version <= removal.version) {
                        self.objects.remove(&key);
                    }
                }
            }
            server_message::Message::Present(present) => {
                self.objects.retain(|(kind, key), _| match kind {
                    Kind::Aircraft => present.aircraft_devices.contains(&(*key as u32)),
                    Kind::Ground => present.ground_devices.contains(&(*key as u32)),
                    _ => present.alert_ids.contains(key),
                });
            }
            server_message::Message::Checkpoint(checkpoint) => self.token = Some(checkpoint.resume),
            _ => {}
        }
        self.drop_unseen();
    }

    fn take(&mut self, objects: &v1::Objects) {
        let aircraft = objects
            .aircraft
            .iter()
            .map(|o| ((Kind::Aircraft, u64::from(o.device)), o.device, (o.latitude_e7, o.longitude_e7), o.version));
        let ground = objects
            .ground
            .iter()
            .map(|o| ((Kind::Ground, u64::from(o.device)), o.device, (o.latitude_e7, o.longitude_e7), o.version));
        let alerts = objects.alerts.iter().map(|o| {
            ((Kind::Alert, o.alert_id), o.device, (o.latitude_e7.unwrap(), o.longitude_e7.unwrap()), o.version)
        });
        for (key, device, (lat_e7, lon_e7), version) in aircraft.chain(ground).chain(alerts) {
            let cell = Cell::at(f64::from(lat_e7) / 1e7, f64::from(lon_e7) / 1e7, 6);
            let known = self.objects.entry(key).or_insert(Held { version, cell, device });
            if known.version <= version {
                *known = Held { version, cell, device };
            }
        }
    }

    fn drop_unseen(&mut self) {
        let (cells, kinds, followed) = (&self.cells, self.kinds, &self.followed);
        self.objects.retain(|(kind, _), held| {
            followed.contains(&held.device)
                || kinds.contains(*kind) && cells.iter().any(|cell| cell.contains(held.cell))
        });
    }
}

#[derive(Clone, Debug)]
enum Step {
    Move {
        device: u32,
        ground: bool,
        lat: f64,
        lon: f64,
    },
    Remove {
        device: u32,
        ground: bool,
    },
    /// A device calls for help, or repeats its call; `anew`: it is another call.
    Alert {
        device: u32,
        anew: bool,
        lat: f64,
        lon: f64,
    },
    EndAlert {
        device: u32,
    },
    /// The view of an instance reads on in the log.
    Read {
        instance: usize,
        records: usize,
    },
    /// Its shard takes what the view has already taken.
    Drain {
        instance: usize,
    },
    Tick {
        ms: u64,
    },
    Subscribe {
        client: usize,
        lat: f64,
        lon: f64,
        radius_km: f64,
        kinds: u8,
        follow: Option<u32>,
        rate: i32,
    },
    /// From now on the client's line takes so many frames per flush.
    Line {
        client: usize,
        frames: usize,
    },
    /// The connection is lost; the client comes back with its token, where it has one, to any instance.
    Resume {
        client: usize,
        instance: usize,
    },
    /// The client begins anew, without a token.
    Anew {
        client: usize,
        instance: usize,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let place = || (45.0..47.0_f64, 6.0..9.0_f64);
    let client = || 0..CLIENTS;
    let instance = || 0..INSTANCES;
    prop_oneof![
        8 => (1..12_u32, any::<bool>(), place())
            .prop_map(|(device, ground, (lat, lon))| Step::Move { device, ground, lat, lon }),
        2 => (1..12_u32, any::<bool>()).prop_map(|(device, ground)| Step::Remove { device, ground }),
        3 => (1..12_u32, any::<bool>(), place())
            .prop_map(|(device, anew, (lat, lon))| Step::Alert { device, anew, lat, lon }),
        2 => (1..12_u32).prop_map(|device| Step::EndAlert { device }),
        6 => (instance(), 1..8_usize).prop_map(|(instance, records)| Step::Read { instance, records }),
        4 => instance().prop_map(|instance| Step::Drain { instance }),
        4 => (1..7_000_u64).prop_map(|ms| Step::Tick { ms }),
        2 => (client(), place(), 1.0..150.0_f64, 0..4_u8, prop::option::of(1..12_u32), 1..5_i32).prop_map(
            |(client, (lat, lon), radius_km, kinds, follow, rate)|
                Step::Subscribe { client, lat, lon, radius_km, kinds, follow, rate }),
        2 => (client(), 0..4_usize).prop_map(|(client, frames)| Step::Line { client, frames }),
        2 => (client(), instance()).prop_map(|(client, instance)| Step::Resume { client, instance }),
        1 => (client(), instance()).prop_map(|(client, instance)| Step::Anew { client, instance }),
    ]
}

const CLIENTS: usize = 4;
const INSTANCES: usize = 2;

struct Seat {
    instance: usize,
    id: ClientId,
    model: Model,
    line: usize,
}

/// A pusher: a view that has read so far, and a shard that has taken some of it.
struct Instance {
    view: View,
    board: Switchboard,
    read: usize,
    undrained: VecDeque<(Vec<Change>, Origin)>,
}

impl Instance {
    fn new() -> Self {
        let settings = SessionSettings {
            version: "0",
            epoch: EPOCH.into(),
            // Nobody answers pings here.
            heartbeat: Duration::from_secs(1_000_000),
            limits: SessionLimits {
                max_subscribes_per_minute: 1_000_000,
                max_messages_per_minute: 1_000_000,
                ..SessionLimits::default()
            },
        };
        Self {
            view: View::new(1),
            board: Switchboard::new(Arc::new(settings), Positions::new(1)),
            read: 0,
            undrained: VecDeque::new(),
        }
    }

    fn read(&mut self, log: &[Input], records: usize, at_us: u64) {
        for input in log.iter().skip(self.read).take(records) {
            let origin = Origin { partition: 0, offset: self.read as u64 };
            let mut changes = Vec::new();
            self.view.apply(origin, at_us, input.clone(), &mut changes);
            self.undrained.push_back((changes, origin));
            self.read += 1;
        }
    }

    fn drain(&mut self) {
        for (changes, origin) in std::mem::take(&mut self.undrained) {
            self.board.apply(&changes, &[origin]);
        }
    }

    fn subscription(&self, id: ClientId) -> &Subscription {
        self.board.clients[id.0 as usize].session.subscription()
    }
}

struct World {
    /// What all instances read.
    log: Vec<Input>,
    instances: Vec<Instance>,
    /// The present call of each device.
    alerts: BTreeMap<u32, u64>,
    seats: Vec<Seat>,
    now: Now,
}

fn alps() -> Subscription {
    Subscription::empty().with_region(&Region::Circle(Circle::new(46.0, 7.5, 50.0).unwrap()), 64)
}

impl World {
    fn new() -> Self {
        let mut world = Self {
            log: Vec::new(),
            instances: (0..INSTANCES).map(|_| Instance::new()).collect(),
            alerts: BTreeMap::new(),
            seats: Vec::new(),
            now: Now { monotonic: Duration::from_secs(1), us: 1_000_000 },
        };
        for client in 0..CLIENTS {
            world.sit(client % INSTANCES, alps(), None);
        }
        world
    }

    /// A client that knows nothing yet.
    fn sit(&mut self, instance: usize, subscription: Subscription, resume: Option<String>) {
        let id = self.open(instance, subscription, resume);
        let model = Model { kinds: KindSet::ALL, ..Model::default() };
        self.seats.push(Seat { instance, id, model, line: usize::MAX });
    }

    fn open(&mut self, instance: usize, subscription: Subscription, resume: Option<String>) -> ClientId {
        let Instance { view, board, .. } = &mut self.instances[instance];
        board.open(Opening { subscription: Some(subscription), resume, ..Opening::default() }, view, self.now)
    }

    fn run(&mut self, step: Step) {
        let version = self.log.len() as u64 + 1;
        let at = |lat, lon| Some(v1::Position { latitude_deg: lat, longitude_deg: lon, altitude_m: None });
        let key = |device| schemas::DeviceAddress(device).to_string();
        match step {
            Step::Move { device, ground, lat, lon } => {
                let position = at(lat, lon);
                self.log.push(Input::State(match ground {
                    false => State::Aircraft(v1::AircraftState { device, version, position, ..Default::default() }),
                    true => State::Ground(v1::GroundState { device, version, position, ..Default::default() }),
                }));
            }
            Step::Remove { device, ground } => self.log.push(Input::Gone {
                kind: if ground { Kind::Ground } else { Kind::Aircraft },
                key: key(device),
                version: Some(version),
            }),
            Step::Alert { device, anew, lat, lon } => {
                let alert_id = *self.alerts.get(&device).filter(|_| !anew).unwrap_or(&version);
                self.alerts.insert(device, alert_id);
                let position = at(lat, lon);
                let alert = v1::AlertState { alert_id, device, version, position, ..Default::default() };
                self.log.push(Input::State(State::Alert(alert)));
            }
            Step::EndAlert { device } => {
                self.alerts.remove(&device);
                self.log.push(Input::Gone { kind: Kind::Alert, key: key(device), version: Some(version) });
            }
            Step::Read { instance, records } => self.instances[instance].read(&self.log, records, self.now.us),
            Step::Drain { instance } => self.instances[instance].drain(),
            Step::Tick { ms } => self.tick(ms),
            Step::Subscribe { client, lat, lon, radius_km, kinds, follow, rate } => {
                let circle = v1::Circle { latitude_deg: lat, longitude_deg: lon, radius_km };
                let kinds = [vec![], vec![1], vec![6], vec![1, 2]][usize::from(kinds)].clone();
                let wish = v1::Subscribe {
                    region: Some(subscribe::Region::Circle(circle)),
                    kinds: kinds.clone(),
                    follow_devices: follow.into_iter().collect(),
                    rate: Some(rate),
                    replace_lists: true,
                    ..Default::default()
                };
                let seat = &mut self.seats[client];
                let kinds = kinds.into_iter().map(|number| Kind::from_wire(number).unwrap());
                seat.model.kinds = if kinds.len() == 0 { KindSet::ALL } else { kinds.collect() };
                seat.model.followed = follow.into_iter().collect();
                seat.model.drop_unseen();
                // A token continues the subscription that it was given for, and no other.
                seat.model.token = None;
                let message = Some(client_message::Message::Subscribe(wish));
                let received = v1::ClientMessage { request_id: 1, message };
                let Instance { view, board, .. } = &mut self.instances[seat.instance];
                board.received(seat.id, received, view, self.now);
            }
            Step::Line { client, frames } => self.seats[client].line = if frames == 3 { usize::MAX } else { frames },
            Step::Resume { client, instance } => {
                let token = self.seats[client].model.token.clone();
                if token.is_some() {
                    self.come_back(client, instance, token);
                }
            }
            Step::Anew { client, instance } => {
                self.seats[client].model.objects.clear();
                self.seats[client].model.token = None;
                self.come_back(client, instance, None);
            }
        }
    }

    fn come_back(&mut self, client: usize, instance: usize, token: Option<String>) {
        let Seat { instance: before, id, .. } = self.seats[client];
        let subscription = self.instances[before].subscription(id).clone();
        self.instances[before].board.remove(id);
        let id = self.open(instance, subscription, token);
        (self.seats[client].instance, self.seats[client].id) = (instance, id);
    }

    fn tick(&mut self, ms: u64) {
        self.now.monotonic += Duration::from_millis(ms);
        self.now.us += ms * 1_000;
        for (number, Instance { view, board, .. }) in self.instances.iter_mut().enumerate() {
            let flush = board.flush(view, self.now);
            for id in &flush.touched {
                let batch = board.take_batch(*id);
                let clear = board.is_clear(*id);
                let seat = self.seats.iter_mut().find(|seat| (seat.instance, seat.id) == (number, *id)).unwrap();
                for (place, index) in batch.iter().enumerate() {
                    let delivery = &flush.deliveries[*index as usize];
                    if clear && place < seat.line {
                        seat.model.hear(delivery.frames.of(Wire::default()));
                    } else {
                        board.miss(*id, delivery);
                    }
                }
                board.return_batch(*id, batch);
            }
            for seat in self.seats.iter_mut().filter(|seat| seat.instance == number) {
                for _ in 0..seat.line {
                    let Some(frame) = board.next_frame(seat.id, view, self.now) else { break };
                    seat.model.hear(&frame);
                }
            }
        }
    }

    /// Lets everything arrive, and compares.
    fn settle(&mut self) {
        for instance in &mut self.instances {
            instance.read(&self.log, usize::MAX, self.now.us);
            instance.drain();
        }
        self.seats.iter_mut().for_each(|seat| seat.line = usize::MAX);
        self.tick(31_000);
        self.tick(31_000);
        for (number, seat) in self.seats.iter().enumerate() {
            let instance = &self.instances[seat.instance];
            let subscription = instance.subscription(seat.id);
            let expected: BTreeMap<_, _> = [Kind::Aircraft, Kind::Ground, Kind::Alert]
                .into_iter()
                .flat_map(|kind| instance.view.objects(kind))
                .filter(|object| subscription.sees(object))
                .map(|object| {
                    let (version, cell) = (object.version(), object.cell.unwrap());
                    ((object.id.kind, object.id.key), Held { version, cell, device: object.state.device().unwrap() })
                })
                .collect();
            assert_eq!(seat.model.objects, expected, "client {number}");
            let mut seen = compose::seen(&instance.view, subscription);
            seen.sort();
            assert_eq!(seen.len(), expected.len(), "nothing is listed twice");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn every_client_ends_up_with_exactly_what_its_subscription_sees(
        steps in prop::collection::vec(step(), 1..160)
    ) {
        let mut world = World::new();
        for step in steps {
            world.run(step);
        }
        world.settle();
    }
}

#[test]
fn a_token_of_another_epoch_gets_everything_again() {
    let mut world = World::new();
    world.run(Step::Move { device: 1, ground: false, lat: 46.0, lon: 7.5 });
    world.run(Step::Read { instance: 0, records: 1 });
    world.sit(0, alps(), Some(Positions::new(1).token("another")));
    world.tick(1);
    assert_eq!(world.seats[CLIENTS].model.resumed, Some(false));
    assert_eq!(world.seats[CLIENTS].model.objects.len(), 1);
}

#[test]
fn a_resume_waits_for_a_view_that_is_behind_its_token() {
    let mut world = World::new();
    let mut ahead = Positions::new(1);
    ahead.advance(Origin { partition: 0, offset: 0 });
    world.sit(0, alps(), Some(ahead.token(EPOCH)));
    world.tick(100);
    assert_eq!(world.seats[CLIENTS].model.resumed, None, "it waits");
    world.run(Step::Move { device: 1, ground: false, lat: 46.0, lon: 7.5 });
    world.run(Step::Read { instance: 0, records: 1 });
    world.tick(100);
    assert_eq!(world.seats[CLIENTS].model.resumed, Some(true));
}

#[test]
fn a_resume_at_a_view_that_stays_behind_its_token_begins_anew() {
    let mut world = World::new();
    let mut ahead = Positions::new(1);
    ahead.advance(Origin { partition: 0, offset: 0 });
    world.sit(0, alps(), Some(ahead.token(EPOCH)));
    world.tick(1_999);
    assert_eq!(world.seats[CLIENTS].model.resumed, None, "it waits");
    world.tick(1);
    assert_eq!(world.seats[CLIENTS].model.resumed, Some(false));
}

#[test]
fn a_client_that_takes_nothing_for_half_a_minute_is_closed_as_slow() {
    let mut world = World::new();
    let (id, mut now) = (world.seats[0].id, world.now);
    let Instance { view, board, .. } = &mut world.instances[0];
    board.took(id, true, now);
    assert_eq!(board.behind(), 1);
    now.monotonic += Duration::from_secs(29);
    board.took(id, true, now);
    assert_eq!(board.sweep(view, now), []);
    now.monotonic += Duration::from_secs(1);
    assert_eq!(board.sweep(view, now), [id]);
    assert_eq!(board.closing(id), Some(CloseCode::Slow));
}

#[test]
fn a_client_that_asks_for_nothing_is_closed_and_one_that_asks_late_is_not() {
    let mut world = World::new();
    let mut now = world.now;
    let Instance { view, board, .. } = &mut world.instances[0];
    let [silent, speaks] = [0, 1].map(|_| board.open(Opening::default(), view, now));
    now.monotonic += Duration::from_secs(9);
    assert_eq!(board.sweep(view, now), []);
    let wish = Some(client_message::Message::Subscribe(v1::Subscribe::default()));
    board.received(speaks, v1::ClientMessage { request_id: 1, message: wish }, view, now);
    now.monotonic += Duration::from_secs(1);
    assert_eq!(board.sweep(view, now), [silent]);
    assert_eq!((board.closing(silent), board.closing(speaks)), (Some(CloseCode::Idle), None));
}

#[test]
fn distress_does_not_wait_for_a_slow_rate() {
    let mut world = World::new();
    let seat = 0;
    world.run(Step::Subscribe { client: seat, lat: 46.0, lon: 7.5, radius_km: 50.0, kinds: 0, follow: None, rate: 4 });
    world.tick(1);
    let position = Some(v1::Position { latitude_deg: 46.0, longitude_deg: 7.5, altitude_m: None });
    let alert_kind = Some(v1::AlertKind::Distress.into());
    let state = v1::AircraftState { device: 1, version: 1, position, alert_kind, ..Default::default() };
    world.log.push(Input::State(State::Aircraft(state)));
    world.run(Step::Read { instance: 0, records: 1 });
    world.run(Step::Drain { instance: 0 });
    assert!(world.instances[0].board.is_urgent());
    world.tick(1);
    assert_eq!(world.seats[seat].model.objects.len(), 1);
}

#[test]
fn who_comes_in_a_storm_shares_a_snapshot_and_misses_nothing() {
    let mut world = World::new();
    world.instances[0].board.take_snapshot_counts();
    for device in 1..=9 {
        world.run(Step::Move { device, ground: false, lat: 46.0, lon: 7.5 });
    }
    world.run(Step::Read { instance: 0, records: 9 });
    world.run(Step::Drain { instance: 0 });
    world.tick(2_000);
    for _ in 0..3 {
        world.sit(0, alps(), None);
    }
    // What changes between the making of a snapshot and its last reader: one moves, one leaves, one comes, one ends.
    world.run(Step::Move { device: 1, ground: false, lat: 46.1, lon: 7.5 });
    world.run(Step::Move { device: 2, ground: false, lat: -46.0, lon: 7.5 });
    world.run(Step::Move { device: 10, ground: false, lat: 46.0, lon: 7.5 });
    world.run(Step::Remove { device: 3, ground: false });
    world.run(Step::Read { instance: 0, records: 4 });
    world.run(Step::Drain { instance: 0 });
    for _ in 0..100 {
        world.sit(0, alps(), None);
    }
    // The first of all is listened to while it asks alone; the last two before the changes share with the hundred.
    assert_eq!(world.instances[0].board.take_snapshot_counts(), [1, 102]);
    world.settle();
    assert_eq!(world.seats.last().map(|seat| seat.model.objects.len()), Some(8));
}

#[test]
fn an_alert_that_ended_unheard_is_ended_for_who_begins_to_follow_its_device() {
    let mut world = World::new();
    let subscribe =
        |follow, lat| Step::Subscribe { client: 0, lat, lon: 7.5, radius_km: 20.0, kinds: 0, follow, rate: 1 };
    world.run(Step::Alert { device: 5, anew: true, lat: 46.0, lon: 7.5 });
    world.run(Step::Read { instance: 0, records: 1 });
    world.run(Step::Drain { instance: 0 });
    world.tick(100);
    assert_eq!(world.seats[0].model.objects.len(), 1);
    // It looks elsewhere and the line is slow; the alert ends; before it hears of its new cells it begins to follow.
    world.run(Step::Line { client: 0, frames: 0 });
    world.run(subscribe(None, 45.0));
    world.run(Step::EndAlert { device: 5 });
    world.run(Step::Read { instance: 0, records: 1 });
    world.run(Step::Drain { instance: 0 });
    world.tick(100);
    world.run(subscribe(Some(5), 45.0));
    world.settle();
    assert_eq!(world.seats[0].model.objects, BTreeMap::new());
}
