//! A simulation of two pushers, one log and a few clients, without time, sockets and threads.

use std::collections::{BTreeMap, VecDeque};

use geo::{Circle, Region};
use proptest::prelude::*;
use schemas::v1::{client_message, subscribe};

use super::super::*;
use super::model::{Held, Model};
use crate::compose;
use crate::session::SessionLimits;
use crate::view::{Input, Kind, KindSet, State};

pub(super) const EPOCH: &str = "simulation";

/// An event of the simulation.
#[derive(Clone, Debug)]
pub(super) enum Step {
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
    /// A device sends a distress call, or repeats it; `is_new`: it is another call.
    Alert {
        device: u32,
        is_new: bool,
        lat: f64,
        lon: f64,
    },
    EndAlert {
        device: u32,
    },
    /// The view of an instance reads records of the log.
    Read {
        instance: usize,
        records: usize,
    },
    /// Its shard applies the changes of the view.
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
    /// From now on the client's socket takes this many frames per flush.
    Capacity {
        client: usize,
        frames: usize,
    },
    /// The connection is lost; the client reconnects to an instance with its token, where it has one.
    Resume {
        client: usize,
        instance: usize,
    },
    /// The client reconnects without a token.
    Restart {
        client: usize,
        instance: usize,
    },
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let position = || (45.0..47.0_f64, 6.0..9.0_f64);
    let client = || 0..CLIENTS;
    let instance = || 0..INSTANCES;
    prop_oneof![
        8 => (1..12_u32, any::<bool>(), position())
            .prop_map(|(device, ground, (lat, lon))| Step::Move { device, ground, lat, lon }),
        2 => (1..12_u32, any::<bool>()).prop_map(|(device, ground)| Step::Remove { device, ground }),
        3 => (1..12_u32, any::<bool>(), position())
            .prop_map(|(device, is_new, (lat, lon))| Step::Alert { device, is_new, lat, lon }),
        2 => (1..12_u32).prop_map(|device| Step::EndAlert { device }),
        6 => (instance(), 1..8_usize).prop_map(|(instance, records)| Step::Read { instance, records }),
        4 => instance().prop_map(|instance| Step::Drain { instance }),
        4 => (1..7_000_u64).prop_map(|ms| Step::Tick { ms }),
        2 => (client(), position(), 1.0..150.0_f64, 0..4_u8, prop::option::of(1..12_u32), 1..5_i32).prop_map(
            |(client, (lat, lon), radius_km, kinds, follow, rate)|
                Step::Subscribe { client, lat, lon, radius_km, kinds, follow, rate }),
        2 => (client(), 0..4_usize).prop_map(|(client, frames)| Step::Capacity { client, frames }),
        2 => (client(), instance()).prop_map(|(client, instance)| Step::Resume { client, instance }),
        1 => (client(), instance()).prop_map(|(client, instance)| Step::Restart { client, instance }),
    ]
}

pub(super) const CLIENTS: usize = 4;
pub(super) const INSTANCES: usize = 2;

pub(super) struct TestClient {
    pub(super) instance: usize,
    pub(super) id: ClientId,
    pub(super) model: Model,
    capacity: usize,
}

/// A pusher: a view with the records that it has read, and a shard that has applied some of their changes.
pub(super) struct Instance {
    pub(super) view: View,
    pub(super) dispatcher: Dispatcher,
    read: usize,
    undrained: VecDeque<(Vec<Change>, Origin)>,
}

impl Instance {
    fn new() -> Self {
        let settings = SessionSettings {
            version: "0",
            epoch: EPOCH.into(),
            // No client answers pings.
            heartbeat: Duration::from_secs(1_000_000),
            limits: SessionLimits {
                max_subscribes_per_minute: 1_000_000,
                max_messages_per_minute: 1_000_000,
                ..SessionLimits::default()
            },
        };
        Self {
            view: View::new(1),
            dispatcher: Dispatcher::new(Arc::new(settings), Offsets::new(1)),
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
            self.dispatcher.apply(&changes, &[origin]);
        }
    }

    fn subscription(&self, id: ClientId) -> &Subscription {
        self.dispatcher.clients[id.0 as usize].session.subscription()
    }
}

pub(super) struct World {
    /// The log that all instances read.
    pub(super) log: Vec<Input>,
    pub(super) instances: Vec<Instance>,
    /// The present distress call of each device.
    alerts: BTreeMap<u32, u64>,
    pub(super) clients: Vec<TestClient>,
    pub(super) now: Now,
}

pub(super) fn alps() -> Subscription {
    Subscription::empty().with_region(&Region::Circle(Circle::new(46.0, 7.5, 50.0).unwrap()), 64)
}

impl World {
    pub(super) fn new() -> Self {
        let mut world = Self {
            log: Vec::new(),
            instances: (0..INSTANCES).map(|_| Instance::new()).collect(),
            alerts: BTreeMap::new(),
            clients: Vec::new(),
            now: Now { monotonic: Duration::from_secs(1), us: 1_000_000 },
        };
        for client in 0..CLIENTS {
            world.connect(client % INSTANCES, alps(), None);
        }
        world
    }

    /// Connects a new client.
    pub(super) fn connect(&mut self, instance: usize, subscription: Subscription, resume: Option<String>) {
        let id = self.open(instance, subscription, resume);
        let model = Model { kinds: KindSet::ALL, ..Model::default() };
        self.clients.push(TestClient { instance, id, model, capacity: usize::MAX });
    }

    fn open(&mut self, instance: usize, subscription: Subscription, resume: Option<String>) -> ClientId {
        let Instance { view, dispatcher, .. } = &mut self.instances[instance];
        dispatcher.open(Opening { subscription: Some(subscription), resume, ..Opening::default() }, view, self.now)
    }

