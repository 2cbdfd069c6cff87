//! Which clients get the events of zones.

use geo::Cell;
use prost::Message as _;
use schemas::v1::{ServerMessage, Subscribe, ZoneEvent, ZoneEventKind};

use super::*;
use crate::session::SessionLimits;

const PILOT: u32 = 0x11_0B90;
const NOW: Now = Now { monotonic: Duration::from_secs(1), us: 1_000_000 };

fn dispatcher() -> Dispatcher {
    let heartbeat = Duration::from_secs(30);
    let settings = SessionSettings { version: "0", epoch: EPOCH.into(), heartbeat, limits: SessionLimits::default() };
    Dispatcher::new(Arc::new(settings), Offsets::new(1))
}

fn event(id: &str, device: u32, latitude_deg: f64) -> ZoneEvent {
    ZoneEvent {
        event_id: id.to_owned(),
        device,
        event_kind: ZoneEventKind::Enter.into(),
        position: Some(v1::Position { latitude_deg, longitude_deg: 7.5, altitude_m: Some(1_499.6) }),
        ..ZoneEvent::default()
    }
}

/// The ids of the events that wait for a client; other messages are dropped.
fn events(dispatcher: &mut Dispatcher, id: ClientId, view: &View) -> Vec<String> {
    let mut ids = Vec::new();
    while let Some(frame) = dispatcher.next_frame(id, view, NOW) {
        let body = if frame[1] == 126 { &frame[4..] } else { &frame[2..] };
        if let Some(server_message::Message::ZoneEvents(batch)) = ServerMessage::decode(body).expect("ours").message {
            assert_eq!(batch.events[0].altitude_m, Some(1_500));
            ids.extend(batch.events.into_iter().map(|event| event.event_id));
        }
    }
    ids
}

#[test]
fn clients_that_ask_get_the_events_of_their_region() {
    let view = View::new(1);
    let mut dispatcher = dispatcher();
    let mut open = |subscription: Subscription| {
        let opening = Opening { subscription: Some(subscription), ..Opening::default() };
        dispatcher.open(opening, &view, NOW)
    };
    let asking = open(alps().with_zone_events(true));
    let silent = open(alps());
    let follower = open(Subscription::empty().with_follow(vec![PILOT]).with_zone_events(true));
    let alerts_only = open(alps().with_kinds([Kind::Alert].into_iter().collect()).with_zone_events(true));
    assert!(alps().covers(Cell::at(46.0, 7.5, 6)) && !alps().covers(Cell::at(10.0, 7.5, 6)));
    let sent = [event("near", 1, 46.0), event("far", PILOT, 10.0), event("both", PILOT, 46.0)];
    let touched = dispatcher.zone_events(&sent);
    assert_eq!(touched, [asking, follower, alerts_only]);
    for (id, expected) in
        [(asking, &["near", "both"][..]), (silent, &[]), (follower, &["far", "both"]), (alerts_only, &["near", "both"])]
    {
        assert_eq!(events(&mut dispatcher, id, &view), expected, "{id:?}");
    }
}

#[test]
fn events_are_asked_for_and_ended_with_a_message() {
    let view = View::new(1);
    let mut dispatcher = dispatcher();
    let id = dispatcher.open(Opening { subscription: Some(alps()), ..Opening::default() }, &view, NOW);
    for (wanted, expected) in [(Some(true), 1), (None, 1), (Some(false), 0)] {
        let subscribe = Subscribe { zone_events: wanted, ..Subscribe::default() };
        let message = Some(client_message::Message::Subscribe(subscribe));
        dispatcher.received(id, v1::ClientMessage { request_id: 1, message }, &view, NOW);
        dispatcher.zone_events(&[event("near", PILOT, 46.0)]);
        assert_eq!(events(&mut dispatcher, id, &view).len(), expected, "{wanted:?}");
    }
}

#[test]
fn a_client_that_takes_no_events_is_closed() {
    let view = View::new(1);
    let mut dispatcher = dispatcher();
    let subscription = Some(alps().with_zone_events(true));
    let id = dispatcher.open(Opening { subscription, ..Opening::default() }, &view, NOW);
    for number in 0..10_000 {
        dispatcher.zone_events(&[event(&number.to_string(), PILOT, 46.0)]);
    }
    assert_eq!(dispatcher.closing(id), Some(CloseCode::Slow));
}
