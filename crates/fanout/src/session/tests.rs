use schemas::v1::subscribe;

use super::*;
use crate::subscription::{Rate, Subject};
use crate::view::{Kind, KindSet};

const START: Duration = Duration::from_secs(100);

fn settings() -> SessionSettings {
    SessionSettings {
        version: "1.2.3",
        epoch: "cluster".into(),
        heartbeat: Duration::from_secs(30),
        limits: SessionLimits { max_subscribes_per_minute: 3, ..SessionLimits::default() },
    }
}

fn open() -> Session {
    let mut session = Session::open(&settings(), Subscription::empty(), START, 7).0;
    session.set_subscribed();
    session
}

fn circle(radius_km: f64) -> v1::Subscribe {
    let circle = v1::Circle { latitude_deg: 46.5, longitude_deg: 8.0, radius_km };
    v1::Subscribe { region: Some(subscribe::Region::Circle(circle)), ..Default::default() }
}

fn send_message(session: &mut Session, request_id: u64, message: client_message::Message) -> Action {
    let received = v1::ClientMessage { request_id, message: Some(message) };
    session.received(&settings(), received, &mut Covers::default(), START, 9)
}

fn subscribe(session: &mut Session, request: v1::Subscribe) -> Action {
    send_message(session, 5, client_message::Message::Subscribe(request))
}

fn error_code(action: &Action) -> &str {
    let Action::Send(message) = action else { panic!("{action:?}") };
    let Some(server_message::Message::Error(error)) = &message.message else { panic!("{action:?}") };
    assert_eq!(error.request_id, Some(5));
    &error.code
}

#[test]
fn the_welcome_has_epoch_heartbeat_and_limits() {
    let (_, welcome) = Session::open(&settings(), Subscription::empty(), START, 7);
    let Action::Send(message) = welcome else { panic!("{welcome:?}") };
    let Some(server_message::Message::Welcome(welcome)) = message.message else { panic!("no welcome") };
    assert_eq!((welcome.server_at_us, welcome.epoch.as_str(), welcome.heartbeat_interval_s), (7, "cluster", 30));
    let limits = welcome.limits.unwrap();
    assert_eq!((limits.max_radius_km, limits.max_bounds_km, limits.max_cells), (200.0, 2_000.0, 64));
    assert_eq!((limits.max_message_bytes, limits.first_message_within_s), (4096, 10));
}

#[test]
fn a_ping_is_answered_with_its_id() {
    let pong = send_message(&mut open(), 77, client_message::Message::Ping(v1::Ping {}));
    let expected = v1::Pong { request_id: 77, server_at_us: 9 };
    assert_eq!(pong, send(server_message::Message::Pong(expected)));
}

#[test]
fn omitted_fields_of_a_subscribe_keep_their_values() {
    let mut session = open();
    let first = v1::Subscribe {
        kinds: vec![v1::ObjectKind::Ground.into()],
        follow_devices: vec![3],
        rate: Some(v1::RateClass::Every5s.into()),
        ..circle(20.0)
    };
    assert!(matches!(subscribe(&mut session, first), Action::Switch { request_id: 5, .. }));
    let cells = session.subscription().cells().to_vec();
    let _ = subscribe(&mut session, v1::Subscribe { follow_devices: vec![4], ..Default::default() });
    assert_eq!(session.subscription().cells(), cells);
    assert_eq!(session.subscription().rate(), Rate::Every5s);
    assert!(session.subscription().has(Subject::Cell([Kind::Ground].into_iter().collect(), cells[0])));
    assert!(session.subscription().has(Subject::Device(4)) && !session.subscription().has(Subject::Device(3)));
    let _ = subscribe(&mut session, v1::Subscribe { replace_lists: true, ..Default::default() });
    assert!(session.subscription().has(Subject::Cell(KindSet::ALL, cells[0])), "no kinds: all of them");
    assert_eq!(session.subscription().followed(), 0);
}

