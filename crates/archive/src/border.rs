//! Where an hour ends in a partition.

use crate::Hour;

/// The part of a partition that is one hour: from its first offset up to, not including, its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Border {
    end_ms: i64,
    start: Option<u64>,
    first: Option<u64>,
    next: Option<u64>,
    high: u64,
    records: u64,
    end: Option<u64>,
    just_closed: bool,
}

impl Border {
    /// `start`: where the hour before it ended, when that is known. `high`: the offset that the next record would have had
    /// before reading began.
    pub fn new(hour: Hour, start: Option<u64>, high: u64) -> Self {
        let end_ms = hour.end_ms();
        Self { end_ms, start, first: None, next: None, high, records: 0, end: None, just_closed: false }
    }

    /// Where reading begins, when that is known.
    pub fn first_offset(&self) -> Option<u64> {
        self.start
    }

    /// Whether a record belongs to it. The first one that does not ends it.
    pub fn takes(&mut self, offset: u64, timestamp_ms: i64) -> bool {
        if self.end.is_some() {
            return false;
        }
        if timestamp_ms >= self.end_ms {
            self.close(offset);
            return false;
        }
        self.first.get_or_insert(offset);
        self.next = Some(offset + 1);
        self.records += 1;
        true
    }

    /// No more records will come: ends it after the last read one.
    pub fn close_at_end(&mut self) {
        if self.end.is_none() {
            // Without a record, all records from before reading began have been read.
            self.close(self.next.or(self.start).unwrap_or(self.high));
        }
    }

    /// Whether the end is known.
    pub fn is_closed(&self) -> bool {
        self.end.is_some()
    }

    /// True once, after it was closed.
    pub fn closed_now(&mut self) -> bool {
        std::mem::take(&mut self.just_closed)
    }

    /// First offset, end, and number of records. The first offset of an hour without records is its end.
    pub fn extent(&self) -> (u64, u64, u64) {
        let end = self.end.unwrap_or(self.high);
        (self.start.or(self.first).unwrap_or(end), end, self.records)
    }

    fn close(&mut self, end: u64) {
        self.end = Some(end);
        self.just_closed = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn border(start: Option<u64>) -> Border {
        Border::new(Hour::of_ms(0), start, 100)
    }

    #[test]
    fn the_first_record_of_a_later_hour_ends_it() {
        let mut hour = border(Some(10));
        assert!(hour.takes(10, 5) && hour.takes(12, 3_599_999));
        assert!(!hour.takes(15, 3_600_000) && hour.is_closed() && hour.closed_now() && !hour.closed_now());
        assert!(!hour.takes(16, 7), "a late record belongs to where it stands");
        assert_eq!(hour.extent(), (10, 15, 2));
    }

    #[test]
    fn silence_ends_it_after_what_was_read() {
        let mut hour = border(None);
        assert!(hour.takes(40, 5));
        hour.close_at_end();
        assert_eq!(hour.extent(), (40, 41, 1));
        let mut empty = border(Some(10));
        empty.close_at_end();
        assert_eq!(empty.extent(), (10, 10, 0), "the next hour begins where this one did");
        let mut new = border(None);
        new.close_at_end();
        assert_eq!(new.extent(), (100, 100, 0));
    }
}
