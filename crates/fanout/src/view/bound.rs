//! How many objects a view holds. Processors bound what they publish; this is for what many of them publish together.

use super::{Change, Kind, ObjectId, View};

impl View {
    /// Drops what says least where there are more than the bound: first what has no position, then what was heard longest
    /// ago; never an alert. It is gone as if it had ended; a newer state brings it back. In batches of a sixteenth, so that a
    /// flood costs one look at everything per batch. How many were dropped.
    pub(super) fn keep_bound(&mut self, at_us: u64, changes: &mut Vec<Change>) -> usize {
        if self.objects.len() <= self.most_objects {
            return 0;
        }
        let surplus = self.objects.len() - (self.most_objects - self.most_objects / 16);
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
    fn receivers_without_a_place_go_first() {
        let mut view = View::new(1).with_bound(32);
        let (mut changes, place) =
            (Vec::new(), v1::Position { latitude_deg: 46.0, longitude_deg: 13.0, altitude_m: None });
        let origin = Origin { partition: 0, offset: 0 };
        let mut dropped = view.apply(origin, 0, receiver(0, Some(place)), &mut changes);
        for number in 1..100 {
            dropped += view.apply(origin, 0, receiver(number, None), &mut changes);
        }
        assert!(view.len() <= 32 && view.len() + dropped == 100, "{} and {dropped}", view.len());
        assert!(view.find(Kind::Receiver, "r000").is_some_and(|id| view.object(id).is_some()), "it has a place");
        assert_eq!(changes.len(), 100 + dropped, "clients hear of each");
        // What came before does not come back, and what is newer does.
        let before = view.len();
        view.apply(origin, 0, receiver(1, None), &mut changes);
        assert_eq!(view.len(), before);
    }

    #[test]
    fn names_of_gone_receivers_are_forgotten() {
        let mut view = View::new(1).with_bound(32);
        let origin = Origin { partition: 0, offset: 0 };
        for number in 0..1_000 {
            view.apply(origin, number * 60_000_000, receiver(number, None), &mut Vec::new());
        }
        assert!(view.receivers.len() < 60 && view.receiver_ids.len() < 60, "{}", view.receivers.len());
    }
}
