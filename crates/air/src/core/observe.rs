//! Applies observations to their device.

use flight::limits::{GROUND_OBJECT_KMH, max_speed_kmh};
use geo::Position;
use schemas::id::RecordId;
use schemas::v1::observation::Body;
use schemas::v1::{
    AircraftPosition, AlertResolution, ClimbReport, GroundKind, GroundPosition, Observation, ObservationFlag,
    ThermalReading, ThermalReport, WeatherReading, thermal_report,
};

use crate::core::aircraft::Aircraft;
use crate::core::alert::{self, Alert, Call};
use crate::core::device::{ApplyContext, Device};
use crate::core::ground::Ground;
use crate::core::outputs::{Outputs, ScoreChange};
use crate::core::score::{Judgement, ReportedPosition, Verdict};
use crate::core::settings::Settings;
use crate::core::shown::Changed;
use crate::core::station::Station;
use crate::core::stays::ZoneFix;
use crate::core::time::{EventTime, Lateness};

impl Device {
    /// Takes an observation, completes it (flags, score, privacy) and emits all outputs. Returns whether it is private.
    pub fn observe(
        &mut self,
        observation: Observation,
        time: &EventTime,
        context: &ApplyContext<'_>,
        out: &mut Outputs,
    ) -> bool {
        let lateness = time.lateness;
        let mut observation = observation;
        let mut changed = Changed::default();
        self.last_seen_us = context.clock_us;
        if lateness != Lateness::Prompt {
            observation.flags.push(ObservationFlag::Delayed.into());
        }
        if lateness == Lateness::HistoryOnly {
            observation.flags.push(ObservationFlag::HistoryOnly.into());
        }
        let unicast = observation.destination_device.is_some();
        if !unicast {
            self.update_consent(&observation);
        }
        let mut climb_report = None;
        if lateness != Lateness::HistoryOnly && !unicast {
            // The body is taken out while the rest of the observation is completed.
            let body = observation.body.take();
            climb_report = self.apply_body(&mut observation, body.as_ref(), lateness, &mut changed, context);
            observation.body = body;
        }
        if !unicast {
            self.update_alert(&observation, time, &mut changed, context);
        }
        if let Some(Body::Landmark(landmark)) = &observation.body
            && !unicast
            && lateness == Lateness::Prompt
        {
            self.update_landmark(&observation, landmark, context);
        }
        self.publish_public_past(context, out);
        // A late observation from the time before the device was shown again stays hidden.
        let is_past = self.consent.public_past().shows(observation.event_at_us);
        let is_withheld = self.withhold_name(&mut observation);
        let is_refused = self.is_hidden(context.settings) || refuses(&observation, context.settings);
        observation.private = unicast || is_refused || is_withheld || !is_past;
        if !self.score.is_published() {
            observation.flags.push(ObservationFlag::Untrusted.into());
        }
        if observation.score.is_some() {
            out.scores.push(self.score_change(context.offset, context.settings));
        }
        let private = observation.private;
        let newest = ZoneFix::of(&observation).filter(|_| changed.aircraft && !private);
        out.observations.push(observation);
        if let Some(climb_report) =
            climb_report.filter(|_| !private && self.score.is_published() && lateness == Lateness::Prompt)
        {
            // Where clocks of bridges differ, a prompt report can be older than the last clock that thermals received.
            let event_at_us = climb_report.event_at_us.max(context.clock_sent_us);
            let content = thermal_report::Content::Report(ClimbReport { event_at_us, ..climb_report });
            out.thermal_reports.push((event_at_us, ThermalReport { content: Some(content) }));
        }
        self.publish(changed, context, out);
        if let Some(newest) = newest.filter(|_| self.may_have_stays(context.settings)) {
            self.update_stays(&newest, context, out);
        }
        private
    }

    /// Withholds a name that an operator hides. True: the observation has nothing but the hidden name or a text, so it is
    /// private.
    fn withhold_name(&self, observation: &mut Observation) -> bool {
        if !self.consent.hides_name() {
            return false;
        }
        observation.sent_name = None;
        matches!(observation.body, Some(Body::Name(_) | Body::Message(_) | Body::Landmark(_)))
    }

