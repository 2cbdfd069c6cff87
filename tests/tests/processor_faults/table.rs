//! What was survived, as one table.

use std::time::Duration;

use crate::rig::{Rig, Tops};
use crate::traffic::Sent;

/// Rows in the order of the faults.
#[derive(Debug, Default)]
pub(crate) struct Table(Vec<(&'static str, Duration)>);

impl Table {
    /// `flowing`: until every partition had observations of frames sent after the fault had begun.
    pub(crate) fn row(&mut self, fault: &'static str, flowing: Duration) {
        self.0.push((fault, flowing));
    }

    #[allow(clippy::print_stdout, reason = "the table is what a person wants to see")]
    pub(crate) fn print(&self, rig: &Rig, sent: &Sent, tops: &Tops, in_redis: usize) {
        println!("| fault | all partitions flow again after |\n| --- | --- |");
        for (fault, flowing) in &self.0 {
            println!("| {fault} | {:.1} s |", flowing.as_secs_f64());
        }
        let (observations, again) = rig.watch.counts();
        println!(
            "\n{} frames in {} copies, {observations} observations, {again} of them given out more than once, each time \
             with the same bytes; {} live states and {} ended ones, the newest on top; {in_redis} aircraft in Redis.",
            sent.first_copies.len(),
            sent.frames,
            tops.live,
            tops.ended,
        );
    }
}
