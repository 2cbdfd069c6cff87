//! The processor's cores in a row: frames into reports, reports into thermals.

use std::collections::BTreeMap;

use air::core::{Core, Outputs, RawInput, Settings};
use air::group::GroupCore as _;
use air::thermals::Aggregator;
use schemas::v1::raw_record::Input;
use schemas::v1::{ClimbReport, RawRecord, ThermalReport, ThermalState, Tick, WindState, thermal_report};

/// Interval of ticks, as bridges send them.
const TICK_US: u64 = 5_000_000;
const MINUTE_US: u64 = 60_000_000;

/// A raw partition and the thermals behind it.
#[derive(Debug)]
pub struct Chain {
    core: Core,
    aggregator: Aggregator,
    raw_offset: u64,
    report_offset: u64,
    tick_us: u64,
    outcome: Outcome,
}

/// The outputs.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Climbs found in tracks, in the order of output.
    pub reports: Vec<ClimbReport>,
    /// The last state of each thermal.
    pub thermals: BTreeMap<u64, ThermalState>,
    /// The last state of each wind estimate, by cell and lowest altitude.
    pub winds: BTreeMap<(String, i32), WindState>,
}

impl Default for Chain {
    fn default() -> Self {
        Self {
            core: Core::new(0, Settings::default()),
            aggregator: Aggregator::new(1),
            raw_offset: 0,
            report_offset: 0,
            tick_us: 0,
            outcome: Outcome::default(),
        }
    }
}

impl Chain {
    /// Takes a message of a receiver.
    pub fn hear(&mut self, at_us: u64, receiver: &str, payload: Vec<u8>) {
        if at_us >= self.tick_us + TICK_US {
            self.tick(at_us);
        }
        self.apply(at_us, Some(receiver.to_owned()), Input::MqttFrame(payload.into()));
    }

    /// Advances the time by a minute, so that all outputs are emitted, and returns them.
    pub fn end(mut self, at_us: u64) -> Outcome {
        self.tick(at_us + MINUTE_US);
        self.outcome
    }

    fn tick(&mut self, at_us: u64) {
        self.tick_us = at_us;
        self.apply(at_us, None, Input::Tick(Tick { bridge_id: "evaluation".to_owned(), interval_s: 5 }));
    }

    fn apply(&mut self, at_us: u64, receiver_id: Option<String>, input: Input) {
        let record = RawRecord { ingested_at_us: at_us, receiver_id, origin_id: None, input: Some(input) };
        let mut out = Outputs::default();
        self.core.apply(&RawInput { offset: self.raw_offset, record: &record }, &mut out);
        self.raw_offset += 1;
        for (_, report) in &out.thermal_reports {
            self.report(report);
        }
    }

    fn report(&mut self, report: &ThermalReport) {
        if let Some(thermal_report::Content::Report(climb)) = &report.content
            && climb.from_track
        {
            self.outcome.reports.push(*climb);
        }
        let mut changes = air::thermals::Changes::default();
        self.aggregator.apply(self.report_offset, report, &mut changes);
        self.report_offset += 1;
        for change in changes.thermals {
            if let Some(state) = change.state {
                self.outcome.thermals.insert(change.thermal_id, state);
            }
        }
        for change in changes.winds {
            if let Some(state) = change.state {
                self.outcome.winds.insert((state.cell.clone(), state.base_altitude_m), state);
            }
        }
    }
}
