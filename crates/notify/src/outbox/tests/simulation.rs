//! Random events, targets that fail and come back, and a process that ends at any time. What must hold:
//!
//! - a message that was taken is delivered, or given up after its time;
//! - without an end of the process it is delivered once;
//! - a target has one request at a time, and no more messages than it may have;
//! - a target that always answers is not held by the others.

use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64;

use super::super::*;

const TARGETS: usize = 6;
const STEPS: u64 = 3_000;

const SETTINGS: OutboxSettings = OutboxSettings {
    retry_for_us: 2_000,
    first_wait_us: 8,
    longest_wait_us: 256,
    max_per_target: 10,
    max_messages: 100,
    max_in_flight: TARGETS,
    max_finished: 100_000,
};

/// What the log has of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Written {
    Pending,
    Finished,
}

#[derive(Default)]
struct World {
    log: BTreeMap<Arc<str>, (Message, Written)>,
    delivered: BTreeMap<Arc<str>, u32>,
    given_up: BTreeSet<Arc<str>>,
    /// Those whose process ended while they were in flight.
    doubtful: BTreeSet<Arc<str>>,
}

fn origin() -> Origin {
    ("alert".into(), 0)
}

/// Target 0 always answers, target 1 never does, the others for a time.
fn answers(target: usize, now_us: u64, random: &mut Pcg64) -> bool {
    match target {
        0 => true,
        1 => false,
        _ => (now_us / 300 + target as u64).is_multiple_of(3) || random.random_bool(0.2),
    }
}

fn restart(world: &World, now_us: u64) -> Outbox {
    let mut outbox = Outbox::new(SETTINGS);
    for (id, (message, written)) in &world.log {
        match written {
            Written::Pending => _ = outbox.offer(message.clone(), now_us),
            Written::Finished => outbox.finish(origin(), id.clone()),
        }
    }
    outbox
}

fn run(seed: u64, restarts: bool) -> World {
    let mut random = Pcg64::seed_from_u64(seed);
    let (mut world, mut outbox) = (World::default(), Outbox::new(SETTINGS));
    let mut in_flight: Vec<Message> = Vec::new();
    let mut now_us = 0;
    // After the last event there is time for all attempts.
    let end_us = STEPS + 2 * SETTINGS.retry_for_us;
    let mut number = 0;
    while now_us < end_us {
        if now_us < STEPS && random.random_bool(0.2) {
            number += 1;
            let target: Arc<str> = random.random_range(0..TARGETS).to_string().into();
            let message = Message {
                id: format!("{target}:{number}").into(),
                target,
                origin: origin(),
                created_at_us: now_us,
                device: None,
                hidden: false,
                body: Bytes::new(),
            };
            // A record may be read twice.
            for _ in 0..random.random_range(1..=2) {
                if outbox.offer(message.clone(), now_us) == Offer::New {
                    world.log.insert(message.id.clone(), (message.clone(), Written::Pending));
                }
            }
        }
        while let Some(message) = outbox.begin(now_us) {
            assert!(in_flight.iter().all(|other| other.target != message.target), "one request at a time");
            in_flight.push(message);
        }
        assert!(outbox.per_target().values().all(|count| *count <= SETTINGS.max_per_target));
        // Each request takes some time; the good target has its answer at once.
        let answered = in_flight.iter().position(|message| &*message.target == "0").or_else(|| {
            let is_some = !in_flight.is_empty() && random.random_bool(0.5);
            is_some.then(|| random.random_range(0..in_flight.len()))
        });
        if let Some(index) = answered {
            let message = in_flight.swap_remove(index);
            let target = message.target.parse().expect("a number");
            let attempt = match answers(target, now_us, &mut random) {
                true => Attempt::Delivered,
                false => Attempt::Failed { wait_us: 0 },
            };
            if attempt == Attempt::Delivered {
                *world.delivered.entry(message.id.clone()).or_default() += 1;
                assert!(target != 0 || restarts || now_us == message.created_at_us, "a good target is not held");
            }
            let finished = outbox.attempted(&message.id, &message.target, attempt, now_us, random.random());
            match finished.expect("owned").outcome {
                Outcome::Retry { at_us } => assert!(at_us > now_us && at_us <= now_us + SETTINGS.longest_wait_us),
                outcome => {
                    let entry = world.log.get_mut(&message.id).expect("written before");
                    entry.1 = Written::Finished;
                    if outcome == Outcome::GivenUp {
                        world.given_up.insert(message.id.clone());
                    }
                }
            }
        }
        if restarts && random.random_bool(0.005) {
            // Some of the requests arrive though nobody waits for the answer.
            for message in in_flight.drain(..) {
                world.doubtful.insert(message.id.clone());
                if answers(message.target.parse().expect("a number"), now_us, &mut random) {
                    *world.delivered.entry(message.id).or_default() += 1;
                }
            }
            outbox = restart(&world, now_us);
        }
        now_us += 1;
    }
    assert!(outbox.is_empty() && in_flight.is_empty(), "nothing is left: {outbox:?}");
    world
}

#[test]
fn every_message_is_delivered_or_given_up() {
    for seed in 0..30 {
        let world = run(seed, false);
        assert!(world.log.len() > 200, "{}", world.log.len());
        for (id, (message, written)) in &world.log {
            assert_eq!(*written, Written::Finished, "{id}");
            let delivered = world.delivered.get(id).copied().unwrap_or_default();
            assert_eq!(delivered + u32::from(world.given_up.contains(id)), 1, "{id}: once, or given up");
            assert!(&*message.target != "0" || delivered == 1, "{id}: a good target gets all");
        }
    }
}

#[test]
fn a_process_that_ends_loses_nothing() {
    for seed in 0..30 {
        let world = run(seed, true);
        for id in world.log.keys() {
            let delivered = world.delivered.get(id).copied().unwrap_or_default();
            assert!(delivered > 0 || world.given_up.contains(id), "{id} is lost");
            assert!(delivered <= 1 || world.doubtful.contains(id), "{id} was delivered twice without a reason");
        }
    }
}
