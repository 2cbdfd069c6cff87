//! How much of what clients ask for a shard does before it looks at the changes of the picture again.
//!
//! A change of a subscription costs a hundred times what a frame costs that is passed on. Clients that use up their allowed
//! changes, or come all at once, must not hold back what the others are sent: what is beyond a turn waits, unread, in the
//! order in which it came.

/// Work of one turn, in units of about a microsecond. More: fewer looks at the changes under a storm of wishes, later
/// updates.
const TURN: u32 = 2_000;

/// One turn.
#[derive(Debug)]
pub(super) struct Turn {
    left: u32,
}

impl Turn {
    pub(super) fn new() -> Self {
        Self { left: TURN }
    }

    /// Takes work that was done; what was begun within a turn is finished, however much it is.
    pub(super) fn spend(&mut self, work: u32) {
        self.left = self.left.saturating_sub(work);
    }

    /// True where half of it is used up.
    pub(super) fn is_half_over(&self) -> bool {
        self.left <= TURN / 2
    }

    /// True where nothing more is begun.
    pub(super) fn is_over(&self) -> bool {
        self.left == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_ends_when_its_work_is_done() {
        let mut turn = Turn::new();
        turn.spend(1);
        assert!(!turn.is_half_over());
        turn.spend(TURN - 2);
        assert!(turn.is_half_over() && !turn.is_over());
        turn.spend(u32::MAX);
        assert!(turn.is_over());
    }
}
