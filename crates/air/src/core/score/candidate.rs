//! Positions that are not followed: first ones that wait for a second, and those of another body.

use std::num::NonZeroU64;

use flight::Step;
use flight::units::{degrees, e7};
use geo::Position;
use geo::distance::distance_m;
use schemas::v1::JudgedFix;

use crate::core::score::reported_position::{Confirmed, ReportedPosition};

/// A position against which the next is judged, to the centimetre: half the room.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Fix {
    event_at_us: NonZeroU64,
    latitude_e7: i32,
    longitude_e7: i32,
}

impl Fix {
    pub(super) fn new(event_at_us: u64, latitude_deg: f64, longitude_deg: f64) -> Self {
        Self {
            // Nothing is received in the first microsecond of 1970.
            event_at_us: NonZeroU64::new(event_at_us).unwrap_or(NonZeroU64::MIN),
            latitude_e7: e7(latitude_deg),
            longitude_e7: e7(longitude_deg),
        }
    }

    /// The reported position and its time.
    pub(super) fn of(reported: &ReportedPosition) -> Self {
        Self::new(reported.event_at_us, reported.position.latitude_deg, reported.position.longitude_deg)
    }

    pub(super) fn event_at_us(self) -> u64 {
        self.event_at_us.get()
    }

    pub(super) fn position(self) -> Position {
        Position::new(degrees(self.latitude_e7), degrees(self.longitude_e7))
    }

    /// Whether one body can have been here and at the reported position.
    pub(super) fn step_to(self, reported: &ReportedPosition) -> Step {
        let interval_us = reported.event_at_us.abs_diff(self.event_at_us());
        flight::step(interval_us, self.metres_to(reported), reported.max_speed_kmh)
    }

    pub(super) fn metres_to(self, reported: &ReportedPosition) -> f64 {
        distance_m(self.position(), reported.position)
    }

    pub(super) fn to_checkpoint(self) -> JudgedFix {
        let Position { latitude_deg, longitude_deg } = self.position();
        JudgedFix { event_at_us: self.event_at_us(), latitude_deg, longitude_deg, ..JudgedFix::default() }
    }

    pub(super) fn from_checkpoint(checkpoint: &JudgedFix) -> Self {
        Self::new(checkpoint.event_at_us, checkpoint.latitude_deg, checkpoint.longitude_deg)
    }
}

/// A track that is not followed, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Candidate {
    /// Its newest position.
    pub(super) fix: Fix,
    /// The id of the observation of its newest position. `None`: it was plausible when it came.
    observation_id: Option<u64>,
    /// When it began.
    pub(super) since_us: u64,
    /// Its positions.
    pub(super) frames: u32,
    /// What its first position cost in score.
    pub(super) lost: u8,
}

impl Candidate {
    pub(super) fn new(reported: &ReportedPosition, lost: u8) -> Self {
        let since_us = reported.event_at_us;
        Self { fix: Fix::of(reported), observation_id: Some(reported.observation_id), since_us, frames: 1, lost }
    }

    /// The track that was followed until now.
    pub(super) fn of_followed(fix: Fix, since_us: u64) -> Self {
        Self { fix, observation_id: None, since_us, frames: 2, lost: 0 }
    }

    pub(super) fn follow(&mut self, reported: &ReportedPosition) {
        (self.fix, self.observation_id) = (Fix::of(reported), Some(reported.observation_id));
        self.frames = self.frames.saturating_add(1);
    }

    /// Its newest position, once another one has made the track plausible.
    pub(super) fn confirmed(&self) -> Option<Confirmed> {
        Some(Confirmed { observation_id: self.observation_id?, event_at_us: self.fix.event_at_us() })
    }

    fn to_checkpoint(self) -> JudgedFix {
        JudgedFix {
            observation_id: self.observation_id,
            since_us: self.since_us,
            frames: self.frames,
            lost: self.lost.into(),
            ..self.fix.to_checkpoint()
        }
    }

    fn from_checkpoint(checkpoint: &JudgedFix) -> Self {
        let fix = Fix::from_checkpoint(checkpoint);
        Self {
            fix,
            observation_id: checkpoint.observation_id,
            since_us: if checkpoint.since_us > 0 { checkpoint.since_us } else { fix.event_at_us() },
            frames: checkpoint.frames.max(1),
            lost: checkpoint.lost as u8,
        }
    }
}

/// The candidates of a device: while a track is followed at most one, else the two newest positions.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Others {
    pub(super) newer: Option<Candidate>,
    older: Option<Candidate>,
}

impl Others {
    pub(super) fn is_empty(&self) -> bool {
        self.newer.is_none() && self.older.is_none()
    }

    pub(super) fn newest_us(&self) -> Option<u64> {
        self.newer.map(|candidate| candidate.fix.event_at_us())
    }

    /// Forgets those whose newest position is over.
    pub(super) fn forget(&mut self, is_over: impl Fn(Fix) -> bool) {
        self.older.take_if(|candidate| is_over(candidate.fix));
        self.newer.take_if(|candidate| is_over(candidate.fix));
        if self.newer.is_none() {
            self.newer = self.older.take();
        }
    }

    /// Takes out the candidate that the reported position agrees with; the other one stays.
    pub(super) fn take_agreeing(&mut self, reported: &ReportedPosition) -> Option<Candidate> {
        let agrees = |candidate: &mut Candidate| candidate.fix.step_to(reported) == Step::Possible;
        if let Some(agreed) = self.newer.take_if(agrees) {
            self.newer = self.older.take();
            return Some(agreed);
        }
        self.older.take_if(agrees)
    }

    /// Whether the reported position is too close in time to one of them to say anything.
    pub(super) fn is_too_soon(&self, reported: &ReportedPosition) -> bool {
        [self.newer, self.older].into_iter().flatten().any(|candidate| candidate.fix.step_to(reported) == Step::TooSoon)
    }

    /// Adds a candidate; gives back the oldest of three.
    pub(super) fn add(&mut self, candidate: Candidate) -> Option<Candidate> {
        let newer = self.newer.replace(candidate)?;
        self.older.replace(newer)
    }

    /// As the checkpoint keeps them, oldest first.
    pub(super) fn to_checkpoint(&self) -> Vec<JudgedFix> {
        [self.older, self.newer].into_iter().flatten().map(Candidate::to_checkpoint).collect()
    }

    /// From a checkpoint.
    pub(super) fn from_checkpoint(checkpoint: &[JudgedFix]) -> Self {
        let mut others = Self::default();
        for candidate in checkpoint.iter().map(Candidate::from_checkpoint) {
            others.add(candidate);
        }
        others
    }
}
