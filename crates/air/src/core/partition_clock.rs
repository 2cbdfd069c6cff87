//! The clock of a raw partition: the current time, derived from its records.
//!
//! Bridges stamp records with the ingestion time by their machines' clocks, and ticks say which bridges are there. The
//! clock is the highest ingestion time read, as long as records agree to [`NEAR_US`] (or three intervals between ticks).
//! A record that is farther away moves nothing by itself:
//!
//! - **Ticks decide.** The clock leaps, forward or back, when more of the bridges that tick are at the other time than at
//!   the present one. So one bridge that is ahead moves nothing while another one is right; a single bridge, whose clock
//!   is set or whose machine slept, moves the clock with its next tick, also when it is set back by less. A bridge that
//!   has been silent for [`STALE_TICKS`] ticks of the others no longer counts.
//! - **Silence decides.** Where no bridge has ever ticked (captures), the first record after a silence moves the clock;
//!   and records that go on at a later time for [`AHEAD_US`] without one near the clock do so in any case.
//!
//! For the ingestion time of such a record see [`Arrival`]. All of this is made of records alone, so a replay repeats it.

use schemas::v1::{BridgeTime, PartitionMemory, Tick};

use crate::core::settings::{HOUR_US, SECOND_US};
use crate::core::time::EventTime;

/// Records within this of the clock agree with it, microseconds: bridges can differ by seconds, and wait for the log.
const NEAR_US: u64 = 30 * SECOND_US;
/// So many intervals between a bridge's ticks are near in any case.
const NEAR_INTERVALS: u64 = 3;
/// A bridge whose ticks are farther from the clock is off; its records arrived within this of the clock, microseconds.
const OFF_US: u64 = 10 * SECOND_US;
/// A bridge's next tick is never earlier than its last one by more than this, unless its clock was set, microseconds.
const SET_BACK_US: u64 = 2 * SECOND_US;
/// A later time that lasts for this long, with no record near the clock, becomes the time, microseconds.
const AHEAD_US: u64 = 30 * SECOND_US;
/// After so many ticks of others a bridge is no longer there.
const STALE_TICKS: u32 = 8;
/// Longer intervals between ticks are not waited for, seconds.
const LONGEST_INTERVAL_S: u32 = 3_600;
/// More bridges are not remembered: the one that ticked longest ago is forgotten.
const MAX_BRIDGES: usize = 16;
/// This many ticks in a row distinguish a bridge that is behind from one that waited for the log.
const BEHIND_TICKS: u32 = 2;

/// The ingestion time of a record, corrected by the partition's clock where its bridge's clock is off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// The ingestion time that it bears, microseconds.
    Exact(u64),
    /// Its bridge's clock is off: at about this time.
    About(u64),
    /// Its bridge held it back while others went on: its bridge received it at the first time and wrote it at the second.
    HeldBack(u64, u64),
}

impl Arrival {
    /// The ingestion time, microseconds.
    pub fn at_us(self) -> u64 {
        match self {
            Self::Exact(at_us) | Self::About(at_us) | Self::HeldBack(at_us, _) => at_us,
        }
    }

    /// The event time of a record without a delay of its own.
    pub fn event_time(self) -> EventTime {
        match self {
            Self::Exact(at_us) | Self::About(at_us) => EventTime::prompt(at_us),
            Self::HeldBack(at_us, now_us) => EventTime::delayed(now_us, (now_us - at_us).cast_signed(), false),
        }
    }
}

/// A step of the clock that no record near it explains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leap {
    /// Where the clock is now, microseconds.
    pub to_us: u64,
    /// By how much it moved, microseconds: negative is back.
    pub by_us: i64,
}

/// A bridge, by its ticks.
#[derive(Clone, Debug, PartialEq)]
struct Bridge {
    id: Box<str>,
    ticked_us: u64,
    /// Between its ticks.
    interval_us: u64,
    /// Its time minus the partition's clock at its newest tick.
    ahead_us: i64,
    /// Ticks in a row that were off the clock.
    off_ticks: u32,
    /// Ticks of others since its own.
    missed_ticks: u32,
}

/// Consecutive records at another time.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Run {
    since_us: u64,
    last_us: u64,
}

/// The clock of one raw partition.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PartitionClock {
    now_us: u64,
    bridges: Vec<Bridge>,
    run: Option<Run>,
    set_back_count: u32,
    last_leap: Option<Leap>,
}

impl PartitionClock {
    /// The time, microseconds; 0: no record yet.
    pub fn now_us(&self) -> u64 {
        self.now_us
    }

