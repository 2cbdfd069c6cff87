use std::collections::{BTreeSet, HashMap};

use proptest::prelude::*;

use super::*;
use Assured::{AtLeastOnce, ExactlyOnce};

fn forwarded(offer: Offer) -> MessageId {
    match offer {
        Offer::Forward(message) => message,
        other => panic!("not forwarded: {other:?}"),
    }
}

fn receipts(deliveries: &mut Deliveries) -> Vec<Receipt> {
    let mut taken = Vec::new();
    deliveries.take_receipts(&mut taken);
    taken
}

#[test]
fn a_receipt_waits_for_the_log() {
    let mut deliveries = Deliveries::new(10);
    let connection = deliveries.begin();
    let first = forwarded(deliveries.offer(connection, AtLeastOnce, 7));
    let second = forwarded(deliveries.offer(connection, ExactlyOnce, 7));
    assert!(receipts(&mut deliveries).is_empty());
    assert!(deliveries.acknowledged(first));
    assert!(deliveries.acknowledged(second));
    assert_eq!(receipts(&mut deliveries), [Receipt::PubAck(7), Receipt::PubRec(7)]);
}

#[test]
fn qos_2_is_forwarded_once_until_its_release() {
    let mut deliveries = Deliveries::new(10);
    let connection = deliveries.begin();
    let message = forwarded(deliveries.offer(connection, ExactlyOnce, 3));
    assert_eq!(deliveries.offer(connection, ExactlyOnce, 3), Offer::InFlight);
    deliveries.release(3);
    assert_eq!(deliveries.offer(connection, ExactlyOnce, 3), Offer::InFlight, "a release that comes too early");
    deliveries.acknowledged(message);
    assert_eq!(receipts(&mut deliveries), [Receipt::PubRec(3)]);
    assert_eq!(deliveries.offer(connection, ExactlyOnce, 3), Offer::Again(Receipt::PubRec(3)));
    deliveries.release(3);
    forwarded(deliveries.offer(connection, ExactlyOnce, 3));
}

#[test]
fn qos_2_stays_exactly_once_over_a_reconnect() {
    let mut deliveries = Deliveries::new(10);
    let first = deliveries.begin();
    let message = forwarded(deliveries.offer(first, ExactlyOnce, 3));
    let second = deliveries.begin();
    assert_eq!(deliveries.offer(first, ExactlyOnce, 4), Offer::TakenOver);
    assert_eq!(deliveries.offer(second, ExactlyOnce, 3), Offer::InFlight);
    assert!(deliveries.acknowledged(message));
    assert_eq!(receipts(&mut deliveries), [Receipt::PubRec(3)], "on the connection that asked last");
}

#[test]
fn no_receipt_leaves_on_a_later_connection() {
    let mut deliveries = Deliveries::new(10);
    let first = deliveries.begin();
    let messages = [AtLeastOnce, ExactlyOnce].map(|qos| forwarded(deliveries.offer(first, qos, 1)));
    deliveries.begin();
    assert!(messages.into_iter().all(|message| !deliveries.acknowledged(message)));
    assert!(receipts(&mut deliveries).is_empty());
}

#[test]
fn messages_in_flight_and_unreleased_are_bounded() {
    let mut deliveries = Deliveries::new(2);
    let connection = deliveries.begin();
    let messages = [1, 2].map(|id| forwarded(deliveries.offer(connection, ExactlyOnce, id)));
    assert!(deliveries.is_full());
    assert!(messages.into_iter().all(|message| deliveries.acknowledged(message)));
    assert!(!deliveries.is_full());
    assert_eq!(deliveries.offer(connection, ExactlyOnce, 3), Offer::TooMany);
    forwarded(deliveries.offer(connection, AtLeastOnce, 3));
    deliveries.release(1);
    forwarded(deliveries.offer(connection, ExactlyOnce, 3));
}

#[test]
fn a_message_id_survives_as_a_number() {
    for generation in [0, 1, u32::MAX] {
        for (qos, packet_id) in [(AtLeastOnce, 1), (ExactlyOnce, u16::MAX)] {
            let message = MessageId { generation, qos, packet_id };
            assert_eq!(MessageId::unpack(message.pack()), message);
        }
    }
}

#[derive(Debug, Clone)]
enum Step {
    Connect,
    Publish(bool, u16),
    LogHas(usize),
    Release(u16),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        1 => Just(Step::Connect),
        5 => (any::<bool>(), 1_u16..8).prop_map(|(twice, id)| Step::Publish(twice, id)),
        4 => (0_usize..16).prop_map(Step::LogHas),
        2 => (1_u16..8).prop_map(Step::Release),
    ]
}

proptest! {
    /// For any sequence of a client: a QoS 2 id is never forwarded twice without a release between, a PUBREC follows
    /// the log, and the bounds hold.
    #[test]
    fn any_sequence_keeps_the_invariants(steps in proptest::collection::vec(step(), 0..200)) {
        let mut deliveries = Deliveries::new(4);
        let mut connection = deliveries.begin();
        let (mut in_flight, mut in_log) = (Vec::new(), BTreeSet::new());
        let mut forwarded_since_release: HashMap<u16, usize> = HashMap::new();
        for step in steps {
            match step {
                Step::Connect => connection = deliveries.begin(),
                Step::Publish(twice, id) => {
                    let qos = if twice { ExactlyOnce } else { AtLeastOnce };
                    if deliveries.is_full() { continue }
                    match deliveries.offer(connection, qos, id) {
                        Offer::Forward(message) => {
                            in_flight.push(message);
                            if twice {
                                *forwarded_since_release.entry(id).or_default() += 1;
                                prop_assert_eq!(forwarded_since_release[&id], 1);
                            }
                        }
                        Offer::Again(receipt) => prop_assert!(receipt == Receipt::PubRec(id) && in_log.contains(&id)),
                        Offer::InFlight | Offer::TooMany => {}
                        Offer::TakenOver => prop_assert!(false),
                    }
                }
                Step::LogHas(index) if !in_flight.is_empty() => {
                    let message: MessageId = in_flight.remove(index % in_flight.len());
                    if message.qos == ExactlyOnce { in_log.insert(message.packet_id); }
                    deliveries.acknowledged(message);
                }
                Step::LogHas(_) => {}
                Step::Release(id) => {
                    deliveries.release(id);
                    if in_log.remove(&id) { forwarded_since_release.remove(&id); }
                }
            }
            for receipt in receipts(&mut deliveries) {
                if let Receipt::PubRec(id) = receipt { prop_assert!(in_log.contains(&id)); }
            }
            prop_assert!(deliveries.exactly_once.len() <= 4 && deliveries.in_flight <= 4);
        }
    }
}
