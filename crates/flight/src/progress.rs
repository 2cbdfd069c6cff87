//! The progress of a flight: on the ground, flying, landed; when it took off and when it landed.
//!
//! The terrain is not known, so standing still is a sign of a landing and no proof: in lift and wind a glider hovers
//! for half an hour. A landing is therefore provisional until the device has rested (two minutes in one spot, at one
//! altitude, without speed). An aircraft that flies again without having rested had not landed: its flight continues.

use std::num::NonZeroU64;

use geo::Position;
use geo::distance::distance_m;

use crate::units::{degrees, e7};

const SECOND_US: u64 = 1_000_000;

/// From this ground speed on it flies, km/h.
const FLYING_KMH: f64 = 15.0;
/// From this climb or sink on it flies at any ground speed, m/s: a glider can stand against the wind.
const FLYING_MPS: f64 = 1.0;
const FRAMES_TO_TAKE_OFF: u32 = 2;

/// Below this ground speed it may have landed, km/h,
const STANDING_KMH: f64 = 5.0;
/// if it neither climbs nor sinks faster, m/s,
const STANDING_MPS: f64 = 0.5;
/// stays at its altitude, m,
const STANDING_M: f64 = 12.0;
/// and all this for so long, microseconds.
const STANDING_US: u64 = 20 * SECOND_US;
const FRAMES_TO_LAND: u32 = 3;

/// It rests on the ground when it stays within this distance of a spot, m,
const REST_M: f64 = 25.0;
/// within this of its altitude, m,
const REST_ALTITUDE_M: f64 = 6.0;
/// slower than this on average, km/h: the speed of GPS noise,
const REST_KMH: f64 = 1.5;
/// for so long, microseconds,
const REST_US: u64 = 120 * SECOND_US;
/// in so many positions.
const REST_FRAMES: u32 = 5;

/// A longer silence ends a flight, microseconds: as long as a live aircraft without a position is kept.
pub const SILENCE_US: u64 = 15 * 60 * SECOND_US;

/// The phase of an aircraft. The numbers are those of the published flight phases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Nothing is known yet.
    #[default]
    Unknown,
    /// It has not flown since it is known.
    OnGround,
    /// It flies.
    Flying,
    /// It has flown, and stands.
    Landed,
}

/// One position, with the values that determine the progress of a flight.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Event time, microseconds.
    pub at_us: u64,
    /// Where.
    pub position: Position,
    /// Above mean sea level, metres; 0 where it was not transmitted.
    pub altitude_m: f64,
    /// Over ground.
    pub speed_kmh: f64,
    /// Up is positive.
    pub climb_mps: f64,
}

/// Signs that the phase has changed, before there are enough of them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Doubt {
    /// Since when.
    pub since_us: u64,
    /// In how many positions.
    pub frames: u32,
    /// The altitude of the first of them, metres.
    pub altitude_m: f64,
}

/// A stay in one spot after a landing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rest {
    /// Its first position.
    pub since_us: u64,
    /// Degrees north of its first position, times 10^7.
    pub latitude_e7: i32,
    /// Degrees east, times 10^7.
    pub longitude_e7: i32,
    /// Altitude of its first position, metres.
    pub altitude_m: f64,
    /// Its positions.
    pub frames: u32,
    /// The sum of their speeds, km/h.
    pub speeds_kmh: f64,
    /// It lasted long enough: the landing is certain.
    pub is_certain: bool,
}

/// Evidence for a change of phase and for a landing; few aircraft have it at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Signs {
    /// Signs of another phase.
    pub doubt: Option<Doubt>,
    /// The stay since the landing, while it stands.
    pub rest: Option<Rest>,
}

/// How far a flight has come. There is one per live aircraft: optional values take no extra memory.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// When it took off. `None`: it was flying when it was first received, or has not flown.
    pub take_off_us: Option<NonZeroU64>,
    /// When it landed. `None`: it has not, or is flying again.
    pub landed_us: Option<NonZeroU64>,
    signs: Option<Box<Signs>>,
    phase: Phase,
}

impl Progress {
    /// Restores it from a checkpoint.
    pub fn restore(phase: Phase, take_off_us: Option<NonZeroU64>, landed_us: Option<NonZeroU64>, signs: Signs) -> Self {
        Self { take_off_us, landed_us, signs: (signs != Signs::default()).then(|| Box::new(signs)), phase }
    }