    /// How many times the clock went back.
    pub fn set_back_count(&self) -> u32 {
        self.set_back_count
    }

    /// The newest leap of the last hour.
    pub fn recent_leap(&self) -> Option<Leap> {
        self.last_leap.filter(|leap| self.now_us < leap.to_us + HOUR_US)
    }

    /// Bridges that are there and whose clocks are off: name and offset, microseconds.
    pub fn bridges_off(&self) -> impl Iterator<Item = (&str, i64)> {
        let is_off = |bridge: &&Bridge| bridge.off_ticks >= BEHIND_TICKS && bridge.missed_ticks < STALE_TICKS;
        self.bridges.iter().filter(is_off).map(|bridge| (&*bridge.id, bridge.ahead_us))
    }

    /// Reads a record's ingestion time.
    pub fn read(&mut self, ingested_at_us: u64, tick: Option<&Tick>) -> (Arrival, Option<Leap>) {
        if self.now_us == 0 {
            self.now_us = ingested_at_us;
        }
        let is_set_back = tick.is_some_and(|tick| self.note_tick(tick, ingested_at_us));
        if self.is_near(ingested_at_us) && !is_set_back {
            self.now_us = self.now_us.max(ingested_at_us);
            self.run = None;
            return (self.near_arrival(ingested_at_us), None);
        }
        if is_set_back || self.leaps_to(ingested_at_us, tick.is_some()) {
            let leap = self.leap(ingested_at_us);
            return (Arrival::Exact(ingested_at_us), Some(leap));
        }
        (self.far_arrival(ingested_at_us), None)
    }

    fn near_us(&self) -> u64 {
        let longest_us = self.bridges.iter().map(|bridge| bridge.interval_us).max().unwrap_or_default();
        NEAR_US.max(NEAR_INTERVALS * longest_us)
    }

    fn is_near(&self, at_us: u64) -> bool {
        // The first comparison decides nearly always.
        at_us.abs_diff(self.now_us) <= NEAR_US || at_us.abs_diff(self.now_us) <= self.near_us()
    }

    /// Notes a bridge's tick; true: it is the only bridge, and its clock was set back.
    fn note_tick(&mut self, tick: &Tick, at_us: u64) -> bool {
        let known = self.bridges.iter().position(|bridge| *bridge.id == *tick.bridge_id);
        let known = known.map(|at| self.bridges.remove(at));
        let is_only = self.bridges.iter().all(|other| other.missed_ticks >= STALE_TICKS);
        let is_back = known.as_ref().is_some_and(|known| at_us + SET_BACK_US < known.ticked_us) && at_us < self.now_us;
        let ahead_us = at_us.cast_signed().wrapping_sub(self.now_us.cast_signed());
        let interval_us = u64::from(tick.interval_s.min(LONGEST_INTERVAL_S)) * SECOND_US;
        let near_us = self.near_us().max(NEAR_INTERVALS * interval_us);
        // The clock follows times that are ahead and near.
        let is_off = at_us + OFF_US < self.now_us || at_us > self.now_us + near_us;
        let off_ticks = known.as_ref().filter(|_| is_off).map_or(0, |known| known.off_ticks) + u32::from(is_off);
        for other in &mut self.bridges {
            other.missed_ticks = other.missed_ticks.saturating_add(1);
        }
        if self.bridges.len() == MAX_BRIDGES {
            self.bridges.remove(0);
        }
        let id = known.map_or_else(|| tick.bridge_id.as_str().into(), |known| known.id);
        self.bridges.push(Bridge { id, ticked_us: at_us, interval_us, ahead_us, off_ticks, missed_ticks: 0 });
        is_only && is_back
    }

    fn leaps_to(&mut self, at_us: u64, is_tick: bool) -> bool {
        let near_us = self.near_us();
        let run = match &mut self.run {
            Some(run) if at_us.abs_diff(run.last_us) <= near_us => {
                run.last_us = run.last_us.max(at_us);
                *run
            }
            run => *run.insert(Run { since_us: at_us, last_us: at_us }),
        };
        let is_ahead = at_us > self.now_us;
        let is_sustained = run.last_us >= run.since_us + AHEAD_US;
        if self.bridges.is_empty() {
            return is_ahead || is_sustained;
        }
        is_tick && self.count_near(at_us) > self.count_near(self.now_us) || is_ahead && is_sustained
    }

