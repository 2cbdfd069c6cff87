//! The work budget of one turn, an iteration of a shard's event loop: how much of the clients' requests a shard handles
//! before it sends changes again.
//!
//! A change of a subscription costs a hundred times as much as sending a frame. Clients that use up their limit of
//! changes, or that all connect at once, must not delay the updates of others. Requests beyond the budget wait unread,
//! in their order.

/// Work of one turn, in units of about a microsecond. More: later updates while many clients change their
/// subscriptions.
const TURN: u32 = 2_000;

/// The budget of one turn.
#[derive(Debug)]
pub(super) struct Turn {
    left: u32,
}

impl Turn {
    pub(super) fn new() -> Self {
        Self { left: TURN }
    }

    /// Subtracts finished work. Work that begins within a turn is completed, also beyond the budget.
    pub(super) fn spend(&mut self, work: u32) {
        self.left = self.left.saturating_sub(work);
    }

    /// Whether half of the budget is used.
    pub(super) fn is_half_over(&self) -> bool {
        self.left <= TURN / 2
    }

    /// Whether the budget is used: no more work begins in this turn.
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
