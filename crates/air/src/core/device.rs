//! The state of one device, from its first frame to its expiry.

use geo::Position;
use schemas::v1::{AlertResolution, ReceivedBy};
use zones::Index;

use crate::core::aircraft::Aircraft;
use crate::core::alert::{Alert, Raised};
use crate::core::conflict::Conflict;
use crate::core::ground::Ground;
use crate::core::landmark::Landmark;
use crate::core::outputs::Outputs;
use crate::core::privacy::Consent;
use crate::core::receiver_clock::ReceiverClock;
use crate::core::receiver_name::ReceiverName;
use crate::core::score::Score;
use crate::core::settings::{Lifetimes, Settings};
use crate::core::shown::{Changed, Shown};
use crate::core::station::Station;
use crate::core::text::Text;
use crate::dedupe::LatestFrames;

/// Receivers that heard the device within this time are published with its state, milliseconds.
const HEARD_BY_MS: u32 = 30_000;
/// With more receivers, only those with the strongest receptions are published.
const MAX_RECEIVERS: usize = 8;

/// The clock, offset and settings under which a record is applied.
#[derive(Clone, Copy, Debug)]
pub struct ApplyContext<'a> {
    /// The settings of the core.
    pub settings: &'a Settings,
    /// The raw offset: the version of the states that the record makes.
    pub offset: u64,
    /// The partition's clock.
    pub clock_us: u64,
    /// When the partition's clock was last passed on: no later report may be older.
    pub clock_sent_us: u64,
    /// The zones that count.
    pub zones: &'a Index,
}

/// One receiver's newest reception of a device.
#[derive(Clone, Debug, PartialEq)]
pub struct HeardBy {
    /// The receiver.
    pub receiver: ReceiverName,
    /// By the partition's clock, milliseconds modulo 2^32.
    heard_ms: u32,
    /// Signal strength, dBm.
    pub rssi_dbm: i16,
    /// Signal-to-noise ratio, dB.
    pub snr_db: i16,
}

impl HeardBy {
    /// A reception at a time of the partition's clock.
    pub fn new(receiver: &ReceiverName, rssi_dbm: i16, snr_db: i16, clock_us: u64) -> Self {
        Self { receiver: receiver.clone(), heard_ms: (clock_us / 1_000) as u32, rssi_dbm, snr_db }
    }

    /// When it was; `now_us` is not more than some weeks later.
    pub fn heard_at_us(&self, now_us: u64) -> u64 {
        (now_us / 1_000).saturating_sub(u64::from(self.heard_ago_ms(now_us))) * 1_000
    }

    fn heard_ago_ms(&self, now_us: u64) -> u32 {
        ((now_us / 1_000) as u32).wrapping_sub(self.heard_ms)
    }
}

/// Data that few devices have.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rare {
    /// When it raised alerts.
    pub raised: Raised,
    /// Commands applied lately.
    pub command_ids: Vec<Box<str>>,
    /// Another device uses its address.
    pub conflict: Option<Box<Conflict>>,
    /// The highest id of an observation that called for help.
    pub called_id: u64,
    /// The clock of the telephone or feed that reports it.
    pub sender_clock: Option<ReceiverClock>,
    /// The zones that it is in, in the order in which it entered them.
    pub zone_keys: Vec<u64>,
    /// The newest text that it has broadcast.
    pub text: Option<Text>,
    /// Landmarks that it broadcasts, in the order in which they were first heard.
    pub landmarks: Vec<Landmark>,
}

/// The state of one device.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Device {
    /// Its address.
    pub address: u32,
    /// The raw offset of the first record that it has not seen.
    pub next_offset: u64,
    /// By the partition's clock.
    pub last_seen_us: u64,
    /// When it looks for what has expired, by the partition's clock. Not kept in checkpoints.
    pub wake_us: u64,
    /// Changed since the last checkpoint. Not kept in checkpoints.
    pub is_changed: bool,
    /// Where its states are shown now.
    pub shown: Shown,
    /// The name that it sends, shown or not.
    pub name: Option<Box<str>>,
    /// Whether it may be shown.
    pub consent: Consent,
    /// Its trust.
    pub score: Score,
    /// Its latest frames.
    pub frames: LatestFrames,
    /// The receivers that heard it lately.
    pub heard_by: Vec<HeardBy>,
    /// Live as an aircraft.
    pub aircraft: Option<Box<Aircraft>>,
    /// Live as a ground object.
    pub ground: Option<Box<Ground>>,
    /// Live as a weather station.
    pub station: Option<Box<Station>>,
    /// Calling for help, or did so lately.
    pub alert: Option<Box<Alert>>,
    /// Recent alerts and commands, and other rare data.
    pub rare: Option<Box<Rare>>,
}

impl Device {
    /// A device of which nothing is known.
    pub fn new(address: u32) -> Self {
        Self { address, wake_us: u64::MAX, ..Self::default() }
    }

    /// Whether nothing is known of it except data that never expires.
    pub fn is_blank(&self) -> bool {
        !self.has_live() && !self.is_remembered()
    }

    /// Whether nothing of it may be public.
    pub fn is_hidden(&self, settings: &Settings) -> bool {
        self.consent.hides(settings.privacy)
    }

