//! Privacy statements against what each kind of reader can see of the device, at each time: at once, after its
//! aircraft has expired, after its statements have expired, after restarts.

use std::collections::{BTreeMap, HashMap};

use fanet::Packet;
use fanet::packet::Tracking;
use proptest::prelude::*;
use schemas::object::Kind;
use schemas::privacy::PublicPast;
use schemas::v1::command::{Action, Allow, Deny, Erase, Hide, Show};
use schemas::v1::{Audience, PrivacyState, ProcessorState, reception, thermal_report};

use super::kit::{PILOT, Story, at, frame_of, name, thermal, tracking};
use crate::core::{Core, Outputs, Settings};

/// Never says anything but yes.
const OTHER: u32 = 0x11_0001;

#[derive(Clone, Copy, Debug)]
enum Act {
    Fly {
        shown: bool,
    },
    Climb,
    Name,
    Command(usize),
    /// Minutes without a frame; ticks go on.
    Silence(u64),
    Restart,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => Just(Act::Fly { shown: true }),
        3 => Just(Act::Fly { shown: false }),
        1 => Just(Act::Climb),
        1 => Just(Act::Name),
        3 => (0..5_usize).prop_map(Act::Command),
        // Still flying, expired, forgotten.
        3 => prop_oneof![Just(5_u64), Just(20), Just(25 * 60)].prop_map(Act::Silence),
        3 => Just(Act::Restart),
    ]
}

/// What readers have of the topics.
#[derive(Default)]
struct Readers {
    live: HashMap<(Kind, u64), u64>,
    /// Public observations, receptions and climbs, by event time and device: rows of the history.
    rows: Vec<(u64, u32)>,
    privacy: HashMap<u32, PrivacyState>,
}

impl Readers {
    fn take(&mut self, out: &Outputs) {
        for change in &out.privacy {
            let state = &change.state;
            let newest = self.privacy.entry(state.device).or_insert(*state);
            assert!(state.version >= newest.version, "versions grow");
            *newest = *state;
        }
        for change in out.states.iter().filter(|change| change.audience == Audience::Public) {
            let key = (change.kind, change.number);
            match change.state {
                None => self.live.remove(&key),
                Some(_) => self.live.insert(key, change.version),
            };
        }
        let public = out.observations.iter().filter(|observation| !observation.private);
        self.rows.extend(public.map(|observation| (observation.event_at_us, observation.device)));
        for (at_us, reception) in &out.receptions {
            if let Some(reception::Content::HeardFrame(heard)) = &reception.content {
                assert_eq!(heard.device.is_some(), heard.observation_id.is_some(), "both or none");
                self.rows.extend(heard.device.map(|device| (*at_us, device)));
            }
        }
        for (at_us, report) in &out.thermal_reports {
            if let Some(thermal_report::Content::Report(climb)) = &report.content {
                self.rows.push((*at_us, climb.device));
            }
        }
    }

    /// Event times of what the public may see of the past.
    fn past(&self, device: u32) -> Vec<u64> {
        let past = self.privacy.get(&device).map_or(PublicPast::Everything, PublicPast::of);
        let rows = self.rows.iter().filter(|(at_us, of)| *of == device && past.shows(*at_us));
        rows.map(|(at_us, _)| *at_us).collect()
    }

    fn is_live(&self, device: u32) -> bool {
        self.live.keys().any(|(_, of)| *of == u64::from(device))
    }
}

/// What may be seen, by the contract.
#[derive(Default)]
struct Consents {
    shown: Option<bool>,
    hidden: bool,
    denied: bool,
    /// The newest time at which it was hidden, or erased.
    hidden_at_us: u64,
    /// Flown in public since.
    public: Vec<u64>,
}

impl Consents {
    fn note(&mut self, act: Act, now_us: u64) {
        match act {
            Act::Fly { shown } => self.shown = Some(shown),
            Act::Command(0) => self.hidden = true,
            Act::Command(1) => self.hidden = false,
            Act::Command(2) => self.denied = true,
            Act::Command(3) => self.denied = false,
            Act::Command(_) => {
                self.shown = None;
                self.hide(now_us);
            }
            _ => {}
        }
        if self.is_hidden() {
            self.hide(now_us);
        } else if matches!(act, Act::Fly { shown: true }) {
            self.public.push(now_us);
        }
    }

    fn hide(&mut self, now_us: u64) {
        self.hidden_at_us = now_us;
        self.public.clear();
    }

    fn is_hidden(&self) -> bool {
        self.hidden || self.denied || self.shown == Some(false)
    }
}

struct World {
    story: Story,
    readers: Readers,
    checkpoint: BTreeMap<String, ProcessorState>,
    consents: Consents,
}

impl World {
    fn new() -> Self {
        let (story, readers) = (Story::new(), Readers::default());
        let mut world = Self { story, readers, checkpoint: BTreeMap::new(), consents: Consents::default() };
        world.story.tick();
        for _ in 0..2 {
            world.story.pass(5.0);
            let out = world.story.frame(OTHER, Packet::Tracking(tracking(at(46.5, 13.0))));
            world.readers.take(&out);
        }
        world
    }

