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
    /// Version and finest cell per (kind, key).
    objects: BTreeMap<(Kind, u64), (u64, Cell)>,
    cells: Vec<Cell>,
    kinds: KindSet,
    followed: Vec<u32>,
    token: Option<String>,
    resumed: Option<bool>,
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
                    }
                }
                self.take(&snapshot.objects.unwrap_or_default());
            }
            server_message::Message::Updates(batch) => {
                self.take(&batch.objects.unwrap_or_default());
                for removal in batch.removals {
                    let kind = Kind::from_wire(removal.object_kind).unwrap();
                    let Some(v1::removal::Id::Device(device)) = removal.id else { panic!("{removal:?}") };
                    let key = (kind, u64::from(device));
                    if self.objects.get(&key).is_some_and(|(version, _)| *version <= removal.version) {
                        self.objects.remove(&key);
                    }
                }
            }
            server_message::Message::Present(present) => {
                self.objects.retain(|(kind, key), _| match kind {
                    Kind::Aircraft => present.aircraft_devices.contains(&(*key as u32)),
                    _ => present.ground_devices.contains(&(*key as u32)),
                });
            }
            server_message::Message::Checkpoint(checkpoint) => self.token = Some(checkpoint.resume),
            _ => {}
        }
        self.drop_unseen();
    }

    fn take(&mut self, objects: &v1::Objects) {
        let aircraft =
            objects.aircraft.iter().map(|o| (Kind::Aircraft, o.device, o.latitude_e7, o.longitude_e7, o.version));
        let ground = objects.ground.iter().map(|o| (Kind::Ground, o.device, o.latitude_e7, o.longitude_e7, o.version));
        for (kind, device, lat_e7, lon_e7, version) in aircraft.chain(ground) {
            let cell = Cell::at(f64::from(lat_e7) / 1e7, f64::from(lon_e7) / 1e7, 6);
            let known = self.objects.entry((kind, u64::from(device))).or_insert((version, cell));
            if known.0 <= version {
                *known = (version, cell);
            }
        }
    }

    fn drop_unseen(&mut self) {
        let (cells, kinds, followed) = (&self.cells, self.kinds, &self.followed);
        self.objects.retain(|(kind, key), (_, at)| {
            followed.contains(&(*key as u32)) || kinds.contains(*kind) && cells.iter().any(|cell| cell.contains(*at))
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
    /// The shard takes what the view has already taken.
    Drain,
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
    /// The connection is lost; the client comes back with its token.
    Resume {
        client: usize,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let place = || (45.0..47.0_f64, 6.0..9.0_f64);
    let client = || 0..CLIENTS;
    prop_oneof![
        8 => (1..12_u32, any::<bool>(), place())
            .prop_map(|(device, ground, (lat, lon))| Step::Move { device, ground, lat, lon }),
        2 => (1..12_u32, any::<bool>()).prop_map(|(device, ground)| Step::Remove { device, ground }),
        4 => Just(Step::Drain),
        4 => (1..7_000_u64).prop_map(|ms| Step::Tick { ms }),
        2 => (client(), place(), 1.0..150.0_f64, 0..4_u8, prop::option::of(1..12_u32), 1..5_i32).prop_map(
            |(client, (lat, lon), radius_km, kinds, follow, rate)|
                Step::Subscribe { client, lat, lon, radius_km, kinds, follow, rate }),
        2 => (client(), 0..4_usize).prop_map(|(client, frames)| Step::Line { client, frames }),
        1 => client().prop_map(|client| Step::Resume { client }),
    ]
}

const CLIENTS: usize = 3;

struct Seat {
    id: ClientId,
    model: Model,
    line: usize,
}

struct World {
    view: View,
    board: Switchboard,
    undrained: VecDeque<(Vec<Change>, Origin)>,
    seats: Vec<Seat>,
    now: Now,
    offset: u64,
}

impl World {
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
        let mut world = Self {
            view: View::new(1),
            board: Switchboard::new(Arc::new(settings), Positions::new(1)),
            undrained: VecDeque::new(),
            seats: Vec::new(),
            now: Now { monotonic: Duration::from_secs(1), us: 1_000_000 },
            offset: 0,
        };
        for _ in 0..CLIENTS {
            let opening = world.opening(None);
            let id = world.board.open(opening, &world.view, world.now);
            let model = Model { kinds: KindSet::ALL, ..Model::default() };
            world.seats.push(Seat { id, model, line: usize::MAX });
        }
        world
    }

    fn opening(&self, resume: Option<(Subscription, String)>) -> Opening {
        let circle = Region::Circle(Circle::new(46.0, 7.5, 50.0).unwrap());
        match resume {
            None => {
                Opening { subscription: Some(Subscription::empty().with_region(&circle, 64)), ..Opening::default() }
            }
            Some((subscription, token)) => {
                Opening { subscription: Some(subscription), resume: Some(token), ..Opening::default() }
            }
        }
    }

    fn run(&mut self, step: Step) {
        match step {
            Step::Move { device, ground, lat, lon } => self.read(|version| {
                let position = Some(v1::Position { latitude_deg: lat, longitude_deg: lon, altitude_m: None });
                Input::State(match ground {
                    false => State::Aircraft(v1::AircraftState { device, version, position, ..Default::default() }),
                    true => State::Ground(v1::GroundState { device, version, position, ..Default::default() }),
                })
            }),
            Step::Remove { device, ground } => self.read(|version| Input::Gone {
                kind: if ground { Kind::Ground } else { Kind::Aircraft },
                key: schemas::DeviceAddress(device).to_string(),
                version: Some(version),
            }),
            Step::Drain => self.drain(),
            Step::Tick { ms } => self.tick(ms),
            Step::Subscribe { client, lat, lon, radius_km, kinds, follow, rate } => {
                let circle = v1::Circle { latitude_deg: lat, longitude_deg: lon, radius_km };
                let kinds = [vec![], vec![1], vec![2], vec![1, 2]][usize::from(kinds)].clone();
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
                self.board.received(seat.id, received, &self.view, self.now);
            }
            Step::Line { client, frames } => self.seats[client].line = if frames == 3 { usize::MAX } else { frames },
            Step::Resume { client } => self.resume(client),
        }
    }

    fn read(&mut self, input: impl FnOnce(u64) -> Input) {
        let origin = Origin { partition: 0, offset: self.offset };
        let mut changes = Vec::new();
        self.view.apply(origin, self.now.us, input(self.offset + 1), &mut changes);
        self.offset += 1;
        self.undrained.push_back((changes, origin));
    }

    fn drain(&mut self) {
        for (changes, origin) in std::mem::take(&mut self.undrained) {
            self.board.apply(&changes, &[origin]);
        }
    }

    fn tick(&mut self, ms: u64) {
        self.now.monotonic += Duration::from_millis(ms);
        self.now.us += ms * 1_000;
        let flush = self.board.flush(&self.view, self.now);
        for id in &flush.touched {
            let batch = self.board.take_batch(*id);
            let clear = self.board.is_clear(*id);
            let seat = self.seats.iter_mut().find(|seat| seat.id == *id).unwrap();
            for (place, index) in batch.iter().enumerate() {
                let delivery = &flush.deliveries[*index as usize];
                if clear && place < seat.line {
                    seat.model.hear(delivery.frames.of(Wire::default()));
                } else {
                    self.board.miss(*id, delivery);
                }
            }
            self.board.return_batch(*id, batch);
        }
        for seat in &mut self.seats {
            for _ in 0..seat.line {
                let Some(frame) = self.board.next_frame(seat.id, &self.view, self.now) else { break };
                seat.model.hear(&frame);
            }
        }
    }

    fn resume(&mut self, client: usize) {
        let seat = &mut self.seats[client];
        let Some(token) = seat.model.token.clone() else { return };
        let subscription = self.board.clients[seat.id.0 as usize].session.subscription().clone();
        self.board.remove(seat.id);
        let opening = self.opening(Some((subscription, token)));
        self.seats[client].id = self.board.open(opening, &self.view, self.now);
    }

    /// Lets everything arrive, and compares.
    fn settle(&mut self) {
        self.drain();
        self.seats.iter_mut().for_each(|seat| seat.line = usize::MAX);
        self.tick(31_000);
        self.tick(31_000);
        for seat in &self.seats {
            let subscription = self.board.clients[seat.id.0 as usize].session.subscription();
            let expected: BTreeMap<_, _> = [Kind::Aircraft, Kind::Ground]
                .into_iter()
                .flat_map(|kind| self.view.objects(kind))
                .filter(|object| subscription.sees(object))
                .map(|object| ((object.id.kind, object.id.key), (object.version(), object.cell.unwrap())))
                .collect();
            assert_eq!(seat.model.objects, expected, "client {:?}", seat.id);
            let mut seen = compose::seen(&self.view, subscription);
            seen.sort();
            assert_eq!(seen.len(), expected.len(), "nothing is listed twice");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_client_ends_up_with_exactly_what_its_subscription_sees(
        steps in prop::collection::vec(step(), 1..120)
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
    let token = Positions::new(1).token("another");
    let opening = world.opening(None);
    let opening = Opening { resume: Some(token), ..opening };
    let id = world.board.open(opening, &world.view, world.now);
    world.seats.push(Seat { id, model: Model { kinds: KindSet::ALL, ..Model::default() }, line: usize::MAX });
    world.tick(1);
    assert_eq!(world.seats[CLIENTS].model.resumed, Some(false));
    assert_eq!(world.seats[CLIENTS].model.objects.len(), 1);
}

#[test]
fn a_resume_waits_for_a_view_that_is_behind_its_token() {
    let mut world = World::new();
    let mut ahead = Positions::new(1);
    ahead.advance(Origin { partition: 0, offset: 0 });
    let subscription = world.board.clients[0].session.subscription().clone();
    let opening = world.opening(Some((subscription, ahead.token(EPOCH))));
    let id = world.board.open(opening, &world.view, world.now);
    world.seats.push(Seat { id, model: Model { kinds: KindSet::ALL, ..Model::default() }, line: usize::MAX });
    world.tick(100);
    assert_eq!(world.seats[CLIENTS].model.resumed, None, "it waits");
    world.run(Step::Move { device: 1, ground: false, lat: 46.0, lon: 7.5 });
    world.tick(100);
    assert_eq!(world.seats[CLIENTS].model.resumed, Some(true));
}

#[test]
fn a_client_that_takes_nothing_for_half_a_minute_is_closed_as_slow() {
    let mut world = World::new();
    let id = world.seats[0].id;
    world.board.took(id, true, world.now);
    world.now.monotonic += Duration::from_secs(29);
    world.board.took(id, true, world.now);
    assert_eq!(world.board.sweep(&world.view, world.now), []);
    world.now.monotonic += Duration::from_secs(1);
    assert_eq!(world.board.sweep(&world.view, world.now), [id]);
    assert_eq!(world.board.closing(id), Some(CloseCode::Slow));
}

#[test]
fn distress_does_not_wait_for_a_slow_rate() {
    let mut world = World::new();
    let seat = 0;
    world.run(Step::Subscribe { client: seat, lat: 46.0, lon: 7.5, radius_km: 50.0, kinds: 0, follow: None, rate: 4 });
    world.tick(1);
    world.read(|version| {
        let position = Some(v1::Position { latitude_deg: 46.0, longitude_deg: 7.5, altitude_m: None });
        let alert_kind = Some(v1::AlertKind::Distress.into());
        Input::State(State::Aircraft(v1::AircraftState {
            device: 1,
            version,
            position,
            alert_kind,
            ..Default::default()
        }))
    });
    world.drain();
    assert!(world.board.is_urgent());
    world.tick(1);
    assert_eq!(world.seats[seat].model.objects.len(), 1);
}
