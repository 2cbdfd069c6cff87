use std::collections::{BTreeSet, HashMap};

use proptest::prelude::*;

use super::*;
use AckedQos::{AtLeastOnce, ExactlyOnce};

fn forwarded(offer: Offer) -> MessageId {
    match offer {
        Offer::Forward(message) => message,
        other => panic!("not forwarded: {other:?}"),
    }
}

fn acks(deliveries: &mut Deliveries) -> Vec<Ack> {
    let mut taken = Vec::new();
    deliveries.take_acks(&mut taken);
    taken
}

#[test]
fn an_ack_waits_for_the_log() {
    let mut deliveries = Deliveries::new(10);
    let connection = deliveries.take_over();
    let first = forwarded(deliveries.offer(connection, AtLeastOnce, 7));
    let second = forwarded(deliveries.offer(connection, ExactlyOnce, 7));
    assert!(acks(&mut deliveries).is_empty());
    assert!(deliveries.on_acknowledged(first));
    assert!(deliveries.on_acknowledged(second));
    assert_eq!(acks(&mut deliveries), [Ack::PubAck(7), Ack::PubRec(7)]);
}

#[test]
fn qos_2_is_forwarded_once_until_its_release() {
    let mut deliveries = Deliveries::new(10);
    let connection = deliveries.take_over();
    let message = forwarded(deliveries.offer(connection, ExactlyOnce, 3));
    assert_eq!(deliveries.offer(connection, ExactlyOnce, 3), Offer::InFlight);
    deliveries.release(3);
    assert_eq!(deliveries.offer(connection, ExactlyOnce, 3), Offer::InFlight, "a release that comes too early");
    deliveries.on_acknowledged(message);
    assert_eq!(acks(&mut deliveries), [Ack::PubRec(3)]);
    assert_eq!(deliveries.offer(connection, ExactlyOnce, 3), Offer::AlreadyInLog(Ack::PubRec(3)));
    deliveries.release(3);
    forwarded(deliveries.offer(connection, ExactlyOnce, 3));
}

#[test]
fn qos_2_stays_exactly_once_over_a_reconnect() {
    let mut deliveries = Deliveries::new(10);
    let first = deliveries.take_over();
    let message = forwarded(deliveries.offer(first, ExactlyOnce, 3));
    let second = deliveries.take_over();
    assert_eq!(deliveries.offer(first, ExactlyOnce, 4), Offer::TakenOver);
    assert_eq!(deliveries.offer(second, ExactlyOnce, 3), Offer::InFlight);
    assert!(deliveries.on_acknowledged(message));
    assert_eq!(acks(&mut deliveries), [Ack::PubRec(3)], "on the newest connection that published the id");
}

#[test]
fn no_ack_is_sent_on_a_later_connection() {
    let mut deliveries = Deliveries::new(10);
    let first = deliveries.take_over();
    let messages = [AtLeastOnce, ExactlyOnce].map(|qos| forwarded(deliveries.offer(first, qos, 1)));
    deliveries.take_over();
    assert!(messages.into_iter().all(|message| !deliveries.on_acknowledged(message)));
    assert!(acks(&mut deliveries).is_empty());
}

#[test]
fn messages_in_flight_and_unreleased_are_bounded() {
    let mut deliveries = Deliveries::new(2);
    let connection = deliveries.take_over();
    let messages = [1, 2].map(|id| forwarded(deliveries.offer(connection, ExactlyOnce, id)));
    assert!(deliveries.is_full());
    assert!(messages.into_iter().all(|message| deliveries.on_acknowledged(message)));
    assert!(!deliveries.is_full());
    assert_eq!(deliveries.offer(connection, ExactlyOnce, 3), Offer::TooMany);
    forwarded(deliveries.offer(connection, AtLeastOnce, 3));
    deliveries.release(1);
    forwarded(deliveries.offer(connection, ExactlyOnce, 3));
}

#[test]
fn message_id_round_trips_as_u64() {
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
    Publish { qos: AckedQos, id: u16 },
    LogAcknowledges(usize),
    Release(u16),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        1 => Just(Step::Connect),
        5 => (any::<bool>(), 1_u16..8).prop_map(|(exactly_once, id)| Step::Publish {
            qos: if exactly_once { ExactlyOnce } else { AtLeastOnce },
            id,
        }),
        4 => (0_usize..16).prop_map(Step::LogAcknowledges),
        2 => (1_u16..8).prop_map(Step::Release),
    ]
}

proptest! {
    /// For any sequence of client actions: a QoS 2 id is forwarded at most once until its PUBREL, a PUBREC is sent only
    /// after the log has the message, and the bounds hold.
    #[test]
    fn any_sequence_keeps_the_invariants(steps in proptest::collection::vec(step(), 0..200)) {
        let mut deliveries = Deliveries::new(4);
        let mut connection = deliveries.take_over();
        let (mut in_flight, mut in_log) = (Vec::new(), BTreeSet::new());
        let mut forwarded_since_release: HashMap<u16, usize> = HashMap::new();
        for step in steps {
            match step {
                Step::Connect => connection = deliveries.take_over(),
                Step::Publish { qos, id } => {
                    if deliveries.is_full() { continue }
                    match deliveries.offer(connection, qos, id) {
                        Offer::Forward(message) => {
                            in_flight.push(message);
                            if qos == ExactlyOnce {
                                *forwarded_since_release.entry(id).or_default() += 1;
                                prop_assert_eq!(forwarded_since_release[&id], 1);
                            }
                        }
                        Offer::AlreadyInLog(ack) => prop_assert!(ack == Ack::PubRec(id) && in_log.contains(&id)),
                        Offer::InFlight | Offer::TooMany => {}
                        Offer::TakenOver => prop_assert!(false),
                    }
                }
                Step::LogAcknowledges(index) if !in_flight.is_empty() => {
                    let message: MessageId = in_flight.remove(index % in_flight.len());
                    if message.qos == ExactlyOnce { in_log.insert(message.packet_id); }
                    deliveries.on_acknowledged(message);
                }
                Step::LogAcknowledges(_) => {}
                Step::Release(id) => {
                    deliveries.release(id);
                    if in_log.remove(&id) { forwarded_since_release.remove(&id); }
                }
            }
            for ack in acks(&mut deliveries) {
                if let Ack::PubRec(id) = ack { prop_assert!(in_log.contains(&id)); }
            }
            prop_assert!(deliveries.exactly_once.len() <= 4 && deliveries.in_flight <= 4);
        }
    }
}
