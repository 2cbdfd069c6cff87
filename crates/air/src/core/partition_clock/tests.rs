use proptest::prelude::*;

use super::*;

const START_US: u64 = 1_750_000_000_000_000;

/// A partition's clock, and the time as it really is.
struct Sim {
    clock: PartitionClock,
    now_us: u64,
    leaps: Vec<i64>,
}

impl Sim {
    fn new() -> Self {
        Self { clock: PartitionClock::default(), now_us: START_US, leaps: Vec::new() }
    }

    /// A record of a machine whose clock is `ahead_s` ahead: how far off its arrival is, seconds.
    fn record(&mut self, bridge: Option<&str>, ahead_s: i64) -> f64 {
        let tick = bridge.map(|id| Tick { bridge_id: id.into(), interval_s: 5 });
        let ingested_at_us = self.now_us.wrapping_add_signed(ahead_s * SECOND_US as i64);
        let (arrival, leap) = self.clock.read(ingested_at_us, tick.as_ref());
        self.leaps.extend(leap.map(|leap| leap.by_us / SECOND_US as i64));
        (arrival.at_us() as f64 - self.now_us as f64) / 1e6
    }

    /// Five seconds, with a tick and frames of each bridge: the farthest that an arrival is off, seconds.
    fn round(&mut self, bridges: &[(&str, i64)]) -> f64 {
        let mut farthest = 0.0_f64;
        for second in 0..5 {
            for (index, &(bridge, ahead_s)) in bridges.iter().enumerate() {
                let is_tick = second == index % 5;
                let off_s = self.record(is_tick.then_some(bridge), ahead_s);
                farthest = farthest.max(off_s.abs());
            }
            self.now_us += SECOND_US;
        }
        farthest
    }

    fn off_s(&self) -> f64 {
        (self.clock.now_us() as f64 - self.now_us as f64) / 1e6
    }
}

#[test]
fn one_bridge_ahead_moves_nothing() {
    for ahead_s in [7_200, 3_600, 60, -60, -7_200, -1_750_000_000] {
        let mut sim = Sim::new();
        for round in 0..100 {
            // For five minutes.
            let off = if (20..80).contains(&round) { ahead_s } else { 0 };
            let farthest = sim.round(&[("a", 0), ("b", off)]);
            // A bridge that is behind is distinguished from one that waited for the log by its second tick.
            let is_corrected = ahead_s > 0 || round != 20 && round != 21;
            assert!(farthest <= 10.0 || !is_corrected, "{ahead_s} s, round {round}: {farthest}");
            assert!(sim.off_s().abs() <= 10.0, "{ahead_s} s, round {round}: {}", sim.off_s());
            let is_named = sim.clock.bridges_off().any(|(bridge, _)| bridge == "b");
            assert_eq!(is_named, (21..80).contains(&round), "{ahead_s} s, round {round}");
        }
        assert!(sim.leaps.is_empty(), "{ahead_s} s: {:?}", sim.leaps);
    }
}

#[test]
fn the_only_bridge_is_followed_there_and_back() {
    for ahead_s in [7_200, 400_000, -7_200] {
        let mut sim = Sim::new();
        for round in 0..60 {
            let off = if (20..40).contains(&round) { ahead_s } else { 0 };
            let farthest = sim.round(&[("a", off)]);
            assert!((sim.off_s() - off as f64).abs() <= 5.0, "{ahead_s} s, round {round}: {}", sim.off_s());
            assert!((20..40).contains(&round) || farthest <= 1.0, "{ahead_s} s, round {round}: {farthest}");
        }
        // A second passes between the records before and after.
        assert_eq!(sim.leaps, [ahead_s + 1, 1 - ahead_s]);
        assert_eq!(sim.clock.set_back_count(), 1);
        assert_eq!(sim.clock.recent_leap().map(|leap| leap.by_us), Some((1 - ahead_s) * SECOND_US as i64));
    }
}

#[test]
fn a_short_step_back_of_the_only_bridge_is_followed() {
    let mut sim = Sim::new();
    for round in 0..10 {
        sim.round(&[("a", if round < 5 { 20 } else { 0 })]);
    }
    assert_eq!(sim.leaps.len(), 1);
    assert!(sim.off_s().abs() <= 1.0, "{}", sim.off_s());
}