    /// How many bridges are there that ticked about this time.
    fn count_near(&self, at_us: u64) -> usize {
        let (near_us, present) = (self.near_us(), |bridge: &&Bridge| bridge.missed_ticks < STALE_TICKS);
        let is_near = |bridge: &&Bridge| bridge.ticked_us.abs_diff(at_us) <= near_us;
        self.bridges.iter().filter(present).filter(is_near).count()
    }

    fn leap(&mut self, to_us: u64) -> Leap {
        let near_us = self.near_us();
        let leap = Leap { to_us, by_us: to_us.cast_signed().wrapping_sub(self.now_us.cast_signed()) };
        self.now_us = to_us;
        self.run = None;
        self.set_back_count += u32::from(leap.by_us < 0);
        for bridge in &mut self.bridges {
            bridge.ahead_us = bridge.ahead_us.wrapping_sub(leap.by_us);
            if bridge.ticked_us.abs_diff(to_us) <= near_us {
                bridge.off_ticks = 0;
            }
        }
        self.last_leap = Some(leap);
        leap
    }

    /// Of a record near the clock: its own time, unless a bridge that is off made it.
    fn near_arrival(&self, at_us: u64) -> Arrival {
        if at_us + OFF_US >= self.now_us {
            return Arrival::Exact(at_us);
        }
        self.about(at_us, BEHIND_TICKS).unwrap_or(Arrival::Exact(at_us))
    }

    fn far_arrival(&self, at_us: u64) -> Arrival {
        if at_us > self.now_us {
            return self.about(at_us, 1).unwrap_or(Arrival::About(self.now_us));
        }
        self.about(at_us, BEHIND_TICKS).unwrap_or(Arrival::HeldBack(at_us, self.now_us))
    }

    /// The corrected ingestion time where a bridge that is off made the record.
    fn about(&self, at_us: u64, off_ticks: u32) -> Option<Arrival> {
        let is_source = |bridge: &&Bridge| {
            let is_present = bridge.off_ticks >= off_ticks && bridge.missed_ticks < STALE_TICKS;
            is_present && bridge.ticked_us.abs_diff(at_us) <= OFF_US + bridge.interval_us
        };
        let bridge = self.bridges.iter().find(is_source)?;
        let about_us = at_us.saturating_add_signed(-bridge.ahead_us);
        Some(Arrival::About(about_us.clamp(self.now_us.saturating_sub(OFF_US), self.now_us)))
    }

    /// Writes its part of the partition's checkpoint.
    pub fn put_checkpoint(&self, checkpoint: &mut PartitionMemory) {
        let bridge = |bridge: &Bridge| BridgeTime {
            bridge_id: bridge.id.to_string(),
            ticked_us: bridge.ticked_us,
            interval_us: bridge.interval_us,
            ahead_us: bridge.ahead_us,
            off_ticks: bridge.off_ticks,
            missed_ticks: bridge.missed_ticks,
        };
        checkpoint.clock_us = self.now_us;
        checkpoint.bridges = self.bridges.iter().map(bridge).collect();
        checkpoint.other_time_since_us = self.run.map_or(0, |run| run.since_us);
        checkpoint.other_time_us = self.run.map_or(0, |run| run.last_us);
        checkpoint.set_back_count = self.set_back_count;
        checkpoint.leapt_to_us = self.last_leap.map_or(0, |leap| leap.to_us);
        checkpoint.leapt_by_us = self.last_leap.map_or(0, |leap| leap.by_us);
    }

    /// From a checkpoint.
    pub fn from_checkpoint(checkpoint: &PartitionMemory) -> Self {
        let bridge = |saved: &BridgeTime| Bridge {
            id: saved.bridge_id.as_str().into(),
            ticked_us: saved.ticked_us,
            interval_us: saved.interval_us,
            ahead_us: saved.ahead_us,
            off_ticks: saved.off_ticks,
            missed_ticks: saved.missed_ticks,
        };
        let run = Run { since_us: checkpoint.other_time_since_us, last_us: checkpoint.other_time_us };
        let leap = Leap { to_us: checkpoint.leapt_to_us, by_us: checkpoint.leapt_by_us };
        Self {
            now_us: checkpoint.clock_us,
            bridges: checkpoint.bridges.iter().take(MAX_BRIDGES).map(bridge).collect(),
            run: (run.since_us > 0).then_some(run),
            set_back_count: checkpoint.set_back_count,
            last_leap: (leap.by_us != 0).then_some(leap),
        }
    }
}

#[cfg(test)]
mod tests;
