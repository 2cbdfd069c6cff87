//! Acknowledgements here are packet ids, items are what the message says.

use super::*;
use proptest::prelude::*;

type Messages = Window<u16, u32>;

const NONE: [u16; 0] = [];

fn is_redelivery(earlier: &u16, earlier_item: &u32, now: &u16, item: &u32) -> bool {
    earlier == now && earlier_item == item
}

fn enter(window: &mut Messages, id: u16, item: u32) -> Entered {
    window.enter(Some(id), item, 1, false, is_redelivery)
}

fn complete(window: &mut Messages, sequence: u64) -> Vec<u16> {
    let mut sent = Vec::new();
    window.complete(sequence, |id| sent.push(id));
    sent
}

#[test]
fn acknowledgements_leave_in_the_order_of_receipt() {
    let mut window = Messages::new(8, usize::MAX);
    for id in 1..=4 {
        assert_eq!(enter(&mut window, id, 0), Entered::New(u64::from(id) - 1));
    }
    assert_eq!(complete(&mut window, 2), NONE);
    assert_eq!(complete(&mut window, 1), NONE);
    assert_eq!(complete(&mut window, 0), [1, 2, 3]);
    assert_eq!(complete(&mut window, 0), NONE, "answered once");
    assert_eq!(complete(&mut window, 3), [4]);
    assert!(window.is_empty());
}

#[test]
fn acks_stay_on_the_connection_of_their_message() {
    let mut window = Messages::new(8, usize::MAX);
    enter(&mut window, 1, 10);
    enter(&mut window, 2, 20);
    window.reconnected();
    enter(&mut window, 1, 30);
    assert_eq!(complete(&mut window, 0), NONE);
    assert_eq!(complete(&mut window, 2), NONE);
    assert_eq!(complete(&mut window, 1), [1], "that of the new connection, once what came before is done");
}

#[test]
fn a_redelivery_takes_the_place_of_its_first_copy() {
    let mut window = Messages::new(8, usize::MAX);
    enter(&mut window, 1, 10);
    enter(&mut window, 2, 20);
    window.reconnected();
    assert_eq!(window.enter(Some(1), 10, 1, true, is_redelivery), Entered::Redelivered);
    assert_eq!(window.enter(Some(2), 21, 1, true, is_redelivery), Entered::New(2), "another message under a used id");
    assert_eq!(complete(&mut window, 0), [1]);
    assert_eq!(complete(&mut window, 1), NONE);
    assert_eq!(complete(&mut window, 2), [2]);
}

#[test]
fn a_full_window_takes_no_message_without_ack() {
    let mut window = Messages::new(2, usize::MAX);
    enter(&mut window, 1, 0);
    enter(&mut window, 2, 0);
    assert!(window.is_full() && !window.is_exceeded());
    assert_eq!(window.enter(None, 0, 1, false, is_redelivery), Entered::Full);
    complete(&mut window, 0);
    assert_eq!(window.enter(None, 7, 1, false, is_redelivery), Entered::New(2));
}

/// Mosquitto 2.0.11 sends beyond it.
#[test]
fn beyond_receive_maximum_room_is_bounded_and_returns() {
    let mut window = Messages::new(2, usize::MAX);
    for id in 1..=4 {
        assert_eq!(enter(&mut window, id, 0), Entered::New(u64::from(id) - 1));
        assert_eq!(window.is_exceeded(), id > 2);
    }
    assert_eq!(enter(&mut window, 5, 0), Entered::Full);
    assert_eq!(complete(&mut window, 0), [1]);
    assert_eq!(enter(&mut window, 5, 0), Entered::New(4));
}

#[test]
fn a_new_connection_has_room_beside_older_messages() {
    let mut window = Messages::new(2, usize::MAX);
    enter(&mut window, 1, 0);
    enter(&mut window, 2, 0);
    window.reconnected();
    assert_eq!(enter(&mut window, 3, 0), Entered::New(2));
    assert_eq!(enter(&mut window, 4, 0), Entered::New(3));
    window.reconnected();
    assert_eq!(enter(&mut window, 5, 0), Entered::Full, "bounded over any number of connections");
}

/// A broker that keeps to Receive Maximum is never refused.
#[test]
fn messages_without_ack_take_no_room_from_others() {
    let mut window = Messages::new(2, usize::MAX);
    for item in 0..3 {
        let entered = window.enter(None, item, 1, false, is_redelivery);
        assert_eq!(entered == Entered::Full, item == 2);
    }
    assert_eq!(enter(&mut window, 1, 0), Entered::New(2));
    assert_eq!(enter(&mut window, 2, 0), Entered::New(3));
    assert!(!window.is_exceeded());
}

#[test]
fn receive_maximum_counts_redeliveries_and_acks() {
    let mut window = Messages::new(2, usize::MAX);
    enter(&mut window, 1, 10);
    enter(&mut window, 2, 20);
    window.reconnected();
    assert_eq!(window.enter(Some(1), 10, 1, true, is_redelivery), Entered::Redelivered);
    assert_eq!(window.enter(Some(2), 20, 1, true, is_redelivery), Entered::Redelivered);
    assert!(!window.is_exceeded());
    assert_eq!(complete(&mut window, 0), [1]);
    assert_eq!(enter(&mut window, 3, 30), Entered::New(2));
    assert!(!window.is_exceeded() && !window.is_above_capacity());
    assert_eq!(enter(&mut window, 4, 40), Entered::New(3));
    assert!(window.is_exceeded() && window.is_above_capacity());
}