    fn act(&mut self, act: Act) {
        // The bridge's ticks go on, also while the processor restarts.
        self.story.pass(5.0);
        let ticked = self.story.tick();
        self.readers.take(&ticked);
        self.story.pass(1.0);
        self.consents.note(act, self.story.now_us);
        let out = match act {
            Act::Fly { shown } => {
                let frame = Tracking { online_tracking: shown, ..tracking(at(46.0, 13.0)) };
                self.story.frame(PILOT, Packet::Tracking(frame))
            }
            Act::Climb => self.story.frame(PILOT, Packet::Thermal(thermal(at(46.0, 13.0)))),
            Act::Name => self.story.frame(PILOT, name("Eva")),
            Act::Command(which) => {
                let action = [
                    Action::Hide(Hide {}),
                    Action::Show(Show {}),
                    Action::Deny(Deny { remark: None }),
                    Action::Allow(Allow {}),
                    Action::Erase(Erase {}),
                ];
                let id = format!("c{}", self.story.offset);
                self.story.command(PILOT, &id, action[which].clone())
            }
            Act::Silence(minutes) => {
                self.checkpoint();
                self.story.pass(minutes as f64 * 60.0);
                let out = self.story.tick();
                self.readers.take(&out);
                self.story.pass(5.0);
                self.story.tick()
            }
            Act::Restart => {
                self.checkpoint();
                let mut core = Core::new(3, Settings::default());
                self.checkpoint.values().cloned().for_each(|part| core.restore(part));
                self.story.core = core;
                Outputs::default()
            }
        };
        self.readers.take(&out);
    }

    /// Twice: what is blank is dropped by the second.
    fn checkpoint(&mut self) {
        for _ in 0..2 {
            for (key, part) in self.story.core.changed_checkpoints("epoch") {
                match part {
                    Some(part) => self.checkpoint.insert(key, part),
                    None => self.checkpoint.remove(&key),
                };
            }
        }
    }

    fn check(&self, after: &str) -> Result<(), TestCaseError> {
        let Consents { hidden_at_us, public, .. } = &self.consents;
        let past = self.readers.past(PILOT);
        if self.consents.is_hidden() {
            prop_assert!(past.is_empty(), "hidden, and {} rows are seen {after}", past.len());
            prop_assert!(!self.readers.is_live(PILOT), "hidden, and on the map {after}");
        }
        let first = past.iter().min().copied().unwrap_or(u64::MAX);
        prop_assert!(first > *hidden_at_us, "what was hidden comes back {after}: {first} of {hidden_at_us}");
        prop_assert!(public.iter().all(|at_us| past.contains(at_us)), "flown in public, and not seen {after}");
        prop_assert!(self.readers.past(OTHER).len() >= 4, "a device that was never hidden keeps its past {after}");
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn every_reader_gives_the_same_answer_at_every_time(acts in prop::collection::vec(act(), 1..25)) {
        let mut world = World::new();
        for (index, act) in acts.iter().enumerate() {
            world.act(*act);
            world.check(&format!("right after step {index}, {act:?}"))?;
        }
        for end in [Act::Silence(20), Act::Restart, Act::Silence(25 * 60), Act::Restart, Act::Silence(30 * 24 * 60)] {
            world.act(end);
            world.check(&format!("at the end, after {end:?}"))?;
        }
        world.checkpoint();
        prop_assert_eq!(world.story.core.devices(), 0, "silent devices are kept in their small form alone");
    }
}

#[test]
fn withdrawn_consent_outlives_the_aircraft() {
    let mut world = World::new();
    for act in [Act::Fly { shown: true }, Act::Fly { shown: true }, Act::Fly { shown: false }] {
        world.act(act);
    }
    assert!(world.readers.past(PILOT).is_empty(), "right after");
    for later in [Act::Silence(16), Act::Silence(25 * 60), Act::Restart, Act::Silence(25 * 60), Act::Name] {
        world.act(later);
        assert!(world.readers.past(PILOT).is_empty(), "after {later:?}");
    }
    world.act(Act::Fly { shown: true });
    // The observation and its reception, of this frame alone.
    assert_eq!(world.readers.past(PILOT), [world.story.now_us; 2]);
}

#[test]
fn a_silent_device_can_be_denied() {
    let mut world = World::new();
    world.act(Act::Fly { shown: true });
    world.act(Act::Silence(48 * 60));
    world.act(Act::Command(2));
    assert!(world.readers.past(PILOT).is_empty());
    world.act(Act::Silence(48 * 60));
    world.act(Act::Restart);
    world.act(Act::Fly { shown: true });
    assert!(world.readers.past(PILOT).is_empty() && !world.readers.is_live(PILOT));
}

/// A frame from before the withdrawal, held up on its way until consent was given again.
#[test]
fn what_comes_late_from_before_stays_hidden() {
    for (silence_s, late_s) in [(75.0, 60_i64), (4_000.0, 3_700)] {
        let (mut story, mut readers) = (Story::new(), Readers::default());
        for _ in 0..6 {
            readers.take(&story.frame(PILOT, Packet::Tracking(tracking(at(46.0, 13.0)))));
            story.pass(5.0);
        }
        story.pass(silence_s);
        for shown in [false, true] {
            let frame = Tracking { online_tracking: shown, ..tracking(at(46.0, 13.0)) };
            readers.take(&story.heard("other", 0, &frame_of(PILOT, Packet::Tracking(frame))));
            story.pass(5.0);
        }
        let seen = readers.past(PILOT);
        let out = story.heard("r", late_s, &frame_of(PILOT, Packet::Tracking(tracking(at(46.0, 13.001)))));
        let late = &out.observations[0];
        assert_eq!(late.event_at_us, story.now_us - late_s.unsigned_abs() * 1_000_000, "it is believed to be late");
        assert!(late.private, "from before the device was shown again");
        readers.take(&out);
        assert_eq!(readers.past(PILOT), seen);
    }
}
