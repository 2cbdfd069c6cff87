//! Chooses the entries to evict from a full table: by the records only, so that the choice is the same on every
//! machine.
//!
//! Eviction works in batches, down to fifteen sixteenths of the bound: a flood costs one scan per batch and not one per
//! record, and no ordered index is needed.

/// How many of `count` entries are evicted where at most `most` are kept. 0: they fit.
pub fn surplus(count: usize, most: usize) -> usize {
    if count <= most { 0 } else { count - (most - most / 16) }
}

/// The `count` lowest of all, ascending. The order must be total: then the outcome does not depend on that of `all`.
pub fn lowest<T: Ord>(all: impl Iterator<Item = T>, count: usize) -> Vec<T> {
    let mut all: Vec<T> = all.collect();
    if count < all.len() {
        all.select_nth_unstable(count);
        all.truncate(count);
    }
    all.sort_unstable();
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_fits_is_kept() {
        assert_eq!((surplus(0, 0), surplus(100, 100), surplus(101, 100), surplus(33, 32)), (0, 0, 7, 3));
        assert_eq!((surplus(1, 0), surplus(2, 1)), (1, 1), "a bound below sixteen drops one at a time");
    }

    proptest! {
        #[test]
        fn the_lowest_are_taken_in_any_order(all in prop::collection::vec(any::<u16>(), 0..60), count in 0..70_usize) {
            let mut sorted = all.clone();
            sorted.sort_unstable();
            sorted.truncate(count);
            prop_assert_eq!(lowest(all.into_iter(), count), sorted);
        }

        #[test]
        fn after_dropping_it_fits(count in 0..5_000_usize, most in 0..1_000_usize) {
            prop_assert!(count - surplus(count, most) <= most);
        }
    }
}
