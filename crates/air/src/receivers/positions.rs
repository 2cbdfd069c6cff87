//! Configured positions of receivers.

use std::collections::HashMap;

use schemas::v1::Position;

/// Configured positions by receiver id.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReceiverPositions(HashMap<String, Position>);

impl ReceiverPositions {
    /// The position of a receiver. `None`: not configured.
    pub fn find(&self, receiver_id: &str) -> Option<Position> {
        self.0.get(receiver_id).copied()
    }
}

impl FromIterator<(String, Position)> for ReceiverPositions {
    fn from_iter<T: IntoIterator<Item = (String, Position)>>(positions: T) -> Self {
        Self(positions.into_iter().collect())
    }
}