    /// Notes the receiver that heard it.
    pub fn note_receiver(&mut self, receiver: &ReceiverName, rssi_dbm: i16, snr_db: i16, clock_us: u64) {
        self.heard_by.retain(|heard| heard.heard_ago_ms(clock_us) < HEARD_BY_MS && heard.receiver != *receiver);
        if self.heard_by.len() == MAX_RECEIVERS {
            self.heard_by.pop();
        }
        let at = self.heard_by.partition_point(|heard| heard.rssi_dbm >= rssi_dbm);
        if self.heard_by.len() == self.heard_by.capacity() {
            self.heard_by.reserve_exact(if self.heard_by.is_empty() { 3 } else { 1 });
        }
        self.heard_by.insert(at, HeardBy::new(receiver, rssi_dbm, snr_db, clock_us));
    }

    /// The receivers as states contain them, strongest first.
    pub fn received_by(&self) -> Vec<ReceivedBy> {
        let received_by = |heard: &HeardBy| ReceivedBy {
            receiver_id: heard.receiver.to_string(),
            rssi_dbm: heard.rssi_dbm.into(),
            snr_db: heard.snr_db.into(),
        };
        self.heard_by.iter().map(received_by).collect()
    }

    /// The event time of the newest position that counts.
    pub fn newest_position_us(&self) -> u64 {
        let aircraft_us = self.aircraft.as_ref().map_or(0, |aircraft| aircraft.event_at_us);
        let ground_us = self.ground.as_ref().map_or(0, |ground| ground.state.event_at_us);
        aircraft_us.max(ground_us).max(self.score.newest_us())
    }

    /// Whether it can be at a position or near it, as far as it is known where it is.
    pub fn may_be_near(&self, position: &schemas::v1::Position) -> bool {
        let near = Position::new(position.latitude_deg, position.longitude_deg);
        let is_missing = flight::is_missing_fix(position.latitude_deg, position.longitude_deg, position.altitude_m);
        !is_missing && self.score.is_near(near).unwrap_or(true)
    }

    /// When its next object expires without further frames, by the partition's clock; `u64::MAX`: never.
    pub fn next_deadline_us(&self, lifetimes: &Lifetimes) -> u64 {
        let aircraft = self.aircraft.as_ref().map(|aircraft| aircraft.seen_us + lifetimes.aircraft_us);
        let ground = self.ground.as_ref().map(|ground| ground.seen_us + lifetimes.ground_us);
        let station = self.station.as_ref().map(|station| station.seen_us + lifetimes.station_us);
        let alert = self.alert.as_ref().map(|alert| match alert.is_standing() {
            true => self.last_seen_us + lifetimes.alert_us,
            false => alert.resolved_us + lifetimes.resolved_alert_us,
        });
        let landmark = self.landmarks().iter().map(Landmark::expires_us).min();
        let live = [aircraft, ground, station, alert, landmark].into_iter().flatten().min();
        live.unwrap_or_else(|| match self.is_remembered() {
            true => self.last_seen_us + lifetimes.device_us,
            false => u64::MAX,
        })
    }

    /// Removes the objects that have expired by the partition's clock.
    pub fn expire(&mut self, context: &ApplyContext<'_>, out: &mut Outputs) {
        let (lifetimes, clock_us) = (&context.settings.lifetimes, context.clock_us);
        let mut changed = Changed::default();
        self.aircraft.take_if(|aircraft| aircraft.seen_us + lifetimes.aircraft_us <= clock_us);
        self.ground.take_if(|ground| ground.seen_us + lifetimes.ground_us <= clock_us);
        self.station.take_if(|station| station.seen_us + lifetimes.station_us <= clock_us);
        self.alert.take_if(|alert| !alert.is_standing() && alert.resolved_us + lifetimes.resolved_alert_us <= clock_us);
        if let Some(alert) = &mut self.alert
            && alert.is_standing()
            && self.last_seen_us + lifetimes.alert_us <= clock_us
        {
            alert.resolve(clock_us, AlertResolution::Silence, clock_us);
            changed = Changed::all();
        }
        self.publish(changed, context, out);
        if !self.has_live() && self.last_seen_us + lifetimes.device_us <= clock_us {
            self.forget();
        }
    }

    /// Forgets everything that the device itself sent, except a refusal. Operators' restrictions stay.
    pub fn forget(&mut self) {
        self.consent.forget_expiring();
        *self = Self {
            next_offset: self.next_offset,
            last_seen_us: self.last_seen_us,
            wake_us: self.wake_us,
            is_changed: self.is_changed,
            consent: std::mem::take(&mut self.consent),
            ..Self::new(self.address)
        };
    }

    /// Ends all of its objects: the next publication withdraws those that are shown.
    pub(super) fn end_objects(&mut self) {
        (self.aircraft, self.ground, self.station, self.alert) = (None, None, None, None);
        self.rare.iter_mut().flat_map(|rare| &mut rare.landmarks).for_each(Landmark::end);
    }

    /// The rare data, created if absent.
    pub fn rare_mut(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    pub(super) fn has_live(&self) -> bool {
        let has_object = self.aircraft.is_some() || self.ground.is_some() || self.station.is_some();
        has_object || self.alert.is_some() || !self.landmarks().is_empty()
    }

    fn landmarks(&self) -> &[Landmark] {
        self.rare.as_ref().map_or(&[], |rare| &rare.landmarks)
    }

    pub(super) fn is_remembered(&self) -> bool {
        !self.frames.is_empty()
            || self.name.is_some()
            || !self.heard_by.is_empty()
            || self.rare.as_ref().is_some_and(|rare| **rare != Rare::default())
            || self.consent.has_expiring()
            || self.score != Score::default()
    }
}
