//! Inputs that do not come from the radio: positions sent by telephones, and reports of feeds.

use schemas::object::Kind;
use schemas::v1::observation::Body;
use schemas::v1::{
    AircraftPosition, AppPosition, GroundKind, GroundPosition, Observation, Position, SourceKind, SourceReport,
    WeatherReading,
};

use crate::core::device::Device;
use crate::core::outputs::Outputs;
use crate::core::partition_clock::Arrival;
use crate::core::receiver_clock::ReceiverClock;
use crate::core::settings::SECOND_US;
use crate::core::time::EventTime;
use crate::core::{Core, RawInput};
use crate::decode::Reject;
use crate::dedupe::FirstCopy;
use crate::name::clean_name;
use crate::record;

/// How often an observation of a telephone or feed carries the name, microseconds.
const NAME_INTERVAL_US: u64 = 300 * SECOND_US;

impl Core {
    pub(super) fn apply_app_position(
        &mut self,
        input: &RawInput<'_>,
        arrival: Arrival,
        report: &AppPosition,
        out: &mut Outputs,
    ) {
        let Some(position) = report.position else {
            out.reject = Some(Reject::new("no_position", "an app position without a position"));
            return;
        };
        let body = match report.ground_kind {
            Some(ground_kind) => Body::GroundPosition(GroundPosition {
                position: Some(position),
                online_tracking: report.public,
                ground_kind,
                ground_type: record::ground_type(ground_kind),
            }),
            None => Body::Position(AircraftPosition {
                position: Some(position),
                online_tracking: report.public,
                aircraft_kind: report.aircraft_kind.unwrap_or_default(),
                speed_kmh: report.speed_kmh.unwrap_or_default(),
                climb_mps: report.climb_mps.unwrap_or_default(),
                course_deg: report.course_deg,
                ..AircraftPosition::default()
            }),
        };
        let report = Report {
            device: report.device,
            reported_at_us: report.positioned_at_us,
            position,
            name: report.name.as_deref().map(clean_name),
            source: SourceKind::App,
        };
        self.apply_report(input, arrival, report, body, out);
    }

    pub(super) fn apply_source_report(
        &mut self,
        input: &RawInput<'_>,
        arrival: Arrival,
        report: &SourceReport,
        out: &mut Outputs,
    ) {
        let refuse = |reason, detail: &str| {
            Some(Reject::new(reason, format!("{} {}: {detail}", report.source, report.outside_id)))
        };
        let (Some(device), Some(position)) = (report.device, report.position) else {
            out.reject = refuse("incomplete_source_report", "no device address or no position");
            return;
        };
        // A feed publishes all its objects; the consent that the device itself sent over the radio overrides that.
        let own = self.consent_of(device).and_then(|consent| consent.online_tracking());
        let online_tracking = own.unwrap_or(true);
        let body = match Kind::from_wire(report.object_kind) {
            Some(Kind::Aircraft) => Body::Position(AircraftPosition {
                position: Some(position),
                online_tracking,
                aircraft_kind: report.aircraft_kind.unwrap_or_default(),
                speed_kmh: report.speed_kmh.unwrap_or_default(),
                climb_mps: report.climb_mps.unwrap_or_default(),
                course_deg: report.course_deg,
                ..AircraftPosition::default()
            }),
            Some(Kind::Ground) => Body::GroundPosition(GroundPosition {
                position: Some(position),
                online_tracking,
                ground_kind: GroundKind::Other.into(),
                ground_type: 0,
            }),
            Some(Kind::Station) => Body::Weather(WeatherReading {
                position: Some(position),
                temperature_c: report.temperature_c,
                wind_from_deg: report.wind_from_deg,
                wind_speed_kmh: report.wind_speed_kmh,
                wind_gust_kmh: report.wind_gust_kmh,
                humidity_pct: report.humidity_pct,
                pressure_hpa: report.pressure_hpa,
                ..WeatherReading::default()
            }),
            Some(Kind::Thermal | Kind::Receiver | Kind::Alert | Kind::Landmark) | None => {
                out.reject = refuse("unknown_source_object", report.object_kind().as_str_name());
                return;
            }
        };
        let report = Report {
            device,
            reported_at_us: report.reported_at_us,
            position,
            name: report.name.as_deref().map(clean_name),
            source: SourceKind::Feed,
        };
        self.apply_report(input, arrival, report, body, out);
    }

    fn apply_report(&mut self, input: &RawInput<'_>, arrival: Arrival, report: Report, body: Body, out: &mut Outputs) {
        let id = self.record_id(input);
        let observation = Observation {
            source: report.source.into(),
            body: Some(body),
            ..self.observation(input, report.device, input.record.ingested_at_us)
        };
        self.with_device(report.device, input.offset, |device, context| {
            // These records are not written by bridges: no tick shows whether their writer's clock is off.
            let (arrived_at_us, time) = match arrival {
                Arrival::Exact(arrived_at_us) => {
                    (arrived_at_us, device.report_time(arrived_at_us, report.reported_at_us))
                }
                Arrival::About(_) | Arrival::HeldBack(..) => (context.clock_us, EventTime::prompt(context.clock_us)),
            };
            let frame = FirstCopy::new(report.key(), arrived_at_us, time.at_us, id, false);
            if device.frames.first_copy_of(&frame).is_some() {
                return;
            }
            let sent_name = report.name.as_deref().and_then(|name| device.set_sent_name(name, time.at_us));
            let observation = Observation { event_at_us: time.at_us, sent_name, ..observation };
            let private = device.observe(observation, &time, context, out);
            device.frames.remember(frame.with_privacy(private));
        });
    }
}

impl Device {
    /// Takes the name that comes with a position; returns it where the observation has to carry it: when it has
    /// changed, and with the first position in every five minutes, as instruments repeat theirs. So a device that
    /// consents later has a name in the history, too.
    fn set_sent_name(&mut self, name: &str, event_at_us: u64) -> Option<String> {
        let is_new = self.set_name(name);
        let is_due = event_at_us / NAME_INTERVAL_US != self.newest_position_us() / NAME_INTERVAL_US;
        self.name.as_deref().filter(|_| is_new || is_due).map(str::to_owned)
    }

    /// The event time of a report by a sender whose clock counts as right until it is proven wrong.
    fn report_time(&mut self, arrived_at_us: u64, reported_at_us: u64) -> EventTime {
        let stamp_s = u32::try_from(reported_at_us / SECOND_US).unwrap_or(u32::MAX);
        let clock = self.rare_mut().sender_clock.get_or_insert_with(ReceiverClock::trusted);
        clock.observe(arrived_at_us, stamp_s).0
    }
}

/// The fields that both kinds of report share.
struct Report {
    device: u32,
    reported_at_us: u64,
    position: Position,
    name: Option<String>,
    source: SourceKind,
}

impl Report {
    /// A repeated report has the same time and position.
    fn key(&self) -> u64 {
        let mut bytes = [0; 24];
        bytes[..8].copy_from_slice(&self.reported_at_us.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.position.latitude_deg.to_bits().to_le_bytes());
        bytes[16..].copy_from_slice(&self.position.longitude_deg.to_bits().to_le_bytes());
        fanet::stable_hash(u64::from(self.device), &bytes)
    }
}
