//! The records of all runs in one order.

use std::borrow::BorrowMut;
use std::collections::BTreeMap;
use std::io::{Read, Seek};
use std::marker::PhantomData;

use crate::{Capture, Filter, Record, Result};

impl<R: Read + Seek> Capture<R> {
    /// The wanted records in the order in which they are played. A damaged block is one error, and reading continues
    /// behind it.
    pub fn records(&mut self, filter: Filter) -> Records<&mut Self, R> {
        Records::new(self, filter)
    }

    /// As [`Capture::records`], of a capture that is not needed any more.
    pub fn into_records(self, filter: Filter) -> Records<Self, R> {
        Records::new(self, filter)
    }
}

/// The wanted records of a capture in the order in which they are played: within a run in their order, runs merged by
/// their clocks (the highest record time so far), the lower run first where they are equal.
///
/// `C` is a capture or a mutable reference to one.
pub struct Records<C, R> {
    capture: C,
    filter: Filter,
    runs: Vec<Run>,
    reader: PhantomData<R>,
}

/// The remaining part of a run.
struct Run {
    number: u32,
    clock_ms: i64,
    /// Blocks, the next one last.
    blocks: Vec<usize>,
    /// Records of the present block, the next one last.
    records: Vec<Record>,
    /// Why the next block could not be read; returned once.
    failed: Option<crate::Error>,
}

impl<C: BorrowMut<Capture<R>>, R: Read + Seek> Records<C, R> {
    pub(crate) fn new(capture: C, filter: Filter) -> Self {
        let mut runs: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (at, entry) in capture.borrow().index().blocks.iter().enumerate() {
            if filter.may_match(&entry.summary) {
                runs.entry(entry.summary.run).or_default().push(at);
            }
        }
        let run = |(number, mut blocks): (u32, Vec<usize>)| {
            blocks.reverse();
            Run { number, clock_ms: i64::MIN, blocks, records: Vec::new(), failed: None }
        };
        let runs = runs.into_iter().map(run).collect();
        let mut records = Self { capture, filter, runs, reader: PhantomData };
        for at in 0..records.runs.len() {
            records.advance(at);
        }
        records
    }

    /// Loads the next record of a run, or its error.
    fn advance(&mut self, at: usize) {
        let run = &mut self.runs[at];
        while run.records.is_empty() && run.failed.is_none() {
            let Some(block) = run.blocks.pop() else { return };
            match self.capture.borrow_mut().block(block) {
                Ok(mut records) => {
                    records.retain(|record| self.filter.matches(record));
                    records.reverse();
                    run.records = records;
                }
                Err(error) => run.failed = Some(error),
            }
        }
        if let Some(next) = run.records.last() {
            run.clock_ms = run.clock_ms.max(next.timestamp_ms);
        }
    }
}

impl<C: BorrowMut<Capture<R>>, R: Read + Seek> Iterator for Records<C, R> {
    type Item = Result<Record>;

    fn next(&mut self) -> Option<Self::Item> {
        let waiting = self.runs.iter().enumerate().filter(|(_, run)| run.failed.is_some() || !run.records.is_empty());
        let next = waiting.min_by_key(|(_, run)| (run.failed.is_none(), run.clock_ms, run.number));
        let at = next?.0;
        let run = &mut self.runs[at];
        let item = match run.failed.take() {
            Some(error) => Err(error),
            None => Ok(run.records.pop()?),
        };
        self.advance(at);
        Some(item)
    }
}
