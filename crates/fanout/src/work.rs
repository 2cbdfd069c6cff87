//! The cost of clients' requests for the thread that serves them, in units of about a microsecond of one core.
//!
//! Limits count cost instead of requests: a change that computes a cover, joins a hundred groups and sends ten thousand
//! objects costs a thousand times as much as one that follows a device.

/// Computing the cover of a region.
const COVER: u32 = 60;
/// Joining or leaving a group.
const SUBJECT: u32 = 1;
/// Objects that are looked up for one unit.
const OBJECTS: usize = 8;
/// Bytes of a frame that are encoded and compressed for one unit.
const BYTES: usize = 64;
/// A snapshot page, before its frame is encoded.
const PAGE: u32 = 200;
/// The cost that one of a client's changes per minute covers; a more expensive change uses several of them.
const PER_CHANGE: u32 = 1_000;

/// The cost of a changed subscription: computed covers, joined and left groups, objects to send, and their pages.
pub(crate) fn of_switch(covers: u32, subjects: usize, objects: usize, pages: usize) -> u32 {
    let subjects = narrow(subjects).saturating_mul(SUBJECT);
    let pages = narrow(pages).saturating_mul(PAGE);
    covers
        .saturating_mul(COVER)
        .saturating_add(subjects)
        .saturating_add(narrow(objects / OBJECTS))
        .saturating_add(pages)
}

/// The cost of an encoded frame.
pub(crate) fn of_frame(bytes: usize) -> u32 {
    1 + narrow(bytes / BYTES)
}

/// How many of a client's changes per minute this work uses, besides the one of every change.
pub(crate) fn further_changes(work: u32) -> u32 {
    work.div_ceil(PER_CHANGE).saturating_sub(1)
}

fn narrow(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_change_counts_as_several() {
        assert_eq!(further_changes(of_switch(0, 2, 1, 1)), 0);
        assert_eq!(further_changes(of_switch(1, 128, 500, 2)), 0);
        assert_eq!(further_changes(of_switch(1, 128, 10_000, 40)), 9);
        assert_eq!(further_changes(u32::MAX), u32::MAX.div_ceil(PER_CHANGE) - 1);
    }
}