    pub(super) fn run(&mut self, step: Step) {
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
            Step::Remove { device, ground } => self.log.push(Input::Removed {
                kind: if ground { Kind::Ground } else { Kind::Aircraft },
                key: key(device),
                version: Some(version),
            }),
            Step::Alert { device, is_new, lat, lon } => {
                let alert_id = *self.alerts.get(&device).filter(|_| !is_new).unwrap_or(&version);
                self.alerts.insert(device, alert_id);
                let position = at(lat, lon);
                let alert = v1::AlertState { alert_id, device, version, position, ..Default::default() };
                self.log.push(Input::State(State::Alert(alert)));
            }
            Step::EndAlert { device } => {
                self.alerts.remove(&device);
                self.log.push(Input::Removed { kind: Kind::Alert, key: key(device), version: Some(version) });
            }
            Step::Read { instance, records } => self.instances[instance].read(&self.log, records, self.now.us),
            Step::Drain { instance } => self.instances[instance].drain(),
            Step::Tick { ms } => self.tick(ms),
            Step::Subscribe { client, lat, lon, radius_km, kinds, follow, rate } => {
                let circle = v1::Circle { latitude_deg: lat, longitude_deg: lon, radius_km };
                let kinds = [vec![], vec![1], vec![6], vec![1, 2]][usize::from(kinds)].clone();
                let request = v1::Subscribe {
                    region: Some(subscribe::Region::Circle(circle)),
                    kinds: kinds.clone(),
                    follow_devices: follow.into_iter().collect(),
                    rate: Some(rate),
                    replace_lists: true,
                    ..Default::default()
                };
                let client = &mut self.clients[client];
                let kinds = kinds.into_iter().map(|number| Kind::from_wire(number).unwrap());
                client.model.kinds = if kinds.len() == 0 { KindSet::ALL } else { kinds.collect() };
                client.model.followed = follow.into_iter().collect();
                client.model.drop_unseen();
                // A token is only valid for the subscription for which it was issued.
                client.model.token = None;
                let message = Some(client_message::Message::Subscribe(request));
                let received = v1::ClientMessage { request_id: 1, message };
                let Instance { view, dispatcher, .. } = &mut self.instances[client.instance];
                dispatcher.received(client.id, received, view, self.now);
            }
            Step::Capacity { client, frames } => {
                self.clients[client].capacity = if frames == 3 { usize::MAX } else { frames };
            }
            Step::Resume { client, instance } => {
                let token = self.clients[client].model.token.clone();
                if token.is_some() {
                    self.reconnect(client, instance, token);
                }
            }
            Step::Restart { client, instance } => {
                self.clients[client].model.objects.clear();
                self.clients[client].model.token = None;
                self.reconnect(client, instance, None);
            }
        }
    }

    fn reconnect(&mut self, client: usize, instance: usize, token: Option<String>) {
        let TestClient { instance: before, id, .. } = self.clients[client];
        let subscription = self.instances[before].subscription(id).clone();
        self.instances[before].dispatcher.remove(id);
        let id = self.open(instance, subscription, token);
        (self.clients[client].instance, self.clients[client].id) = (instance, id);
    }

    pub(super) fn tick(&mut self, ms: u64) {
        self.now.monotonic += Duration::from_millis(ms);
        self.now.us += ms * 1_000;
        for (number, Instance { view, dispatcher, .. }) in self.instances.iter_mut().enumerate() {
            let flush = dispatcher.flush(view, self.now);
            for id in &flush.touched {
                let batch = dispatcher.take_batch(*id);
                let clear = dispatcher.is_clear(*id);
                let client =
                    self.clients.iter_mut().find(|client| (client.instance, client.id) == (number, *id)).unwrap();
                for (position, index) in batch.iter().enumerate() {
                    let delivery = &flush.deliveries[*index as usize];
                    if clear && position < client.capacity {
                        client.model.receive(delivery.frames.of(Wire::default()));
                    } else {
                        dispatcher.miss(*id, delivery);
                    }
                }
                dispatcher.return_batch(*id, batch);
            }
            for client in self.clients.iter_mut().filter(|client| client.instance == number) {
                for _ in 0..client.capacity {
                    let Some(frame) = dispatcher.next_frame(client.id, view, self.now) else { break };
                    client.model.receive(&frame);
                }
            }
        }
    }

    /// Delivers all messages and compares every client with the view.
    pub(super) fn deliver_all(&mut self) {
        for instance in &mut self.instances {
            instance.read(&self.log, usize::MAX, self.now.us);
            instance.drain();
        }
        self.clients.iter_mut().for_each(|client| client.capacity = usize::MAX);
        self.tick(31_000);
        self.tick(31_000);
        for (number, client) in self.clients.iter().enumerate() {
            let instance = &self.instances[client.instance];
            let subscription = instance.subscription(client.id);
            let expected: BTreeMap<_, _> = [Kind::Aircraft, Kind::Ground, Kind::Alert]
                .into_iter()
                .flat_map(|kind| instance.view.objects(kind))
                .filter(|object| subscription.sees(object))
                .map(|object| {
                    let (version, cell) = (object.version(), object.cell.unwrap());
                    ((object.id.kind, object.id.key), Held { version, cell, device: object.state.device().unwrap() })
                })
                .collect();
            assert_eq!(client.model.objects, expected, "client {number}");
            let mut seen = compose::seen(&instance.view, subscription);
            seen.sort();
            assert_eq!(seen.len(), expected.len(), "nothing is listed twice");
        }
    }
}