    /// The present phase.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// The evidence for another phase.
    pub fn signs(&self) -> Signs {
        self.signs.as_deref().copied().unwrap_or_default()
    }

    /// Since when it may be standing, while it is not certain that it has landed.
    pub fn standing_since_us(&self) -> Option<u64> {
        let doubt = self.signs.as_ref().and_then(|signs| signs.doubt);
        doubt.filter(|_| self.phase == Phase::Flying).map(|doubt| doubt.since_us)
    }

    /// Takes the next position, in the order of event times; the phase after it.
    pub fn follow(&mut self, sample: &Sample) -> Phase {
        let seems_flying = sample.speed_kmh >= FLYING_KMH || sample.climb_mps.abs() >= FLYING_MPS;
        match self.phase {
            Phase::Unknown => self.phase = if seems_flying { Phase::Flying } else { Phase::OnGround },
            Phase::OnGround | Phase::Landed => self.watch_take_off(sample, seems_flying),
            Phase::Flying => self.watch_landing(sample),
        }
        self.phase
    }

    fn watch_take_off(&mut self, sample: &Sample, seems_flying: bool) {
        if !seems_flying {
            self.set_doubt(None);
            if let Some(rest) = self.signs.as_mut().and_then(|signs| signs.rest.as_mut()) {
                rest.follow(sample);
            }
            return;
        }
        let doubt = self.doubt_more(sample);
        if doubt.frames < FRAMES_TO_TAKE_OFF {
            return;
        }
        let continues = self.phase == Phase::Landed && self.signs().rest.is_some_and(|rest| !rest.is_certain);
        if !continues {
            self.take_off_us = NonZeroU64::new(doubt.since_us);
        }
        self.landed_us = None;
        (self.phase, self.signs) = (Phase::Flying, None);
    }

    fn watch_landing(&mut self, sample: &Sample) {
        let seems_standing = sample.speed_kmh < STANDING_KMH && sample.climb_mps.abs() < STANDING_MPS;
        let is_level = |doubt: Doubt| (doubt.altitude_m - sample.altitude_m).abs() <= STANDING_M;
        if !seems_standing || !self.signs().doubt.is_none_or(is_level) {
            self.signs = None;
            return;
        }
        let doubt = self.doubt_more(sample);
        if doubt.frames >= FRAMES_TO_LAND && sample.at_us >= doubt.since_us + STANDING_US {
            self.landed_us = NonZeroU64::new(doubt.since_us);
            self.phase = Phase::Landed;
            self.signs = Some(Box::new(Signs { doubt: None, rest: Some(Rest::begin(sample)) }));
        }
    }

    fn doubt_more(&mut self, sample: &Sample) -> Doubt {
        let signs = self.signs.get_or_insert_default();
        let begin = Doubt { since_us: sample.at_us, frames: 0, altitude_m: sample.altitude_m };
        let doubt = signs.doubt.get_or_insert(begin);
        doubt.frames += 1;
        *doubt
    }

    fn set_doubt(&mut self, doubt: Option<Doubt>) {
        if let Some(signs) = &mut self.signs {
            signs.doubt = doubt;
            if **signs == Signs::default() {
                self.signs = None;
            }
        }
    }
}

impl Rest {
    fn begin(sample: &Sample) -> Self {
        Self {
            since_us: sample.at_us,
            latitude_e7: e7(sample.position.latitude_deg),
            longitude_e7: e7(sample.position.longitude_deg),
            altitude_m: sample.altitude_m,
            frames: 1,
            speeds_kmh: sample.speed_kmh,
            is_certain: false,
        }
    }

    fn follow(&mut self, sample: &Sample) {
        if self.is_certain {
            return;
        }
        let spot = Position::new(degrees(self.latitude_e7), degrees(self.longitude_e7));
        let stays = sample.speed_kmh < STANDING_KMH
            && (self.altitude_m - sample.altitude_m).abs() <= REST_ALTITUDE_M
            && distance_m(spot, sample.position) <= REST_M;
        if !stays {
            *self = Self::begin(sample);
            return;
        }
        self.frames += 1;
        self.speeds_kmh += sample.speed_kmh;
        if sample.at_us >= self.since_us + REST_US && self.frames >= REST_FRAMES {
            match self.speeds_kmh / f64::from(self.frames) < REST_KMH {
                true => self.is_certain = true,
                false => *self = Self::begin(sample),
            }
        }
    }
}

#[cfg(test)]
mod tests;