    /// The device's trust, for operators.
    pub fn score_change(&self, version: u64, settings: &Settings) -> ScoreChange {
        ScoreChange {
            device: self.address,
            version,
            score: self.score.value(),
            published: self.score.is_published(),
            plausible_frames: self.score.plausible_frames(),
            implausible_frames: self.score.implausible_frames(),
            last_reason: self.score.last_reason(),
            address_conflict: self.address_conflict(settings).map(Box::new),
        }
    }

    /// Consent has its own order of time: a frame that is too late for everything else still counts for consent, unless
    /// a newer frame has decided it.
    fn update_consent(&mut self, observation: &Observation) {
        let shown = match &observation.body {
            Some(Body::Position(report)) => report.online_tracking,
            Some(Body::GroundPosition(report)) => report.online_tracking,
            _ => return,
        };
        self.consent.set_online_tracking(shown, observation.event_at_us);
    }

    /// Updates the state that the body is about; a climb that it shows is returned for the thermals.
    fn apply_body(
        &mut self,
        observation: &mut Observation,
        body: Option<&Body>,
        lateness: Lateness,
        changed: &mut Changed,
        context: &ApplyContext<'_>,
    ) -> Option<ClimbReport> {
        match body? {
            Body::Position(report) => {
                self.become_mobile();
                self.update_aircraft(observation, report, changed, context)
            }
            Body::GroundPosition(report) => {
                self.become_mobile();
                self.update_ground(observation, report, changed, context);
                None
            }
            Body::Thermal(reading) => {
                self.become_mobile();
                let position = reading.position.map(|sent| Position::new(sent.latitude_deg, sent.longitude_deg));
                let is_near = position.and_then(|position| self.score.is_near(position)).unwrap_or_default();
                is_near.then(|| instrument_report(observation, reading))
            }
            Body::Weather(reading) => {
                self.consent.is_station = true;
                self.update_station(observation, reading, changed, context);
                None
            }
            Body::Name(sent) => {
                let counts = lateness == Lateness::Prompt || self.name.is_none();
                if counts && self.set_name(&sent.name) {
                    *changed = Changed::all();
                }
                None
            }
            Body::Message(sent) => {
                let is_plain = sent.subtype == 0;
                if is_plain && lateness == Lateness::Prompt && self.set_text(&sent.text, observation.event_at_us) {
                    (changed.aircraft, changed.ground) = (true, true);
                }
                None
            }
            _ => None,
        }
    }

    fn become_mobile(&mut self) {
        self.consent.is_mobile = true;
        self.station = None;
    }

    fn update_aircraft(
        &mut self,
        observation: &mut Observation,
        report: &AircraftPosition,
        changed: &mut Changed,
        context: &ApplyContext<'_>,
    ) -> Option<ClimbReport> {
        let event_at_us = observation.event_at_us;
        let limits = Limits::new(max_speed_kmh(report.aircraft_kind()), context.settings.lifetimes.aircraft_us);
        let judgement = self.judge(observation, report.position, &limits)?;
        if judgement.verdict != Verdict::Plausible {
            return None;
        }
        self.ground = None;
        self.note_normal_frame(event_at_us, changed, context);
        let first_us = judgement.confirmed.map_or(event_at_us, |first| first.event_at_us);
        let aircraft = self.aircraft.get_or_insert_with(|| Box::new(Aircraft::new(first_us)));
        aircraft.update(event_at_us, observation.source(), report, context.clock_us);
        changed.aircraft = true;
        aircraft.climb(self.address, observation.observation_id)
    }

    fn update_ground(
        &mut self,
        observation: &mut Observation,
        report: &GroundPosition,
        changed: &mut Changed,
        context: &ApplyContext<'_>,
    ) {
        let event_at_us = observation.event_at_us;
        let limits = Limits::new(GROUND_OBJECT_KMH, context.settings.lifetimes.ground_us);
        let Some(judgement) = self.judge(observation, report.position, &limits) else { return };
        let implausible = judgement.verdict != Verdict::Plausible;
        let call_kind = alert::kind_of(report.ground_kind());
        // A call for help is shown at the position that it claims while no better one is known.
        let is_unknown = self.aircraft.is_none() && self.ground.is_none();
        let is_first_call = judgement.verdict == Verdict::Unconfirmed && call_kind.is_some() && is_unknown;
        if !implausible || is_first_call {
            self.aircraft = None;
            let address = self.address;
            let first_us = judgement.confirmed.map_or(event_at_us, |first| first.event_at_us);
            let ground = self.ground.get_or_insert_with(|| Box::new(Ground::new(address, first_us)));
            ground.update(event_at_us, observation.source(), report, context.clock_us);
            changed.ground = true;
        }
        let ground_kind = report.ground_kind();
        match call_kind {
            // See `update_alert`, which does not depend on the judgement.
            Some(_) => {}
            None if implausible => {}
            None if ground_kind == GroundKind::LandedWell => {
                self.resolve(event_at_us, AlertResolution::LandedWell, changed, context);
            }
            None => self.note_normal_frame(event_at_us, changed, context),
        }
    }

