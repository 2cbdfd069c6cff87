//! Reports that wait for the clocks, and how checkpoints keep them: in chunks of those that came one after the other.
//!
//! A chunk is written when it has gained a report and dropped when all of its reports are applied. That some are applied
//! needs no writing: what was applied lies before the time up to which all is, so a chunk that is read back leaves it out.

use std::collections::{BTreeMap, BTreeSet};

use schemas::keys;
use schemas::v1::{ClimbReport, HeldReports};

/// Reports per chunk: some hundred kilobytes, a tenth of what a record may hold.
const CHUNK: usize = 1_000;

/// Event time and id: the order in which reports are applied.
type Key = (u64, u64);

/// The reports that wait.
#[derive(Debug, Default)]
pub(super) struct Held {
    reports: BTreeMap<Key, (ClimbReport, u64)>,
    chunks: BTreeMap<u64, Chunk>,
}

#[derive(Debug, Default)]
struct Chunk {
    keys: BTreeSet<Key>,
    has_gained: bool,
    is_written: bool,
}

impl Held {
    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.reports.len()
    }

    /// The oldest event time.
    pub(super) fn oldest_us(&self) -> Option<u64> {
        self.reports.keys().next().map(|(event_at_us, _)| *event_at_us)
    }

    /// Adds a report, unless it waits already.
    pub(super) fn insert(&mut self, report: ClimbReport) {
        let key = (report.event_at_us, report.report_id);
        if self.reports.contains_key(&key) {
            return;
        }
        let newest = self.chunks.last_key_value().map(|(number, chunk)| (*number, chunk.keys.len()));
        let number = match newest {
            Some((number, length)) if length < CHUNK => number,
            Some((number, _)) => number + 1,
            None => 0,
        };
        let chunk = self.chunks.entry(number).or_default();
        chunk.keys.insert(key);
        chunk.has_gained = true;
        self.reports.insert(key, (report, number));
    }

    /// Takes the first report from before a time.
    pub(super) fn take_before(&mut self, at_us: u64) -> Option<ClimbReport> {
        let first = self.reports.first_entry().filter(|first| first.key().0 < at_us)?;
        let (key, (report, number)) = first.remove_entry();
        if let Some(chunk) = self.chunks.get_mut(&number) {
            chunk.keys.remove(&key);
        }
        Some(report)
    }

    /// Drops reports from after a time.
    pub(super) fn drop_after(&mut self, at_us: u64) {
        while let Some(last) = self.reports.last_entry().filter(|last| last.key().0 > at_us) {
            let (key, (_, number)) = last.remove_entry();
            if let Some(chunk) = self.chunks.get_mut(&number) {
                chunk.keys.remove(&key);
                // Unlike applied ones, dropped reports cannot be recognised by their time when the chunk is restored.
                chunk.has_gained = true;
            }
        }
    }

    /// The changes since the last call: chunks by key; `None`: to be dropped.
    pub(super) fn changed_checkpoints(&mut self) -> Vec<(String, Option<HeldReports>)> {
        let mut records = Vec::new();
        let Self { reports, chunks } = self;
        chunks.retain(|&number, chunk| {
            let key = format!("{}/held/{number}", keys::PARTITION);
            if chunk.keys.is_empty() {
                if chunk.is_written {
                    records.push((key, None));
                }
                return false;
            }
            if std::mem::take(&mut chunk.has_gained) {
                chunk.is_written = true;
                let held = chunk.keys.iter().filter_map(|key| reports.get(key)).map(|(report, _)| *report);
                records.push((key, Some(HeldReports { number, reports: held.collect() })));
            }
            true
        });
        records
    }

    /// The next call of [`Held::changed_checkpoints`] returns all chunks.
    pub(super) fn change_all(&mut self) {
        self.chunks.values_mut().for_each(|chunk| chunk.has_gained = true);
    }

    /// Takes a chunk back; what lies before `applied_until_us` was applied.
    pub(super) fn restore(&mut self, checkpoint: HeldReports, applied_until_us: u64) {
        let chunk = self.chunks.entry(checkpoint.number).or_default();
        chunk.is_written = true;
        for report in checkpoint.reports.into_iter().filter(|report| report.event_at_us >= applied_until_us) {
            let key = (report.event_at_us, report.report_id);
            chunk.keys.insert(key);
            self.reports.insert(key, (report, checkpoint.number));
        }
    }

    /// Forgets what lies before a time: chunks were taken back before it was known.
    pub(super) fn forget_before(&mut self, applied_until_us: u64) {
        while self.take_before(applied_until_us).is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(report_id: u64, event_at_us: u64) -> ClimbReport {
        ClimbReport { report_id, event_at_us, ..ClimbReport::default() }
    }

    fn keys(records: &[(String, Option<HeldReports>)]) -> Vec<(&str, Option<usize>)> {
        records.iter().map(|(key, chunk)| (key.as_str(), chunk.as_ref().map(|chunk| chunk.reports.len()))).collect()
    }

    #[test]
    fn chunks_are_written_on_gain_and_dropped_when_empty() {
        let mut held = Held::default();
        (0..2_500).for_each(|id| held.insert(report(id, id)));
        let written = [("#/held/0", Some(1_000)), ("#/held/1", Some(1_000)), ("#/held/2", Some(500))];
        assert_eq!(keys(&held.changed_checkpoints()), written);
        assert!(held.changed_checkpoints().is_empty());
        held.insert(report(9_999, 9_999));
        held.insert(report(9_999, 9_999));
        assert_eq!((keys(&held.changed_checkpoints()), held.len()), (vec![("#/held/2", Some(501))], 2_501));
        for _ in 0..1_500 {
            held.take_before(2_000);
        }
        assert_eq!(keys(&held.changed_checkpoints()), [("#/held/0", None)]);
        assert_eq!((held.len(), held.oldest_us()), (1_001, Some(1_500)));
    }

    #[test]
    fn a_restored_chunk_is_dropped_once_it_is_applied() {
        let mut held = Held::default();
        held.restore(HeldReports { number: 7, reports: vec![report(1, 10), report(2, 20)] }, 0);
        held.forget_before(30);
        assert_eq!((held.len(), keys(&held.changed_checkpoints())), (0, vec![("#/held/7", None)]));
        held.insert(report(3, 30));
        assert_eq!(keys(&held.changed_checkpoints()), [("#/held/0", Some(1))]);
    }
}
