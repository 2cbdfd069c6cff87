//! The results as a table.

use std::time::Duration;

use crate::raw_topic::RawFrames;
use crate::rig::{LastStates, Rig};
use crate::traffic::Sent;

/// Rows in the order of the faults.
#[derive(Debug, Default)]
pub(crate) struct Table(Vec<(&'static str, Duration)>);

impl Table {
    /// `recovery`: the time until every partition had observations of frames sent after the begin of the fault.
    pub(crate) fn row(&mut self, fault: &'static str, recovery: Duration) {
        self.0.push((fault, recovery));
    }

    #[allow(clippy::print_stdout, reason = "prints the table")]
    pub(crate) fn print(&self, rig: &Rig, raw: &RawFrames, sent: &Sent, last_states: &LastStates, in_redis: usize) {
        println!("| fault | all partitions flow again after |\n| --- | --- |");
        for (fault, recovery) in &self.0 {
            println!("| {fault} | {:.1} s |", recovery.as_secs_f64());
        }
        let (observations, repeated) = rig.watch.counts();
        println!(
            "\n{} frames in {} copies ({} of them acknowledged), {observations} observations, {repeated} repetitions, \
             all with the same bytes; {} live states and {} ended ones, the newest last; {in_redis} aircraft in Redis.",
            raw.first_copies.len(),
            raw.copies,
            sent.copies,
            last_states.live,
            last_states.ended,
        );
    }
}
