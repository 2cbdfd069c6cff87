//! What holds for any sequence of records.

use std::collections::HashMap;
use std::sync::Arc;

use fanet::packet::{GroundTracking, GroundType, Layer, Tracking};
use fanet::{Address, Frame, Header, Packet};
use proptest::prelude::*;
use prost::Message as _;
use schemas::object::{Kind, State};
use schemas::v1::command::{
    AcceptPosition, Action, Allow, Deny, Erase, Hide, HideName, RejectPosition, ResetScore, Show, ShowName,
};
use schemas::v1::raw_record::Input;
use schemas::v1::{Audience, ProcessorState, ReceiverState, processor_state, reception, thermal_report};

use super::kit::{Story, at, ground, mark, message, name, station, thermal, tracking};
use crate::core::{Bounds, Core, Outputs, Settings};
use crate::group::GroupCore as _;
use crate::receivers::ReceiverCore;

/// One record, in short.
#[derive(Clone, Debug)]
struct Step {
    after_ms: u64,
    device: u32,
    receiver: u8,
    behind_s: i64,
    what: What,
}

#[derive(Clone, Debug, PartialEq)]
enum What {
    Fly { east: u32, shown: bool },
    Stand { ground_type: u8, shown: bool },
    Weather,
    Climb,
    Name(u8),
    Text(u8),
    Landmark { which: u8, layer: u8 },
    Unicast,
    Command(u8),
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
        1 => (0..3_u8).prop_map(What::Text),
        1 => (0..20_u8, 0..3_u8).prop_map(|(which, layer)| What::Landmark { which, layer }),
        1 => Just(What::Unicast),
        1 => (0..6_u8).prop_map(What::Command),
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
    /// Lets the bridge tick through the pause before a step, as bridges do; returns the step with the rest of its pause.
    fn tick_before(&mut self, mut step: Step) -> Step {
        while step.after_ms > 5_000 {
            self.pass(5.0);
            self.tick();
            step.after_ms -= 5_000;
        }
        step
    }

    fn step(&mut self, step: &Step) -> Outputs {
        self.pass(step.after_ms as f64 / 1_000.0);
        let source = Address::from_u32(step.device).expect("an address");
        let header = Header::broadcast(source);
        let position = |east: u32| at(46.0, 13.0 + f64::from(east) * 0.000_1);
        let (header, packet) = match &step.what {
            What::Fly { east, shown } => {
                (header, Packet::Tracking(Tracking { online_tracking: *shown, ..tracking(position(*east)) }))
            }
            What::Stand { ground_type, shown } => {
                let ground_type = GroundType::from_code(*ground_type);
                let tracking = GroundTracking { online_tracking: *shown, ..ground(position(1), ground_type) };
                (header, Packet::GroundTracking(tracking))
            }
            What::Weather => (header, Packet::Service(station(position(2)))),
            What::Climb => (header, Packet::Thermal(thermal(position(3)))),
            What::Name(which) => (header, name(["Eva", "Jo", ""][usize::from(*which)])),
            What::Text(which) => (header, message(0, ["landed", "on my way", ""][usize::from(*which)])),
            What::Landmark { which, layer } => {
                let layer = [Layer::Info, Layer::Warning, Layer::DontCare][usize::from(*layer)];
                (header, mark(position(10 + u32::from(*which)), layer))
            }
            What::Unicast => {
                (Header::unicast(source, Address::new(0x11, 0x77)), Packet::Tracking(tracking(position(4))))
            }
            What::Command(which) => {
                let action = [
                    Action::Hide(Hide {}),
                    Action::Show(Show {}),
                    Action::Deny(Deny { remark: None }),
                    Action::Allow(Allow {}),
                    Action::Erase(Erase {}),
                    Action::ResetScore(ResetScore {}),
                    Action::RejectPosition(RejectPosition::default()),
                    Action::AcceptPosition(AcceptPosition::default()),
                    Action::HideName(HideName { remark: None }),
                    Action::ShowName(ShowName {}),
                ];
                let id = format!("c{}", self.offset);
                return self.command(step.device, &id, action[usize::from(*which)].clone());
            }
            What::Garbage(bytes) => return self.record(Some("r"), Input::MqttFrame(bytes.clone().into())),
            What::Tick => return self.tick(),
        };
        let receiver = ["a", "b", "c"][usize::from(step.receiver)];
        self.heard(receiver, step.behind_s, &Frame::new(header, packet))
    }
}