#[test]
fn heavy_messages_fill_it_before_their_number_does() {
    let mut window = Messages::new(8, 100);
    for item in 0..2 {
        assert!(window.has_room_for_bytes());
        assert_eq!(window.enter(Some(item), 0, 60, false, is_redelivery), Entered::New(item.into()));
    }
    assert!(!window.has_room_for_bytes());
    window.reconnected();
    assert!(!window.has_room_for_bytes(), "a new connection changes nothing of that");
    complete(&mut window, 0);
    assert!(window.has_room_for_bytes());
}

#[test]
fn unfinished_messages_come_back_in_order() {
    let mut window = Messages::new(8, usize::MAX);
    for id in 1..=4 {
        enter(&mut window, id, u32::from(id) * 10);
    }
    complete(&mut window, 1);
    assert_eq!(
        window.unfinished().map(|(sequence, item)| (sequence, *item)).collect::<Vec<_>>(),
        [(0, 10), (2, 30), (3, 40)]
    );
    assert_eq!(window.item(2), Some(&30));
    assert_eq!(window.item(9), None);
}

/// m1's acknowledgement was lost, m2 is still in flight: repeating m1 alone would put it behind m2 for good.
#[test]
fn after_an_unknown_redelivery_all_are_sent_again() {
    let mut window = Messages::new(8, usize::MAX);
    enter(&mut window, 1, 10);
    enter(&mut window, 2, 20);
    assert_eq!(complete(&mut window, 0), [1]);
    window.reconnected();
    assert_eq!(window.enter(Some(1), 10, 1, true, is_redelivery), Entered::New(2));
    assert_eq!(window.enter(Some(2), 20, 1, true, is_redelivery), Entered::New(3));
    assert_eq!(complete(&mut window, 1), NONE);
    assert_eq!(complete(&mut window, 3), NONE);
    assert_eq!(complete(&mut window, 2), [1, 2]);
}

#[derive(Debug, Clone)]
enum Step {
    Arrive,
    Complete(prop::sample::Index),
    /// The connection breaks, and with it the last acknowledgements, this many at most.
    Reconnect {
        lost: usize,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        5 => Just(Step::Arrive),
        5 => any::<prop::sample::Index>().prop_map(Step::Complete),
        1 => (0..3_usize).prop_map(|lost| Step::Reconnect { lost }),
    ];
    prop::collection::vec(step, 0..200)
}

const CAPACITY: usize = 5;

/// A broker as the standard describes it (it repeats, in order, what it saw no acknowledgement for), a log that answers in
/// any order, and the window between them.
struct Model {
    window: Messages,
    sent: u32,
    unacknowledged: Vec<(u16, u32)>,
    acknowledged: Vec<(u16, u32)>,
    in_flight: Vec<(u64, u32)>,
    done: Vec<u32>,
    /// A message found no room: the connection is closed, nothing arrives until the next one.
    closed: bool,
}

impl Model {
    fn new() -> Self {
        let window = Messages::new(CAPACITY, usize::MAX);
        let (unacknowledged, acknowledged, in_flight, done) = Default::default();
        Self { window, sent: 0, unacknowledged, acknowledged, in_flight, done, closed: false }
    }

    fn arrive(&mut self) {
        self.sent += 1;
        let (id, item) = (self.sent as u16, self.sent);
        self.unacknowledged.push((id, item));
        self.offer(id, item, false);
    }

    fn offer(&mut self, id: u16, item: u32, may_be_redelivered: bool) -> bool {
        let entered = self.window.enter(Some(id), item, 1, may_be_redelivered, is_redelivery);
        match entered {
            Entered::New(sequence) => self.in_flight.push((sequence, item)),
            Entered::Redelivered => {
                assert!(self.in_flight.iter().any(|(_, other)| *other == item) || self.done.contains(&item));
            }
            Entered::Full => assert!(self.window.len() >= CAPACITY, "refused with room"),
        }
        self.closed = entered == Entered::Full;
        !self.closed
    }

    fn complete(&mut self, index: prop::sample::Index) {
        let (sequence, item) = self.in_flight.remove(index.index(self.in_flight.len()));
        self.done.push(item);
        for id in complete(&mut self.window, sequence) {
            let first = self.unacknowledged.remove(0);
            assert_eq!(id, first.0, "in the order of receipt, on the connection that brought it");
            assert!(self.done.contains(&first.1), "not before it is done");
            self.acknowledged.push(first);
        }
    }

    fn reconnect(&mut self, lost: usize) {
        // An acknowledgement that made room for another message had arrived.
        let lost = lost.min(CAPACITY - self.unacknowledged.len());
        let kept = self.acknowledged.len().saturating_sub(lost);
        let lost = self.acknowledged.split_off(kept);
        self.unacknowledged.splice(0..0, lost);
        self.acknowledged.clear();
        self.window.reconnected();
        self.closed = false;
        let before = self.in_flight.len();
        let repeated = self.unacknowledged.clone();
        repeated.into_iter().all(|(id, item)| self.offer(id, item, true));
        assert!(self.in_flight.len() - before <= CAPACITY, "duplicates are bounded by the window");
    }
}

proptest! {
    #[test]
    fn holds_against_a_simple_model(steps in steps()) {
        let mut model = Model::new();
        for step in steps {
            match step {
                Step::Arrive if model.unacknowledged.len() < CAPACITY && !model.closed => model.arrive(),
                Step::Complete(index) if !model.in_flight.is_empty() => model.complete(index),
                Step::Reconnect { lost } => model.reconnect(lost),
                _ => {}
            }
            prop_assert!(model.window.len() <= 2 * CAPACITY);
        }
    }
}
