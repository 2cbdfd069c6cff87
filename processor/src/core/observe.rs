//! What each observation changes of its device.

use geo::Position;
use schemas::v1::observation::Body;
use schemas::v1::{
    AircraftPosition, AlertResolution, ClimbReport, GroundKind, GroundPosition, Observation, ObservationFlag,
    ThermalReading, ThermalReport, WeatherReading, thermal_report,
};

use crate::core::aircraft::Aircraft;
use crate::core::alert::{self, Alert, Call};
use crate::core::device::{Device, Moment};
use crate::core::ground::Ground;
use crate::core::outputs::{Outputs, ScoreChange};
use crate::core::publish::Changed;
use crate::core::score::{Claim, Verdict, max_speed_kmh};
use crate::core::settings::Settings;
use crate::core::station::Station;
use crate::core::time::Lateness;

/// What does not fly is judged like the kinds without a limit of their own, km/h.
const OTHER_SPEED_KMH: f64 = 200.0;
/// Longer names are cut, characters.
const LONGEST_NAME: usize = 80;

impl Device {
    /// Takes an observation, completes it (flags, score, privacy) and gives out all that follows. Returns whether it
    /// is private.
    pub fn observe(
        &mut self,
        observation: Observation,
        lateness: Lateness,
        at: &Moment<'_>,
        out: &mut Outputs,
    ) -> bool {
        let mut observation = observation;
        let mut changed = Changed::default();
        self.last_seen_us = at.clock_us;
        if lateness != Lateness::Prompt {
            observation.flags.push(ObservationFlag::Delayed.into());
        }
        if lateness == Lateness::HistoryOnly {
            observation.flags.push(ObservationFlag::HistoryOnly.into());
        }
        let unicast = observation.destination_device.is_some();
        let mut report = None;
        if lateness != Lateness::HistoryOnly && !unicast {
            // The body is taken out while the rest of the observation is completed.
            let body = observation.body.take();
            report = self.learn(&mut observation, body.as_ref(), lateness, &mut changed, at);
            observation.body = body;
        }
        observation.private = unicast || self.is_hidden(at.settings) || refuses(&observation, at.settings);
        if !self.score.is_published() {
            observation.flags.push(ObservationFlag::Untrusted.into());
        }
        if observation.score.is_some() {
            out.scores.push(self.score_change(at.offset));
        }
        let private = observation.private;
        out.observations.push(observation);
        if let Some(report) = report.filter(|_| !private && self.score.is_published() && lateness == Lateness::Prompt) {
            // Where clocks of bridges differ, a prompt report can lie before what the thermals were told to be past.
            let event_at_us = report.event_at_us.max(at.clock_sent_us);
            let content = thermal_report::Content::Report(ClimbReport { event_at_us, ..report });
            out.thermal_reports.push((event_at_us, ThermalReport { content: Some(content) }));
        }
        self.publish(changed, at, out);
        private
    }

    /// The device's trust, for operators.
    pub fn score_change(&self, version: u64) -> ScoreChange {
        ScoreChange {
            device: self.address,
            version,
            score: self.score.value(),
            published: self.score.is_published(),
            plausible_frames: self.score.plausible_frames(),
            implausible_frames: self.score.implausible_frames(),
            last_reason: self.score.last_reason(),
        }
    }