    fn update_station(
        &mut self,
        observation: &mut Observation,
        reading: &WeatherReading,
        changed: &mut Changed,
        context: &ApplyContext<'_>,
    ) {
        let event_at_us = observation.event_at_us;
        let is_older = self.station.as_ref().is_some_and(|station| event_at_us < station.state.event_at_us);
        if !self.consent.is_only_station() || is_older || reading.position.is_none() && self.station.is_none() {
            return;
        }
        let mut first_us = event_at_us;
        if reading.position.is_some() {
            let limits = Limits::new(GROUND_OBJECT_KMH, context.settings.lifetimes.station_us);
            let Some(judgement) = self.judge(observation, reading.position, &limits) else { return };
            if judgement.verdict != Verdict::Plausible {
                return;
            }
            first_us = judgement.confirmed.map_or(event_at_us, |first| first.event_at_us);
        }
        let address = self.address;
        let station = self.station.get_or_insert_with(|| Box::new(Station::new(address, first_us)));
        station.update(event_at_us, observation.source(), reading, context.clock_us);
        changed.station = true;
    }

    /// Takes a name that was cleaned; true: it is another than before.
    pub fn set_name(&mut self, name: &str) -> bool {
        let name = (!name.is_empty()).then(|| name.into());
        let is_new = name != self.name;
        self.name = name;
        is_new
    }

    /// Judges a position and writes the verdict into its observation. `None`: the position is older than the newest one;
    /// it is not judged.
    fn judge(
        &mut self,
        observation: &mut Observation,
        position: Option<schemas::v1::Position>,
        limits: &Limits,
    ) -> Option<Judgement> {
        let sent = position?;
        let event_at_us = observation.event_at_us;
        if event_at_us < self.newest_position_us() {
            return None;
        }
        let position = Position::new(sent.latitude_deg, sent.longitude_deg);
        let judgement = self.score.judge(&ReportedPosition {
            observation_id: observation.observation_id,
            event_at_us,
            position,
            altitude_m: sent.altitude_m,
            max_speed_kmh: limits.max_speed_kmh,
            lifetime_us: limits.lifetime_us,
        });
        observation.score = Some(self.score.value().into());
        observation.confirms.extend(judgement.confirmed.map(|earlier| earlier.observation_id));
        let receiver = observation.receiver_id.as_deref();
        let flag = match judgement.verdict {
            Verdict::Plausible => {
                self.note_followed(event_at_us, receiver);
                return Some(judgement);
            }
            Verdict::Conflict => {
                self.count_conflict(event_at_us, position, receiver);
                ObservationFlag::AddressConflict
            }
            Verdict::Implausible(_) => ObservationFlag::Implausible,
            Verdict::Unconfirmed => ObservationFlag::Unconfirmed,
        };
        observation.flags.push(flag.into());
        Some(judgement)
    }

