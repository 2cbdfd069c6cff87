//! What comes from no radio: positions sent by telephones, and reports of feeds.

use schemas::v1::observation::Body;
use schemas::v1::{
    AircraftPosition, AppPosition, GroundKind, GroundPosition, ObjectKind, Observation, Position, SourceKind,
    SourceReport, WeatherReading,
};

use crate::core::outputs::Outputs;
use crate::core::time::EventTime;
use crate::core::{Core, RawInput};
use crate::decode::Reject;
use crate::dedupe::FirstCopy;
use crate::record;

impl Core {
    pub(super) fn apply_app_position(&mut self, input: &RawInput<'_>, told: &AppPosition, out: &mut Outputs) {
        let Some(position) = told.position else {
            out.reject = Some(Reject::new("no_position", "an app position without a position"));
            return;
        };
        let body = match told.ground_kind {
            Some(ground_kind) => Body::GroundPosition(GroundPosition {
                position: Some(position),
                online_tracking: told.public,
                ground_kind,
                ground_type: record::ground_type(ground_kind),
            }),
            None => Body::Position(AircraftPosition {
                position: Some(position),
                online_tracking: told.public,
                aircraft_kind: told.aircraft_kind.unwrap_or_default(),
                speed_kmh: told.speed_kmh.unwrap_or_default(),
                climb_mps: told.climb_mps.unwrap_or_default(),
                course_deg: told.course_deg,
                ..AircraftPosition::default()
            }),
        };
        let report = Report {
            device: told.device,
            reported_at_us: told.positioned_at_us,
            position,
            name: told.name.clone(),
            source: SourceKind::App,
        };
        self.apply_report(input, report, body, out);
    }

    pub(super) fn apply_source_report(&mut self, input: &RawInput<'_>, told: &SourceReport, out: &mut Outputs) {
        let refuse =
            |reason, detail: &str| Some(Reject::new(reason, format!("{} {}: {detail}", told.source, told.outside_id)));
        let (Some(device), Some(position)) = (told.device, told.position) else {
            out.reject = refuse("incomplete_source_report", "no device address or no position");
            return;
        };
        // A feed shows what it has; what the device itself said over the radio counts for more.
        let said = self.devices.get(&device).and_then(|device| device.consent.told());
        let online_tracking = said.unwrap_or(true);
        let body = match told.object_kind() {
            ObjectKind::Aircraft => Body::Position(AircraftPosition {
                position: Some(position),
                online_tracking,
                aircraft_kind: told.aircraft_kind.unwrap_or_default(),
                speed_kmh: told.speed_kmh.unwrap_or_default(),
                climb_mps: told.climb_mps.unwrap_or_default(),
                course_deg: told.course_deg,
                ..AircraftPosition::default()
            }),
            ObjectKind::Ground => Body::GroundPosition(GroundPosition {
                position: Some(position),
                online_tracking,
                ground_kind: GroundKind::Other.into(),
                ground_type: 0,
            }),
            ObjectKind::Station => Body::Weather(WeatherReading {
                position: Some(position),
                temperature_c: told.temperature_c,
                wind_from_deg: told.wind_from_deg,
                wind_speed_kmh: told.wind_speed_kmh,
                wind_gust_kmh: told.wind_gust_kmh,
                humidity_pct: told.humidity_pct,
                pressure_hpa: told.pressure_hpa,
                ..WeatherReading::default()
            }),
            kind => {
                out.reject = refuse("unknown_source_object", kind.as_str_name());
                return;
            }
        };
        let report = Report {
            device,
            reported_at_us: told.reported_at_us,
            position,
            name: told.name.clone(),
            source: SourceKind::Feed,
        };
        self.apply_report(input, report, body, out);
    }

    fn apply_report(&mut self, input: &RawInput<'_>, report: Report, body: Body, out: &mut Outputs) {
        let ingested_at_us = input.record.ingested_at_us;
        let delay_us = ingested_at_us.cast_signed().saturating_sub_unsigned(report.reported_at_us);
        let time = EventTime::delayed(ingested_at_us, delay_us);
        let id = self.record_id(input);
        let observation = Observation {
            source: report.source.into(),
            body: Some(body),
            ..self.observation(input, report.device, time.at_us)
        };
        let frame = FirstCopy::new(report.key(), ingested_at_us, time.at_us, id, false);
        self.with_device(report.device, input.offset, |device, at| {
            if device.frames.first_copy_of(&frame).is_some() {
                return;
            }
            if let Some(name) = &report.name {
                device.hear_name(name);
            }
            let private = device.observe(observation, time.lateness, at, out);
            device.frames.remember(frame.with_privacy(private));
        });
    }
}

/// What the two have in common.
struct Report {
    device: u32,
    reported_at_us: u64,
    position: Position,
    name: Option<String>,
    source: SourceKind,
}

impl Report {
    /// A sender that repeats itself says the same time and place again.
    fn key(&self) -> u64 {
        let mut bytes = [0; 24];
        bytes[..8].copy_from_slice(&self.reported_at_us.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.position.latitude_deg.to_bits().to_le_bytes());
        bytes[16..].copy_from_slice(&self.position.longitude_deg.to_bits().to_le_bytes());
        fanet::stable_hash(u64::from(self.device), &bytes)
    }
}
