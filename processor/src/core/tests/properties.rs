//! What holds for any sequence of records.

use std::collections::HashMap;
use std::sync::Arc;

use fanet::packet::{GroundTracking, GroundType, Tracking};
use fanet::{Address, Frame, Header, Packet};
use proptest::prelude::*;
use prost::Message as _;
use schemas::v1::command::{Action, Allow, Deny, Erase, Hide, ResetScore, Show};
use schemas::v1::raw_record::Input;
use schemas::v1::{
    Audience, ObjectKind, ProcessorState, ReceiverState, Tick, processor_state, reception, thermal_report,
};

use super::kit::{Story, at, ground, name, station, thermal, tracking};
use crate::core::{Content, Core, Outputs, Settings};
use crate::group::GroupCore as _;
use crate::receivers::Hearing;

/// One record, in short.
#[derive(Clone, Debug)]
struct Step {
    after_ms: u64,
    device: u32,
    receiver: u8,
    behind_s: i64,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Fly { east: u32, shown: bool },
    Stand { ground_type: u8, shown: bool },
    Weather,
    Climb,
    Name(u8),
    Unicast,
    Order(u8),
    Garbage(Vec<u8>),
    Tick,
}

fn what() -> impl Strategy<Value = What> {
    prop_oneof![
        8 => (0..400_u32, any::<bool>()).prop_map(|(east, shown)| What::Fly { east, shown }),
        3 => (0..16_u8, any::<bool>()).prop_map(|(ground_type, shown)| What::Stand { ground_type, shown }),
        2 => Just(What::Weather),
        2 => Just(What::Climb),
        1 => (0..3_u8).prop_map(What::Name),
        1 => Just(What::Unicast),
        1 => (0..6_u8).prop_map(What::Order),
        1 => prop::collection::vec(any::<u8>(), 0..40).prop_map(What::Garbage),
        2 => Just(What::Tick),
    ]
}

