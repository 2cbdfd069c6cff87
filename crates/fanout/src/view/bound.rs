//! The bound on a view's objects. Each processor bounds what it publishes; this bounds the sum of all processors.

use super::{Change, Kind, ObjectId, View};

impl View {
    /// Drops objects beyond the bound: first those without a position, then those with the oldest event; never an
    /// alert. A newer state restores a dropped object. Drops in batches of a sixteenth, so that a flood costs one scan
    /// per batch. Returns how many were dropped.
    pub(super) fn apply_bound(&mut self, at_us: u64, changes: &mut Vec<Change>) -> usize {
        if self.objects.len() <= self.max_objects {
            return 0;
        }
        let surplus = self.objects.len() - (self.max_objects - self.max_objects / 16);
        let objects = self.objects.values().filter(|object| object.id.kind != Kind::Alert);
        let mut all: Vec<(bool, u64, ObjectId)> =
            objects.map(|object| (object.cell.is_some(), object.state.event_at_us(), object.id)).collect();
        if surplus < all.len() {
            all.select_nth_unstable(surplus);
            all.truncate(surplus);
        }
        all.sort_unstable();
        all.iter().for_each(|(_, _, id)| self.remove(*id, None, at_us, changes));
        all.len()
    }
}

#[cfg(test)]
mod tests {
    use schemas::v1;

    use super::super::{Input, Origin, State};
    use super::*;

    fn receiver(number: u64, position: Option<v1::Position>) -> Input {
        Input::State(State::Receiver(v1::ReceiverState {
            receiver_id: format!("r{number:03}"),
            version: number + 1,
            last_seen_at_us: number,
            position,
            ..Default::default()
        }))
    }

    #[test]
    fn receivers_without_a_position_are_dropped_first() {
        let mut view = View::new(1).with_bound(32);
        let position = v1::Position { latitude_deg: 46.0, longitude_deg: 13.0, altitude_m: None };
        let mut changes = Vec::new();
        let origin = Origin { partition: 0, offset: 0 };
        let mut dropped = view.apply(origin, 0, receiver(0, Some(position)), &mut changes);
        for number in 1..100 {
            dropped += view.apply(origin, 0, receiver(number, None), &mut changes);
        }
        assert!(view.len() <= 32 && view.len() + dropped == 100, "{} and {dropped}", view.len());
        assert!(view.find(Kind::Receiver, "r000").is_some_and(|id| view.object(id).is_some()), "it has a position");
        assert_eq!(changes.len(), 100 + dropped, "each is a change");
        // An older state does not restore a dropped object.
        let before = view.len();
        view.apply(origin, 0, receiver(1, None), &mut changes);
        assert_eq!(view.len(), before);
    }

    #[test]
    fn ids_of_removed_receivers_expire() {
        let mut view = View::new(1).with_bound(32);
        let origin = Origin { partition: 0, offset: 0 };
        for number in 0..1_000 {
            view.apply(origin, number * 60_000_000, receiver(number, None), &mut Vec::new());
        }
        assert!(view.receivers.len() < 60 && view.receiver_ids.len() < 60, "{}", view.receivers.len());
    }
}
