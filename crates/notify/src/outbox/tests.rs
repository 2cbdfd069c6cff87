use super::*;

mod simulation;

const SETTINGS: OutboxSettings = OutboxSettings {
    retry_for_us: 1_000,
    first_wait_us: 10,
    longest_wait_us: 100,
    max_per_target: 3,
    max_messages: 1_000,
    max_in_flight: 2,
    max_finished: 4,
};

fn message(id: &str, target: &str) -> Message {
    Message {
        id: id.into(),
        target: target.into(),
        origin: ("alert".into(), 0),
        created_at_us: 0,
        device: None,
        hidden: false,
        body: Bytes::new(),
    }
}

fn begin(outbox: &mut Outbox, now_us: u64) -> Option<String> {
    outbox.begin(now_us).map(|message| message.id.to_string())
}

#[test]
fn a_known_message_is_not_taken_again() {
    let mut outbox = Outbox::new(SETTINGS);
    assert_eq!(outbox.offer(message("1", "a"), 0), Offer::New);
    assert_eq!(outbox.offer(message("1", "a"), 0), Offer::Known);
    assert_eq!(begin(&mut outbox, 0).as_deref(), Some("1"));
    assert_eq!(outbox.offer(message("1", "a"), 0), Offer::Known, "in flight");
    let finished = outbox.attempted("1", "a", Attempt::Delivered, 5, 0).expect("owned");
    assert_eq!((finished.attempts, finished.outcome), (1, Outcome::Delivered));
    assert_eq!(outbox.offer(message("1", "a"), 9), Offer::Known, "delivered");
    assert!(outbox.is_empty() && outbox.per_target().is_empty());
}

#[test]
fn a_failed_message_waits_twice_as_long_each_time() {
    let mut outbox = Outbox::new(SETTINGS);
    outbox.offer(message("1", "a"), 0);
    let (mut now_us, mut waits) = (0, Vec::new());
    loop {
        assert_eq!(begin(&mut outbox, now_us).as_deref(), Some("1"));
        let random = 3;
        match outbox.attempted("1", "a", Attempt::Failed { wait_us: 0 }, now_us, random).expect("owned").outcome {
            Outcome::Retry { at_us } => {
                assert_eq!((begin(&mut outbox, at_us - 1), outbox.next_at_us()), (None, Some(at_us)));
                waits.push(at_us - now_us);
                now_us = at_us;
            }
            outcome => break assert_eq!(outcome, Outcome::GivenUp),
        }
    }
    assert_eq!(waits[..5], [8, 13, 23, 43, 53], "half of 10, 20, 40, 80, 100, and three");
    assert!(now_us > 900 && now_us <= 1_000, "{now_us}");
    assert!(outbox.knows("1") && outbox.is_empty());
}

#[test]
fn a_target_may_ask_for_a_pause_and_may_refuse() {
    let mut outbox = Outbox::new(SETTINGS);
    outbox.offer(message("1", "a"), 0);
    outbox.begin(0);
    let asked = outbox.attempted("1", "a", Attempt::Failed { wait_us: 500 }, 0, 0).expect("owned");
    assert_eq!(asked.outcome, Outcome::Retry { at_us: 500 });
    outbox.begin(500);
    let refused = outbox.attempted("1", "a", Attempt::Refused, 500, 0).expect("owned");
    assert_eq!(refused.outcome, Outcome::GivenUp);
}

#[test]
fn a_dead_target_holds_its_own_messages_only() {
    let mut outbox = Outbox::new(SETTINGS);
    for id in ["1", "2", "3"] {
        assert_eq!(outbox.offer(message(id, "dead"), 0), Offer::New);
    }
    assert_eq!(outbox.offer(message("4", "dead"), 0), Offer::Full);
    assert_eq!(outbox.offer(message("5", "good"), 0), Offer::New);
    assert_eq!(begin(&mut outbox, 0).as_deref(), Some("1"));
    assert_eq!(begin(&mut outbox, 0).as_deref(), Some("5"), "the others of the dead one wait for its answer");
    assert_eq!((begin(&mut outbox, 0), outbox.next_at_us()), (None, None), "as many as may be in flight");
    outbox.attempted("5", "good", Attempt::Delivered, 0, 0);
    assert_eq!((begin(&mut outbox, 0), outbox.next_at_us()), (None, None));
    outbox.attempted("1", "dead", Attempt::Failed { wait_us: 0 }, 0, 0);
    assert_eq!(begin(&mut outbox, 0).as_deref(), Some("2"));
    let ended: BTreeSet<String> = outbox.end_target("dead").iter().map(|message| message.id.to_string()).collect();
    assert_eq!(ended, ["1", "2", "3"].map(str::to_owned).into());
    assert_eq!(outbox.attempted("2", "dead", Attempt::Delivered, 0, 0), None);
    assert!(outbox.is_empty() && outbox.next_at_us().is_none());
}

#[test]
fn a_partition_that_is_not_owned_is_forgotten() {
    let mut outbox = Outbox::new(SETTINGS);
    let other = Message { origin: ("alert".into(), 1), ..message("2", "a") };
    outbox.offer(message("1", "a"), 0);
    outbox.offer(other, 0);
    outbox.finish(("alert".into(), 0), "0".into());
    outbox.begin(0);
    outbox.release(&("alert".into(), 0));
    assert!(!outbox.knows("1") && !outbox.knows("0") && outbox.knows("2"));
    assert_eq!(outbox.attempted("1", "a", Attempt::Delivered, 0, 0), None);
    assert_eq!(begin(&mut outbox, 0).as_deref(), Some("2"));
}

#[test]
fn the_oldest_finished_messages_are_forgotten() {
    let mut outbox = Outbox::new(SETTINGS);
    for id in 0..6 {
        outbox.finish(("alert".into(), 0), id.to_string().into());
    }
    assert!(!outbox.knows("1") && outbox.knows("2") && outbox.knows("5"));
}