fn steps(lengths: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Step>> {
    let pause = prop_oneof![4 => 0..400_u64, 8 => 1_000..8_000_u64, 1 => 60_000..1_200_000_u64];
    let late = prop_oneof![9 => Just(0_i64), 1 => 0..5_000_i64];
    let step = (pause, 0..4_u32, 0..3_u8, late, what()).prop_map(|(after_ms, device, receiver, behind_s, what)| Step {
        after_ms,
        device: 0x11_0001 + device,
        receiver,
        behind_s,
        what,
    });
    prop::collection::vec(step, lengths)
}

impl Story {
    fn step(&mut self, step: &Step) -> Outputs {
        self.pass(step.after_ms as f64 / 1_000.0);
        let source = Address::from_u32(step.device).expect("an address");
        let header = Header::broadcast(source);
        let place = |east: u32| at(46.0, 13.0 + f64::from(east) * 0.000_1);
        let (header, packet) = match &step.what {
            What::Fly { east, shown } => {
                (header, Packet::Tracking(Tracking { online_tracking: *shown, ..tracking(place(*east)) }))
            }
            What::Stand { ground_type, shown } => {
                let ground_type = GroundType::from_code(*ground_type);
                let told = GroundTracking { online_tracking: *shown, ..ground(place(1), ground_type) };
                (header, Packet::GroundTracking(told))
            }
            What::Weather => (header, Packet::Service(station(place(2)))),
            What::Climb => (header, Packet::Thermal(thermal(place(3)))),
            What::Name(which) => (header, name(["Eva", "Jo", ""][usize::from(*which)])),
            What::Unicast => (Header::unicast(source, Address::new(0x11, 0x77)), Packet::Tracking(tracking(place(4)))),
            What::Order(which) => {
                let action = [
                    Action::Hide(Hide {}),
                    Action::Show(Show {}),
                    Action::Deny(Deny { remark: None }),
                    Action::Allow(Allow {}),
                    Action::Erase(Erase {}),
                    Action::ResetScore(ResetScore {}),
                ];
                let id = format!("c{}", self.offset);
                return self.order(step.device, &id, action[usize::from(*which)].clone());
            }
            What::Garbage(bytes) => return self.record(Some("r"), Input::MqttFrame(bytes.clone().into())),
            What::Tick => return self.record(None, Input::Tick(Tick::default())),
        };
        let receiver = ["a", "b", "c"][usize::from(step.receiver)];
        self.heard(receiver, step.behind_s, &Frame::new(header, packet))
    }
}

/// What a device has said of being shown, as the contract has it.
#[derive(Default)]
struct Said {
    shown: Option<bool>,
    is_station: bool,
    is_mobile: bool,
    denied: bool,
    hidden: bool,
    at_us: u64,
}

impl Said {
    fn hear(&mut self, what: &What, now_us: u64) {
        if now_us >= self.at_us + 24 * 3_600 * 1_000_000 {
            // A day of silence: what it said is forgotten, what people ordered is not.
            *self = Self { denied: self.denied, hidden: self.hidden, ..Self::default() };
        }
        match what {
            What::Tick => return,
            What::Fly { shown, .. } | What::Stand { shown, .. } => (self.shown, self.is_mobile) = (Some(*shown), true),
            What::Climb => self.is_mobile = true,
            What::Weather => self.is_station = true,
            What::Order(0) => self.hidden = true,
            What::Order(1) => self.hidden = false,
            What::Order(2) => self.denied = true,
            What::Order(3) => self.denied = false,
            What::Order(4) => *self = Self { denied: self.denied, hidden: self.hidden, ..Self::default() },
            _ => {}
        }
        self.at_us = now_us;
    }

    fn hides(&self) -> bool {
        let is_only_station = self.is_station && !self.is_mobile;
        self.denied || self.hidden || !self.shown.unwrap_or(is_only_station)
    }
}

/// The newest state per topic and key, as a reader of the topics has it.
#[derive(Default)]
struct Fold(HashMap<(Audience, ObjectKind, u32), u64>);

impl Fold {
    fn take(&mut self, out: &Outputs) -> Result<(), TestCaseError> {
        for change in &out.states {
            // The private topic has one record per device beside its alert.
            let kind = match (change.audience, change.content.kind()) {
                (Audience::Private, ObjectKind::Ground | ObjectKind::Station) => ObjectKind::Aircraft,
                (_, kind) => kind,
            };
            let key = (change.audience, kind, change.device);
            match change.content {
                Content::Gone(_) => {
                    self.0.remove(&key);
                }
                _ => {
                    let known = self.0.insert(key, change.version);
                    prop_assert!(known.is_none_or(|known| known < change.version), "{key:?}");
                }
            }
        }
        Ok(())
    }
}

fn restored(memories: &[ProcessorState]) -> Core {
    let mut core = Core::new(3, Settings::default());
    for memory in memories {
        core.restore(ProcessorState::decode(&memory.encode_to_vec()[..]).expect("as it was written"));
    }
    core
}

fn memories(core: &mut Core) -> Vec<(String, Option<ProcessorState>)> {
    core.changed_memories("epoch")
}

proptest! {
    #[test]
    fn versions_grow_and_a_record_tells_each_state_once(steps in steps(1..120)) {
        let (mut story, mut fold) = (Story::new(), Fold::default());
        for step in &steps {
            let offset = story.offset;
            let out = story.step(step);
            fold.take(&out)?;
            prop_assert!(out.states.iter().all(|change| change.version == offset));
            let mut told: Vec<_> = out
                .states
                .iter()
                .filter(|change| !matches!(change.content, Content::Gone(_)))
                .map(|change| (change.device, change.content.kind() as i32))
                .collect();
            told.sort_unstable();
            let count = told.len();
            told.dedup();
            prop_assert_eq!(told.len(), count, "at most one state per change");
        }
    }

    #[test]
    fn nothing_of_who_never_consents_is_public(steps in steps(1..120)) {
        let mut story = Story::new();
        for step in steps {
            let what = match step.what {
                What::Fly { east, .. } => What::Fly { east, shown: false },
                What::Stand { ground_type, .. } => What::Stand { ground_type, shown: false },
                // Who sends nothing but weather is a station, and stations are public; garbage can look like one.
                What::Weather | What::Garbage(_) => What::Name(0),
                other => other,
            };
            let out = story.step(&Step { what, ..step });
            prop_assert!(out.observations.iter().all(|observation| observation.private));
            for (_, told) in &out.receptions {
                if let Some(reception::Content::HeardFrame(heard)) = &told.content {
                    prop_assert!(heard.observation_id.is_none() && heard.position.is_none() && heard.packet_type.is_none());
                }
            }
            for (_, told) in &out.thermal_reports {
                prop_assert!(matches!(told.content, Some(thermal_report::Content::Clock(_))));
            }
            for change in out.states.iter().filter(|change| change.audience == Audience::Public) {
                let name = match &change.content {
                    Content::Aircraft(state) => { prop_assert!(state.alert_kind.is_some()); &state.name }
                    Content::Ground(state) => { prop_assert!(state.alert_kind.is_some()); &state.name }
                    Content::Station(state) => &state.name,
                    Content::Alert(state) => {
                        prop_assert!(state.resolved_at_us.is_none() || state.position.is_none());
                        &state.name
                    }
                    Content::Gone(_) => continue,
                };
                prop_assert!(name.is_none(), "only distress, and without the name");
            }
        }
    }

    /// Whatever else devices send and people order: while a device is hidden nothing of it is public but a call for help,
    /// and that without its name.
    #[test]
    fn nothing_of_who_is_hidden_is_public(steps in steps(1..120)) {
        let (mut story, mut said) = (Story::new(), HashMap::<u32, Said>::new());
        let mut hearing = Hearing::new(Arc::default(), 24 * 3_600 * 1_000_000);
        for step in steps {
            if matches!(step.what, What::Garbage(_)) {
                continue;
            }
            let step = Step { behind_s: 0, ..step };
            let (device, now_us) = (step.device, story.now_us + step.after_ms * 1_000);
            let said = said.entry(device).or_default();
            said.hear(&step.what, now_us);
            let out = story.step(&step);
            if !said.hides() {
                continue;
            }
            let own = |of: u32| of == device;
            prop_assert!(out.observations.iter().all(|told| told.private || !own(told.device)));
            for (_, told) in &out.thermal_reports {
                let is_own = matches!(&told.content, Some(thermal_report::Content::Report(report)) if own(report.device));
                prop_assert!(!is_own, "{told:?}");
            }
            for (_, told) in &out.receptions {
                if let Some(reception::Content::HeardFrame(heard)) = &told.content {
                    prop_assert!(heard.observation_id.is_none() && heard.position.is_none() && heard.packet_type.is_none());
                    let mut changes = Vec::new();
                    let offset = hearing.next_offset();
                    hearing.apply(offset, told, &mut changes);
                    let is_placed = |state: &ReceiverState| state.position.is_some() || !state.coverage.is_empty();
                    prop_assert!(changes.iter().filter_map(|change| change.state.as_ref()).all(|state| !is_placed(state)));
                }
            }
            for change in out.states.iter().filter(|change| change.audience == Audience::Public && own(change.device)) {
                let (name, calls) = match &change.content {
                    Content::Aircraft(state) => (&state.name, state.alert_kind.is_some()),
                    Content::Ground(state) => (&state.name, state.alert_kind.is_some()),
                    Content::Station(state) => (&state.name, false),
                    Content::Alert(state) => (&state.name, state.resolved_at_us.is_none() || state.position.is_none()),
                    Content::Gone(_) => continue,
                };
                prop_assert!(calls && name.is_none(), "{change:?}");
            }
        }
    }

    #[test]
    fn everything_ends(steps in steps(1..120)) {
        let (mut story, mut fold) = (Story::new(), Fold::default());
        for step in &steps {
            fold.take(&story.step(step))?;
        }
        for _ in 0..5 {
            story.pass(24.0 * 3_600.0);
            fold.take(&story.tick())?;
        }
        prop_assert!(fold.0.is_empty(), "{:?}", fold.0);
        memories(&mut story.core);
        memories(&mut story.core);
        let ordered = steps.iter().any(|step| matches!(step.what, What::Order(_)));
        prop_assert!(story.core.devices() == 0 || ordered, "{} devices", story.core.devices());
    }

    #[test]
    fn a_checkpoint_at_any_record_changes_nothing(steps in steps(1..120), at in 0..120_usize) {
        let at = at.min(steps.len());
        let mut story = Story::new();
        steps[..at].iter().for_each(|step| drop(story.step(step)));
        let told: Vec<_> = memories(&mut story.core).into_iter().filter_map(|(_, memory)| memory).collect();
        let mut twin = Story { core: restored(&told), ..Story::new() };
        (twin.offset, twin.now_us) = (story.offset, story.now_us);
        for step in &steps[at..] {
            prop_assert_eq!(story.step(step), twin.step(step));
        }
    }

    /// A crash in the middle of a checkpoint: some devices are ahead of the partition's part.
    #[test]
    fn devices_ahead_of_their_partition_see_each_record_once(
        steps in steps(2..120),
        first in 0..120_usize,
        second in 0..120_usize,
        torn in 0..6_usize,
    ) {
        let second = second.min(steps.len());
        let first = first.min(second);
        let mut story = Story::new();
        let mut undisturbed = Vec::new();
        let mut topic: HashMap<String, Option<ProcessorState>> = HashMap::new();
        let start = Story::new();
        for (index, step) in steps.iter().enumerate() {
            if index == first {
                topic.extend(memories(&mut story.core));
            }
            if index == second {
                // Written in order, cut off before the partition's part.
                let unfinished = memories(&mut story.core);
                let whole = unfinished.len() - 1;
                topic.extend(unfinished.into_iter().take(torn.min(whole)));
            }
            undisturbed.push(story.step(step));
        }
        let told: Vec<_> = topic.into_values().flatten().collect();
        let ahead: HashMap<u32, u64> = told
            .iter()
            .filter_map(|memory| match &memory.part {
                Some(processor_state::Part::Device(device)) => Some((device.device, device.next_offset)),
                _ => None,
            })
            .collect();
        let mut twin = Story { core: restored(&told), ..Story::new() };
        (twin.offset, twin.now_us) = (start.offset, start.now_us);
        for (index, step) in steps.iter().enumerate() {
            let offset = twin.offset;
            let out = twin.step(step);
            if index < first.min(second) && twin.core.next_offset() > offset + 1 {
                prop_assert_eq!(&out, &Outputs::default(), "below the partition's next offset nothing happens");
                continue;
            }
            for observation in &out.observations {
                prop_assert!(offset >= ahead.get(&observation.device).copied().unwrap_or_default());
                prop_assert!(undisturbed[index].observations.contains(observation));
            }
            for change in &out.states {
                prop_assert!(undisturbed[index].states.contains(change), "{:?}", change);
            }
            if index >= second {
                prop_assert_eq!(&out, &undisturbed[index]);
            }
        }
    }
}