/// The statements of a device about being shown, by the contract.
#[derive(Default)]
struct Consents {
    shown: Option<bool>,
    is_station: bool,
    is_mobile: bool,
    denied: bool,
    hidden: bool,
    at_us: u64,
}

impl Consents {
    fn note(&mut self, what: &What, now_us: u64) {
        if now_us >= self.at_us + 24 * 3_600 * 1_000_000 {
            // A day of silence: its own statements expire, commands do not.
            *self = Self { denied: self.denied, hidden: self.hidden, ..Self::default() };
        }
        match what {
            What::Tick => return,
            What::Fly { shown, .. } | What::Stand { shown, .. } => (self.shown, self.is_mobile) = (Some(*shown), true),
            What::Climb => self.is_mobile = true,
            What::Weather => self.is_station = true,
            What::Command(0) => self.hidden = true,
            What::Command(1) => self.hidden = false,
            What::Command(2) => self.denied = true,
            What::Command(3) => self.denied = false,
            What::Command(4) => *self = Self { denied: self.denied, hidden: self.hidden, ..Self::default() },
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
struct Fold(HashMap<(Audience, Kind, u64), u64>);

impl Fold {
    fn take(&mut self, out: &Outputs) -> Result<(), TestCaseError> {
        for change in &out.states {
            // The private topic has one record per device beside its alert.
            let kind = match (change.audience, change.kind) {
                (Audience::Private, Kind::Ground | Kind::Station) => Kind::Aircraft,
                (_, kind) => kind,
            };
            let key = (change.audience, kind, change.number);
            match change.state {
                None => {
                    self.0.remove(&key);
                }
                Some(_) => {
                    let known = self.0.insert(key, change.version);
                    prop_assert!(known.is_none_or(|known| known < change.version), "{key:?}");
                }
            }
        }
        Ok(())
    }
}

fn restored(checkpoints: &[ProcessorState], settings: Settings) -> Core {
    let mut core = Core::new(3, settings);
    for checkpoint in checkpoints {
        core.restore(ProcessorState::decode(&checkpoint.encode_to_vec()[..]).expect("as it was written"));
    }
    core
}

fn checkpoints(core: &mut Core) -> Vec<(String, Option<ProcessorState>)> {
    core.changed_checkpoints("epoch")
}

proptest! {
    #[test]
    fn versions_grow_and_a_record_emits_each_state_once(steps in steps(1..120)) {
        // Few enough that devices are dropped, too.
        let settings = Settings { bounds: Bounds { devices: 2, receivers: 2 }, ..Settings::default() };
        let (mut story, mut fold) = (Story::with(settings), Fold::default());
        for step in &steps {
            let offset = story.offset;
            let out = story.step(step);
            fold.take(&out)?;
            prop_assert!(out.states.iter().all(|change| change.version == offset));
            let mut emitted: Vec<_> = out
                .states
                .iter()
                .filter(|change| change.state.is_some())
                .map(|change| (change.number, change.kind as i32))
                .collect();
            emitted.sort_unstable();
            let count = emitted.len();
            emitted.dedup();
            prop_assert_eq!(emitted.len(), count, "at most one state per change");
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
            for (_, reception) in &out.receptions {
                if let Some(reception::Content::HeardFrame(heard)) = &reception.content {
                    prop_assert!(heard.observation_id.is_none() && heard.position.is_none() && heard.packet_type.is_none());
                }
            }
            for (_, report) in &out.thermal_reports {
                prop_assert!(matches!(report.content, Some(thermal_report::Content::Clock(_))));
            }
            for change in out.states.iter().filter(|change| change.audience == Audience::Public) {
                let name = match &change.state {
                    Some(State::Aircraft(state)) => { prop_assert!(state.alert_kind.is_some()); &state.name }
                    Some(State::Ground(state)) => { prop_assert!(state.alert_kind.is_some()); &state.name }
                    Some(State::Station(state)) => &state.name,
                    Some(State::Alert(state)) => {
                        prop_assert!(state.resolved_at_us.is_none() || state.position.is_none());
                        &state.name
                    }
                    Some(State::Landmark(_)) => { prop_assert!(false, "a landmark of a hidden device"); continue }
                    Some(State::Thermal(_) | State::Receiver(_)) | None => continue,
                };
                prop_assert!(name.is_none(), "only distress, and without the name");
            }
        }
    }

    /// With any frames and commands: while a device is hidden, only its calls for help are public, without its name.
    #[test]
    fn hidden_devices_are_not_public(steps in steps(1..120)) {
        let (mut story, mut consents) = (Story::new(), HashMap::<u32, Consents>::new());
        let mut receiver_core = ReceiverCore::new(Arc::default(), 24 * 3_600 * 1_000_000);
        let mut frames = Vec::new();
        for step in steps {
            if matches!(step.what, What::Garbage(_)) {
                continue;
            }
            // The same frame within four seconds is a copy, and says nothing new.
            let is_again = frames.iter().any(|(device, what)| *device == step.device && *what == step.what);
            frames.push((step.device, step.what.clone()));
            let after_ms = if is_again { step.after_ms.max(5_000) } else { step.after_ms };
            let step = Step { behind_s: 0, after_ms, ..step };
            let (device, now_us) = (step.device, story.now_us + step.after_ms * 1_000);
            let consents = consents.entry(device).or_default();
            consents.note(&step.what, now_us);
            let step = story.tick_before(step);
            let out = story.step(&step);
            if !consents.hides() {
                continue;
            }
            let own = |of: u32| of == device;
            prop_assert!(out.observations.iter().all(|observation| observation.private || !own(observation.device)));
            for (_, report) in &out.thermal_reports {
                let is_own = matches!(&report.content, Some(thermal_report::Content::Report(climb)) if own(climb.device));
                prop_assert!(!is_own, "{report:?}");
            }
            for (_, reception) in &out.receptions {
                if let Some(reception::Content::HeardFrame(heard)) = &reception.content {
                    prop_assert!(heard.observation_id.is_none() && heard.position.is_none() && heard.packet_type.is_none());
                    let mut changes = Vec::new();
                    let offset = receiver_core.next_offset();
                    receiver_core.apply(offset, reception, &mut changes);
                    let is_placed = |state: &ReceiverState| state.position.is_some() || !state.coverage.is_empty();
                    prop_assert!(changes.iter().filter_map(|change| change.state.as_ref()).all(|state| !is_placed(state)));
                }
            }
            for change in out.states.iter().filter(|change| change.audience == Audience::Public && own(change.device)) {
                let (name, calls) = match &change.state {
                    Some(State::Aircraft(state)) => (&state.name, state.alert_kind.is_some()),
                    Some(State::Ground(state)) => (&state.name, state.alert_kind.is_some()),
                    Some(State::Station(state)) => (&state.name, false),
                    Some(State::Alert(state)) => (&state.name, state.resolved_at_us.is_none() || state.position.is_none()),
                    Some(State::Landmark(_)) => { prop_assert!(false, "a landmark of a hidden device"); continue }
                    Some(State::Thermal(_) | State::Receiver(_)) | None => continue,
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
        checkpoints(&mut story.core);
        checkpoints(&mut story.core);
        prop_assert_eq!(story.core.devices(), 0, "what is never forgotten is kept in a small form");
    }

    /// Also where devices and receivers are dropped, since there are too many.
    #[test]
    fn a_checkpoint_at_any_record_changes_nothing(
        steps in steps(1..120),
        at in 0..120_usize,
        devices in 1..6_usize,
        receivers in 1..5_usize,
    ) {
        let at = at.min(steps.len());
        let settings = Settings { bounds: Bounds { devices, receivers }, ..Settings::default() };
        let mut story = Story::with(settings.clone());
        steps[..at].iter().for_each(|step| drop(story.step(step)));
        let parts: Vec<_> = checkpoints(&mut story.core).into_iter().filter_map(|(_, checkpoint)| checkpoint).collect();
        let mut twin = Story { core: restored(&parts, settings), ..Story::new() };
        (twin.offset, twin.now_us) = (story.offset, story.now_us);
        for step in &steps[at..] {
            prop_assert_eq!(story.step(step), twin.step(step));
        }
    }

    /// A crash in the middle of a checkpoint: some devices are ahead of the partition's part.
    #[test]
    fn devices_ahead_of_a_partition_see_records_once(
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
                topic.extend(checkpoints(&mut story.core));
            }
            if index == second {
                // Written in order, cut off before the partition's part.
                let unfinished = checkpoints(&mut story.core);
                let complete = unfinished.len() - 1;
                topic.extend(unfinished.into_iter().take(torn.min(complete)));
            }
            undisturbed.push(story.step(step));
        }
        let parts: Vec<_> = topic.into_values().flatten().collect();
        let ahead: HashMap<u32, u64> = parts
            .iter()
            .filter_map(|checkpoint| match &checkpoint.part {
                Some(processor_state::Part::Device(device)) => Some((device.device, device.next_offset)),
                _ => None,
            })
            .collect();
        let mut twin = Story { core: restored(&parts, Settings::default()), ..Story::new() };
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