    fn learn(
        &mut self,
        observation: &mut Observation,
        body: Option<&Body>,
        lateness: Lateness,
        changed: &mut Changed,
        at: &Moment<'_>,
    ) -> Option<ClimbReport> {
        let event_at_us = observation.event_at_us;
        match body? {
            Body::Position(told) => {
                self.become_mobile();
                self.consent.tell(told.online_tracking, event_at_us);
                self.learn_aircraft(observation, told, changed, at)
            }
            Body::GroundPosition(told) => {
                self.become_mobile();
                self.consent.tell(told.online_tracking, event_at_us);
                self.learn_ground(observation, told, changed, at);
                None
            }
            Body::Thermal(told) => {
                self.become_mobile();
                Some(instrument_report(observation, told))
            }
            Body::Weather(told) => {
                self.consent.is_station = true;
                self.learn_weather(observation, told, changed, at);
                None
            }
            Body::Name(told) => {
                let counts = lateness == Lateness::Prompt || self.name.is_none();
                if counts && self.hear_name(&told.name) {
                    *changed = Changed::all();
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

    fn learn_aircraft(
        &mut self,
        observation: &mut Observation,
        told: &AircraftPosition,
        changed: &mut Changed,
        at: &Moment<'_>,
    ) -> Option<ClimbReport> {
        let event_at_us = observation.event_at_us;
        let kind_kmh = max_speed_kmh(told.aircraft_kind());
        let verdict = self.judge(observation, told.position, kind_kmh)?;
        if matches!(verdict, Verdict::Implausible(_)) {
            return None;
        }
        self.ground = None;
        self.hear_normal(event_at_us, changed, at);
        let aircraft = self.aircraft.get_or_insert_with(|| Box::new(Aircraft::new(event_at_us)));
        aircraft.update(event_at_us, observation.source(), told, at.clock_us);
        changed.aircraft = true;
        aircraft.climb(self.address, observation.observation_id)
    }

    fn learn_ground(
        &mut self,
        observation: &mut Observation,
        told: &GroundPosition,
        changed: &mut Changed,
        at: &Moment<'_>,
    ) {
        let event_at_us = observation.event_at_us;
        let Some(verdict) = self.judge(observation, told.position, OTHER_SPEED_KMH) else { return };
        let implausible = matches!(verdict, Verdict::Implausible(_));
        if !implausible {
            self.aircraft = None;
            let address = self.address;
            let ground = self.ground.get_or_insert_with(|| Box::new(Ground::new(address, event_at_us)));
            ground.update(event_at_us, observation.source(), told, at.clock_us);
            changed.ground = true;
        }
        let ground_kind = told.ground_kind();
        match alert::kind_of(ground_kind) {
            Some(kind) => {
                let unverified = implausible || !self.score.is_published();
                let observation_id = observation.observation_id;
                let is_place =
                    |at: &schemas::v1::Position| Position::new(at.latitude_deg, at.longitude_deg).is_on_earth();
                let position = told.position.filter(is_place);
                let call = Call { observation_id, event_at_us, kind, position, unverified };
                self.call_for_help(&call, changed);
            }
            None if implausible => {}
            None if ground_kind == GroundKind::LandedWell => {
                self.resolve(event_at_us, AlertResolution::LandedWell, changed, at);
            }
            None => self.hear_normal(event_at_us, changed, at),
        }
    }

    fn learn_weather(
        &mut self,
        observation: &mut Observation,
        told: &WeatherReading,
        changed: &mut Changed,
        at: &Moment<'_>,
    ) {
        let event_at_us = observation.event_at_us;
        let is_older = self.station.as_ref().is_some_and(|station| event_at_us < station.state.event_at_us);
        if !self.consent.is_only_station() || is_older || told.position.is_none() && self.station.is_none() {
            return;
        }
        if told.position.is_some() {
            let Some(verdict) = self.judge(observation, told.position, OTHER_SPEED_KMH) else { return };
            if matches!(verdict, Verdict::Implausible(_)) {
                return;
            }
        }
        let address = self.address;
        let station = self.station.get_or_insert_with(|| Box::new(Station::new(address, event_at_us)));
        station.update(event_at_us, observation.source(), told, at.clock_us);
        changed.station = true;
    }

    /// Takes a name; true: it is another than before.
    pub fn hear_name(&mut self, name: &str) -> bool {
        let shown: String = name.trim().chars().filter(|letter| !letter.is_control()).take(LONGEST_NAME).collect();
        let name = (!shown.is_empty()).then(|| shown.into_boxed_str());
        let is_new = name != self.name;
        self.name = name;
        is_new
    }

    /// Judges a position. `None`: older than the newest, which is never judged against it nor replaced by it.
    fn judge(
        &mut self,
        observation: &mut Observation,
        position: Option<schemas::v1::Position>,
        max_speed_kmh: f64,
    ) -> Option<Verdict> {
        let position = position?;
        let event_at_us = observation.event_at_us;
        if event_at_us < self.newest_position_us() {
            return None;
        }
        let verdict = self.score.judge(&Claim {
            event_at_us,
            position: Position::new(position.latitude_deg, position.longitude_deg),
            altitude_m: position.altitude_m,
            max_speed_kmh,
        });
        if verdict != Verdict::Unjudged {
            observation.score = Some(self.score.value().into());
        }
        if matches!(verdict, Verdict::Implausible(_)) {
            observation.flags.push(ObservationFlag::Implausible.into());
        }
        Some(verdict)
    }

    fn call_for_help(&mut self, call: &Call, changed: &mut Changed) {
        match &mut self.alert {
            Some(alert) if alert.is_standing() => alert.refresh(call),
            _ => {
                self.rare_mut().raised.count(call.event_at_us);
                self.alert = Some(Box::new(Alert::open(self.address, call)));
            }
        }
        changed.call();
    }

    fn hear_normal(&mut self, event_at_us: u64, changed: &mut Changed, at: &Moment<'_>) {
        let Some(alert) = &mut self.alert else { return };
        if alert.is_standing() && alert.hear_normal(event_at_us) {
            self.resolve(event_at_us, AlertResolution::NormalFrames, changed, at);
        }
    }

    fn resolve(&mut self, event_at_us: u64, resolution: AlertResolution, changed: &mut Changed, at: &Moment<'_>) {
        let may_resolve = self.rare.as_ref().is_none_or(|rare| rare.raised.may_resolve(event_at_us));
        let Some(alert) = &mut self.alert else { return };
        if may_resolve && alert.is_standing() && event_at_us > alert.state.refreshed_at_us {
            alert.resolve(event_at_us, resolution, at.clock_us);
            *changed = Changed::all();
        }
    }
}

/// Whether the frame itself asks not to be shown, whatever a newer one says.
fn refuses(observation: &Observation, settings: &Settings) -> bool {
    let shown = match &observation.body {
        Some(Body::Position(told)) => told.online_tracking,
        Some(Body::GroundPosition(told)) => told.online_tracking,
        _ => true,
    };
    settings.privacy && !shown
}

fn instrument_report(observation: &Observation, told: &ThermalReading) -> ClimbReport {
    ClimbReport {
        report_id: observation.observation_id,
        event_at_us: observation.event_at_us,
        device: observation.device,
        position: told.position,
        climb_mps: told.climb_mps,
        max_climb_mps: None,
        radius_m: None,
        wind_from_deg: Some(told.wind_from_deg),
        wind_speed_kmh: Some(told.wind_speed_kmh),
        base_altitude_m: None,
        top_altitude_m: None,
        confidence_pct: told.confidence_pct,
        from_track: false,
    }
}