#[test]
fn invalid_requests_are_refused_by_code() {
    let refused = |request: v1::Subscribe| {
        let mut session = open();
        let action = subscribe(&mut session, request);
        assert_eq!(*session.subscription(), Subscription::empty());
        error_code(&action).to_owned()
    };
    let bounds = |south_deg, west_deg, north_deg, east_deg| v1::Subscribe {
        region: Some(subscribe::Region::Bounds(v1::Bounds { south_deg, west_deg, north_deg, east_deg })),
        ..Default::default()
    };
    assert_eq!(refused(circle(200.1)), "region_too_large");
    assert_eq!(refused(circle(0.5)), "region_too_large");
    assert_eq!(refused(circle(f64::NAN)), "region_too_large");
    assert_eq!(refused(bounds(47.0, 8.0, 46.0, 9.0)), "bad_region");
    assert_eq!(refused(bounds(-80.0, 8.0, 80.0, 9.0)), "region_too_large");
    assert_eq!(refused(bounds(46.0, -20.0, 47.0, 20.0)), "region_too_large");
    assert_eq!(refused(v1::Subscribe { kinds: vec![99], ..Default::default() }), "unknown_kind");
    assert_eq!(refused(v1::Subscribe { rate: Some(99), ..Default::default() }), "unknown_rate");
    assert_eq!(refused(v1::Subscribe { follow_devices: vec![1; 101], ..Default::default() }), "too_many_devices");
    assert_eq!(refused(v1::Subscribe { follow_devices: vec![0x100_0000], ..Default::default() }), "bad_device");
    let empty = v1::ClientMessage { request_id: 5, message: None };
    assert_eq!(error_code(&open().received(&settings(), empty, &mut Covers::default(), START, 9)), "unknown_message");
}

#[test]
fn changes_of_the_subscription_are_limited_per_minute() {
    let mut session = open();
    for _ in 0..3 {
        assert!(matches!(subscribe(&mut session, circle(10.0)), Action::Switch { .. }));
    }
    assert_eq!(error_code(&subscribe(&mut session, circle(10.0))), "too_many_subscribes");
}

#[test]
fn an_expensive_change_counts_as_several() {
    let mut session = open();
    assert!(matches!(subscribe(&mut session, circle(10.0)), Action::Switch { .. }));
    session.charge(1_900);
    assert!(matches!(subscribe(&mut session, circle(10.0)), Action::Switch { .. }));
    session.charge(900);
    assert_eq!(error_code(&subscribe(&mut session, circle(10.0))), "too_many_subscribes");
}

#[test]
fn frames_without_messages_count() {
    let mut session = open();
    assert!((0..600).all(|_| session.frame(START)));
    assert!(!session.frame(START));
}

#[test]
fn too_many_messages_close_the_connection() {
    let mut session = open();
    let ping = |session: &mut Session| send_message(session, 1, client_message::Message::Ping(v1::Ping {}));
    for _ in 0..600 {
        assert!(matches!(ping(&mut session), Action::Send(_)));
    }
    assert_eq!(ping(&mut session), Action::Close(CloseCode::TooMany));
}

#[test]
fn silence_causes_one_ping_and_then_a_close() {
    let mut session = open();
    let at = |seconds| START + Duration::from_secs(seconds);
    assert_eq!(session.tick(&settings(), at(29)), None);
    assert_eq!(session.tick(&settings(), at(30)), Some(Action::Ping));
    assert_eq!(session.tick(&settings(), at(31)), None);
    assert_eq!(session.tick(&settings(), at(60)), Some(Action::Close(CloseCode::Silent)));
    assert!(session.frame(at(59)));
    assert_eq!(session.tick(&settings(), at(60)), None);
    assert_eq!(session.tick(&settings(), at(89)), Some(Action::Ping), "a new ping after a frame");
}

#[test]
fn unsubscribing_keeps_the_connection() {
    let mut session = open();
    let _ = subscribe(&mut session, circle(10.0));
    let action = send_message(&mut session, 6, client_message::Message::Unsubscribe(v1::Unsubscribe {}));
    assert_eq!(action, Action::Switch { request_id: 6, to: Box::new(Subscription::empty()) });
}
