//! What the wishes of clients cost the thread that serves them.
//!
//! In units of about a microsecond of one core. Limits count these and not requests: a change that finds a cover, joins a
//! hundred groups and sends ten thousand objects is a thousand times one that follows a device.

/// Finding the cover of a region that is not known.
const COVER: u32 = 60;
/// Joining or leaving a group.
const SUBJECT: u32 = 1;
/// Objects that are looked up for one unit.
const OBJECTS: usize = 8;
/// Bytes of a frame that are made for one unit: encoding, and compressing.
const BYTES: usize = 64;
/// A frame of a snapshot page, until it is made.
const PAGE: u32 = 200;
/// What one of a client's changes per minute pays for; a change that costs more takes more of them.
const PER_CHANGE: u32 = 1_000;

/// Of looking at something else: covers found, groups joined and left, objects to be sent, and their pages.
pub(crate) fn of_switch(covers: u32, subjects: usize, objects: usize, pages: usize) -> u32 {
    let subjects = narrow(subjects).saturating_mul(SUBJECT);
    let pages = narrow(pages).saturating_mul(PAGE);
    covers
        .saturating_mul(COVER)
        .saturating_add(subjects)
        .saturating_add(narrow(objects / OBJECTS))
        .saturating_add(pages)
}

/// Of a frame that was made.
pub(crate) fn of_frame(bytes: usize) -> u32 {
    1 + narrow(bytes / BYTES)
}

/// How many of a client's changes per minute so much work takes, beyond the one that every change takes.
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
    fn an_ordinary_change_is_one_and_a_large_one_more() {
        assert_eq!(further_changes(of_switch(0, 2, 1, 1)), 0);
        assert_eq!(further_changes(of_switch(1, 128, 500, 2)), 0);
        assert_eq!(further_changes(of_switch(1, 128, 10_000, 40)), 9);
        assert_eq!(further_changes(u32::MAX), u32::MAX.div_ceil(PER_CHANGE) - 1);
    }
}
