//! The context of one step of a run, for senders.

use super::frames;
use super::plane::Position3d;
use super::report::Report;
use super::schedule::SECOND_US;
use super::transmission::Transmission;

/// The values that a device needs to send during one step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StepContext {
    /// Of the run, microseconds since the Unix epoch.
    pub(crate) start_us: u64,
    /// End of the step, since the start of the run.
    pub(crate) end_us: u64,
    pub(crate) neighbours: usize,
}

impl StepContext {
    /// Seconds from the end of the step to a time within it: zero or negative.
    pub(crate) fn seconds_from_end(&self, at_us: u64) -> f64 {
        (at_us as f64 - self.end_us as f64) / SECOND_US as f64
    }

    /// The report of type 10.
    pub(crate) fn hardware(&self, at_us: u64, device_type: u8) -> Report<'static> {
        Report::Hardware { device_type, uptime_min: (at_us / (60 * SECOND_US) % 65_536) as u16 }
    }

    pub(crate) fn transmission(
        &self,
        at_us: u64,
        device: u32,
        report: &Report<'_>,
        position: Position3d,
        is_airborne: bool,
        cell: usize,
    ) -> Transmission {
        let frame = frames::encode(device, report);
        Transmission { sent_at_us: self.start_us + at_us, device, frame, position, is_airborne, cell }
    }
}