    /// Raises an alert where the frame calls for help, independent of its lateness and of the device's state. A call
    /// that is proven to be older than the end of the last alert belongs to that one; in doubt there is a new one.
    fn update_alert(
        &mut self,
        observation: &Observation,
        time: &EventTime,
        changed: &mut Changed,
        context: &ApplyContext<'_>,
    ) {
        let Some(Body::GroundPosition(report)) = &observation.body else { return };
        let Some(kind) = alert::kind_of(report.ground_kind()) else { return };
        let observation_id = observation.observation_id;
        let called_id = self.rare.as_ref().map_or(0, |rare| rare.called_id);
        let event_at_us = time.call_at_us();
        let ended = self.alert.as_ref().filter(|alert| !alert.is_standing());
        let is_over = ended.and_then(|alert| alert.state.resolved_at_us).is_some_and(|end_us| event_at_us <= end_us);
        // A record that is replayed has the id that it had at first.
        let is_replayed = RecordId(observation_id).offset() != context.offset;
        if is_replayed && observation_id <= called_id || time.is_proven && is_over {
            return;
        }
        self.rare_mut().called_id = called_id.max(observation_id);
        let is_valid = |sent: &schemas::v1::Position| {
            let schemas::v1::Position { latitude_deg, longitude_deg, altitude_m } = *sent;
            Position::new(latitude_deg, longitude_deg).is_on_earth()
                && !flight::is_missing_fix(latitude_deg, longitude_deg, altitude_m)
        };
        let doubts = [ObservationFlag::Implausible, ObservationFlag::Unconfirmed, ObservationFlag::AddressConflict];
        let is_doubted = doubts.iter().any(|flag| observation.flags.contains(&i32::from(*flag)));
        let unverified = !self.score.is_published() || is_doubted;
        let position = report.position.filter(is_valid);
        let call = Call { observation_id, event_at_us, kind, position, unverified };
        match &mut self.alert {
            Some(alert) if alert.is_standing() => alert.refresh(&call),
            _ => {
                self.rare_mut().raised.count(call.event_at_us);
                let position = call.position.or_else(|| self.last_public_position(context.settings));
                self.alert = Some(Box::new(Alert::open(self.address, &Call { position, ..call })));
            }
        }
        changed.call();
    }

    /// Where it was last, for a call without a fix. Of a hidden device a forged call would make that public.
    fn last_public_position(&self, settings: &Settings) -> Option<schemas::v1::Position> {
        let Position { latitude_deg, longitude_deg } = self.score.position().filter(|_| !self.is_hidden(settings))?;
        Some(schemas::v1::Position { latitude_deg, longitude_deg, altitude_m: None })
    }

    fn note_normal_frame(&mut self, event_at_us: u64, changed: &mut Changed, context: &ApplyContext<'_>) {
        let Some(alert) = &mut self.alert else { return };
        if alert.is_standing() && alert.note_normal_frame(event_at_us) {
            self.resolve(event_at_us, AlertResolution::NormalFrames, changed, context);
        }
    }

    fn resolve(
        &mut self,
        event_at_us: u64,
        resolution: AlertResolution,
        changed: &mut Changed,
        context: &ApplyContext<'_>,
    ) {
        let may_resolve = self.rare.as_ref().is_none_or(|rare| rare.raised.may_resolve(event_at_us));
        let Some(alert) = &mut self.alert else { return };
        if may_resolve && alert.is_standing() && event_at_us > alert.state.refreshed_at_us {
            alert.resolve(event_at_us, resolution, context.clock_us);
            *changed = Changed::all();
        }
    }
}

/// The physical limits of a kind of object.
struct Limits {
    max_speed_kmh: f64,
    /// After a longer silence its next position is a first one.
    lifetime_us: u64,
}

impl Limits {
    fn new(max_speed_kmh: f64, lifetime_us: u64) -> Self {
        Self { max_speed_kmh, lifetime_us }
    }
}

/// Whether the frame itself asks not to be shown, independent of newer frames.
fn refuses(observation: &Observation, settings: &Settings) -> bool {
    let shown = match &observation.body {
        Some(Body::Position(report)) => report.online_tracking,
        Some(Body::GroundPosition(report)) => report.online_tracking,
        _ => true,
    };
    settings.privacy && !shown
}

fn instrument_report(observation: &Observation, reading: &ThermalReading) -> ClimbReport {
    ClimbReport {
        report_id: observation.observation_id,
        event_at_us: observation.event_at_us,
        device: observation.device,
        position: reading.position,
        climb_mps: reading.climb_mps,
        max_climb_mps: None,
        radius_m: None,
        wind_from_deg: Some(reading.wind_from_deg),
        wind_speed_kmh: Some(reading.wind_speed_kmh),
        base_altitude_m: None,
        top_altitude_m: None,
        confidence_pct: reading.confidence_pct,
        from_track: false,
    }
}
