//! The cost of a change of the view, of its delivery to clients, and of a snapshot.
#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "a bench measures and prints")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fanout::dispatcher::{Dispatcher, Now, Opening};
use fanout::session::{SessionLimits, SessionSettings};
use fanout::subscription::Subscription;
use fanout::view::{Input, Offsets, Origin, State, View};
use fanout::wire::{Encoding, Wire};
use geo::{Circle, Region};
use schemas::v1;

const AIRCRAFT: u32 = 5_000;
const TICKS: u32 = 40;

/// Distributes numbers over 0..1 without a pattern.
fn spread(number: u32, step: f64) -> f64 {
    f64::from(number) * step % 1.0
}

fn aircraft(device: u32, version: u64) -> Input {
    let drift = f64::from(u32::try_from(version % 1_000).unwrap_or_default()) * 1e-4;
    Input::State(State::Aircraft(v1::AircraftState {
        device,
        version,
        event_at_us: version * 1_000_000,
        position: Some(v1::Position {
            latitude_deg: 44.5 + 3.5 * spread(device, 0.618_034) + drift,
            longitude_deg: 5.5 + 9.0 * spread(device, 0.754_878) + drift,
            altitude_m: Some(800.0 + 2_500.0 * spread(device, 0.569_840)),
        }),
        aircraft_kind: v1::AircraftKind::Paraglider.into(),
        flight_phase: v1::FlightPhase::Flying.into(),
        speed_kmh: Some(38.0 * spread(device, 0.43)),
        climb_mps: Some(4.0 * spread(device, 0.37) - 1.5),
        course_deg: Some(360.0 * spread(device, 0.29)),
        name: Some(format!("Pilot {device}")),
        ..Default::default()
    }))
}

fn view(count: u32) -> View {
    let mut view = View::new(1);
    let mut changes = Vec::new();
    for device in 0..count {
        view.apply(Origin { partition: 0, offset: u64::from(device) }, 0, aircraft(device, 1), &mut changes);
    }
    view
}

fn dispatcher() -> Dispatcher {
    let settings = SessionSettings {
        version: "bench",
        epoch: "bench".into(),
        heartbeat: Duration::from_secs(30),
        limits: SessionLimits::default(),
    };
    Dispatcher::new(Arc::new(settings), Offsets::new(1))
}

/// Connects a client and reads its snapshot. Returns the bytes of the snapshot.
fn connect(dispatcher: &mut Dispatcher, view: &View, client: u32, wire: Wire, radius_km: f64, now: Now) -> usize {
    let lat = 44.8 + 2.9 * spread(client, 0.381_966);
    let lon = 6.0 + 8.0 * spread(client, 0.267_949);
    let region = Region::Circle(Circle::new(lat, lon, radius_km).expect("on the globe"));
    let subscription = Some(Subscription::empty().with_region(&region, 64));
    let id = dispatcher.open(Opening { wire, subscription, resume: None }, view, now);
    let mut bytes = 0;
    while let Some(frame) = dispatcher.next_frame(id, view, now) {
        bytes += frame.len();
    }
    bytes
}

/// Time per change to mark, encode and assign it to clients; frames and bytes per tick.
fn flush_cost(clients: u32) {
    let (mut view, mut dispatcher) = (view(AIRCRAFT), dispatcher());
    let wire = Wire { encoding: Encoding::Proto, deflate: true };
    let mut now = Now { monotonic: Duration::from_secs(10), us: 10_000_000 };
    for client in 0..clients {
        connect(&mut dispatcher, &view, client, wire, 50.0, now);
    }
    let (mut marking, mut flushing) = (Duration::ZERO, Duration::ZERO);
    let (mut changed, mut encoded, mut encoded_bytes, mut touched) = (0_u32, 0, 0, 0);
    for tick in 0..TICKS {
        // A fortieth of all aircraft moves in a tick of 25 ms: each once a second.
        let mut changes = Vec::new();
        for device in (0..AIRCRAFT).filter(|device| device % TICKS == tick) {
            let origin = Origin { partition: 0, offset: u64::from(tick * AIRCRAFT + device) };
            view.apply(origin, now.us, aircraft(device, 2), &mut changes);
        }
        now = Now { monotonic: now.monotonic + Duration::from_millis(25), us: now.us + 25_000 };
        changed += u32::try_from(changes.len()).unwrap_or_default();
        let start = Instant::now();
        dispatcher.apply(&changes, &[]);
        marking += start.elapsed();
        let start = Instant::now();
        let flush = black_box(dispatcher.flush(&view, now));
        flushing += start.elapsed();
        encoded += flush.deliveries.len();
        encoded_bytes += flush.deliveries.iter().map(|delivery| delivery.frames.of(wire).len()).sum::<usize>();
        touched += flush.touched.len();
        for id in flush.touched {
            let batch = dispatcher.take_batch(id);
            dispatcher.return_batch(id, batch);
        }
    }
    let per_change = |time: Duration| time.as_secs_f64() * 1e6 / f64::from(changed);
    println!("bench: hub_mark_us_per_change_{clients}_clients {:.3} us", per_change(marking));
    println!("bench: hub_flush_us_per_change_{clients}_clients {:.3} us", per_change(flushing));
    println!("bench: hub_groups_{clients}_clients {} groups", dispatcher.groups());
    println!("bench: hub_frames_per_tick_{clients}_clients {:.1} frames", encoded as f64 / f64::from(TICKS));
    println!("bench: hub_bytes_per_frame_{clients}_clients {:.1} bytes", encoded_bytes as f64 / encoded as f64);
    println!("bench: hub_clients_touched_per_tick_{clients}_clients {:.0} clients", touched as f64 / f64::from(TICKS));
}

/// The cost of a snapshot of 1,000 aircraft for one client.
fn snapshot_cost() {
    let view = view(1_000);
    let now = Now { monotonic: Duration::from_secs(10), us: 10_000_000 };
    let forms = [
        ("proto", Wire { encoding: Encoding::Proto, deflate: false }),
        ("proto_deflate", Wire { encoding: Encoding::Proto, deflate: true }),
        ("json", Wire { encoding: Encoding::Json, deflate: false }),
    ];
    for (name, wire) in forms {
        let mut times = Vec::new();
        let mut bytes = 0;
        for _ in 0..21 {
            let mut dispatcher = dispatcher();
            let start = Instant::now();
            // A region with all aircraft.
            bytes = connect(&mut dispatcher, &view, 1_000_000, wire, 2_000.0, now);
            times.push(start.elapsed());
        }
        times.sort();
        println!("bench: snapshot_1000_aircraft_{name} {:.3} ms", times[times.len() / 2].as_secs_f64() * 1e3);
        println!("bench: snapshot_1000_aircraft_{name}_bytes {bytes} bytes");
    }
}

/// The cost of applying a record to the view.
fn view_cost() {
    let inputs: Vec<Input> = (0..100_000).map(|device| aircraft(device, 1)).collect();
    let mut view = View::new(1);
    let mut changes = Vec::new();
    let start = Instant::now();
    for (offset, input) in (0..).zip(inputs) {
        view.apply(Origin { partition: 0, offset }, 0, input, &mut changes);
    }
    println!("bench: view_apply {:.3} us", start.elapsed().as_secs_f64() * 1e6 / 100_000.0);
}

fn main() {
    view_cost();
    snapshot_cost();
    for clients in [100, 1_000, 10_000] {
        flush_cost(clients);
    }
}
