//! The offset that may be committed: all work below it is done.

use std::collections::VecDeque;

/// The offsets of one partition that are in progress, and the offset below which all are done. Pure.
///
/// ```
/// let mut offsets = streams::Contiguous::new();
/// offsets.begin(10);
/// offsets.begin(11);
/// offsets.done(11);
/// assert_eq!(offsets.committable(), None);
/// offsets.done(10);
/// assert_eq!(offsets.committable(), Some(12));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Contiguous {
    /// In the order of [`Contiguous::begin`]; the front is never done.
    open: VecDeque<(u64, bool)>,
    next: Option<u64>,
}

impl Contiguous {
    /// No offset begun.
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins the work on an offset. Offsets begin in order; gaps are fine (compaction leaves them).
    ///
    /// # Panics
    /// When the offset is not above the last one: after a seek back, start with a new value.
    pub fn begin(&mut self, offset: u64) {
        let last = self.open.back().map(|(last, _)| last + 1).or(self.next);
        assert!(last.is_none_or(|lowest| offset >= lowest), "offset {offset} begins after {last:?}");
        self.open.push_back((offset, false));
    }

    /// Ends the work on an offset, in any order. An offset that was not begun, or is done already, is ignored.
    pub fn done(&mut self, offset: u64) {
        let Ok(index) = self.open.binary_search_by_key(&offset, |(begun, _)| *begun) else { return };
        self.open[index].1 = true;
        while let Some((offset, _)) = self.open.pop_front_if(|(_, done)| *done) {
            self.next = Some(offset + 1);
        }
    }

    /// The next offset to read after a restart: everything below is done. `None`: nothing is done yet.
    pub fn committable(&self) -> Option<u64> {
        self.next
    }

    /// How many offsets have begun and are not below [`Contiguous::committable`] yet.
    pub fn in_work(&self) -> usize {
        self.open.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn gaps_between_offsets_are_skipped() {
        let mut offsets = Contiguous::new();
        for offset in [5, 9, 40] {
            offsets.begin(offset);
        }
        offsets.done(9);
        assert_eq!(offsets.committable(), None);
        offsets.done(5);
        assert_eq!(offsets.committable(), Some(10));
        offsets.done(40);
        assert_eq!(offsets.committable(), Some(41));
        assert_eq!(offsets.in_work(), 0);
    }

    #[test]
    fn an_offset_that_was_not_begun_is_ignored() {
        let mut offsets = Contiguous::new();
        offsets.begin(1);
        offsets.done(2);
        offsets.done(1);
        offsets.done(1);
        assert_eq!(offsets.committable(), Some(2));
    }

    proptest! {
        #[test]
        fn committable_is_one_past_the_longest_done_prefix(order in Just((0..50u64).collect::<Vec<_>>()).prop_shuffle(), upto in 0..50usize) {
            let mut offsets = Contiguous::new();
            (0..50).for_each(|offset| offsets.begin(offset * 3));
            for index in &order[..upto] {
                offsets.done(index * 3);
            }
            let prefix = (0..50u64).take_while(|index| order[..upto].contains(index)).last();
            prop_assert_eq!(offsets.committable(), prefix.map(|index| index * 3 + 1));
        }
    }
}