#[test]
fn the_clock_continues_after_a_long_silence() {
    for bridges in [&[("a", 0)][..], &[("a", 0), ("b", 1)], &[("a", 0), ("b", 0), ("c", 0)]] {
        let mut sim = Sim::new();
        sim.round(bridges);
        sim.now_us += 3 * 24 * HOUR_US;
        sim.round(bridges);
        assert!(sim.off_s().abs() <= 2.0, "{} bridges: {}", bridges.len(), sim.off_s());
        assert_eq!(sim.leaps.len(), 1);
        assert!(sim.round(bridges) <= 2.0);
    }
}

#[test]
fn without_ticks_records_after_silence_move_the_clock() {
    let mut sim = Sim::new();
    for _ in 0..5 {
        assert!(sim.record(None, 0).abs() <= 0.0);
        sim.now_us += 900 * SECOND_US;
    }
    assert_eq!(sim.leaps, [900; 4]);
    // One that is older moves nothing.
    sim.record(None, -4_000);
    assert_eq!(sim.clock.now_us() + 900 * SECOND_US, sim.now_us);
}

#[test]
fn a_bridge_that_has_left_no_longer_counts() {
    let mut sim = Sim::new();
    for _ in 0..10 {
        sim.round(&[("a", 0), ("b", 0)]);
    }
    // One stops, the other one pauses for an hour.
    sim.now_us += HOUR_US;
    let mut rounds = 0;
    while sim.off_s().abs() > 10.0 {
        sim.round(&[("b", 0)]);
        rounds += 1;
    }
    assert!(rounds <= 10, "within a minute: {rounds} rounds");
}

#[test]
fn two_bridges_outvote_one() {
    let mut sim = Sim::new();
    sim.round(&[("a", 7_200)]);
    for _ in 0..3 {
        sim.round(&[("a", 7_200), ("b", 0), ("c", 0)]);
    }
    assert!(sim.off_s().abs() <= 5.0, "{}", sim.off_s());
}

#[test]
fn what_a_bridge_held_back_keeps_its_time() {
    let mut sim = Sim::new();
    for _ in 0..10 {
        sim.round(&[("a", 0), ("b", 0)]);
    }
    for _ in 0..60 {
        sim.round(&[("a", 0)]);
    }
    // Its last tick waited for the log, too.
    assert!(sim.record(Some("b"), -300) <= -299.0);
    for ahead_s in (-299..-60).step_by(5) {
        let off_s = sim.record(None, ahead_s);
        assert!((off_s - ahead_s as f64).abs() < 1.0, "{ahead_s}: {off_s}");
    }
    assert!(sim.off_s().abs() <= 5.0 && sim.leaps.is_empty());
    let time = Arrival::HeldBack(START_US, START_US + 300 * SECOND_US).event_time();
    assert_eq!((time.at_us, time.is_proven), (START_US, false));
}

#[test]
fn bridges_that_are_remembered_are_bounded() {
    let mut sim = Sim::new();
    for number in 0..100 {
        sim.record(Some(&format!("bridge-{number}")), 0);
    }
    assert_eq!(sim.clock.bridges.len(), MAX_BRIDGES);
}

fn checkpoint_of(clock: &PartitionClock) -> PartitionMemory {
    let mut checkpoint = PartitionMemory::default();
    clock.put_checkpoint(&mut checkpoint);
    checkpoint
}

#[test]
fn a_checkpoint_of_the_earlier_form_is_read() {
    let checkpoint = PartitionMemory { clock_us: START_US, ..PartitionMemory::default() };
    assert_eq!(PartitionClock::from_checkpoint(&checkpoint).now_us(), START_US);
}

proptest! {
    #[test]
    fn a_checkpoint_at_any_record_changes_nothing(
        records in prop::collection::vec((0..10_000_u64, 0..4_usize, prop_oneof![4 => Just(0), 1 => -9_000..9_000_i64]), 1..60),
        at in 0..60_usize,
    ) {
        let mut sim = Sim::new();
        for (index, (after_ms, source, ahead_s)) in records.into_iter().enumerate() {
            sim.now_us += after_ms * 1_000;
            if index == at {
                prop_assert_eq!(&PartitionClock::from_checkpoint(&checkpoint_of(&sim.clock)), &sim.clock);
            }
            sim.record([None, Some("a"), Some("b"), Some("c")][source], ahead_s);
        }
    }
}
