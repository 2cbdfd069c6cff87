//! The JSON forms that the contract promises, on real messages.

use schemas::RecordId;
use schemas::v1::{self, client_message, raw_record, server_message, subscribe};
use serde_json::json;

#[test]
fn ids_addresses_enums_and_big_integers_are_strings() {
    let state = v1::AlertState {
        alert_id: RecordId::new(17, 123_456).0,
        device: 0x11_0B90,
        version: 9_007_199_254_740_993,
        alert_kind: v1::AlertKind::NeedRide.into(),
        status: v1::AlertStatus::Open.into(),
        resolution: Some(v1::AlertResolution::LandedWell.into()),
        ..Default::default()
    };
    let value = serde_json::to_value(&state).expect("serializes");
    assert_eq!(value["alert_id"], "17-123456");
    assert_eq!(value["device"], "110B90");
    assert_eq!(value["version"], "9007199254740993");
    assert_eq!(value["alert_kind"], "need_ride");
    assert_eq!(value["resolution"], "landed_well");
    assert_eq!(value.get("position"), None, "absent stays absent");
    assert_eq!(serde_json::from_value::<v1::AlertState>(value).expect("reads back"), state);
}

#[test]
fn an_enum_value_without_a_name_keeps_its_number() {
    let ground = v1::GroundState { ground_kind: 7, ..Default::default() };
    let value = serde_json::to_value(&ground).expect("serializes");
    assert_eq!(value["ground_kind"], 7);
    assert_eq!(serde_json::from_value::<v1::GroundState>(value).expect("reads back"), ground);
}

#[test]
fn a_oneof_shows_the_name_of_what_it_holds() {
    let record = v1::RawRecord {
        ingested_at_us: 1,
        input: Some(raw_record::Input::MqttFrame(vec![0x01, 0xAB].into())),
        ..Default::default()
    };
    let value = serde_json::to_value(&record).expect("serializes");
    assert_eq!(value, json!({"ingested_at_us": "1", "mqtt_frame": "01ab"}));
    assert_eq!(serde_json::from_value::<v1::RawRecord>(value).expect("reads back"), record);
}

#[test]
fn live_messages_leave_out_empty_lists() {
    let message = v1::ServerMessage {
        message: Some(server_message::Message::Updates(v1::UpdateBatch {
            objects: Some(v1::Objects {
                aircraft: vec![v1::AircraftUpdate { device: 0x11_0B90, climb_cmps: Some(-120), ..Default::default() }],
                ..Default::default()
            }),
            ..Default::default()
        })),
    };
    let value = serde_json::to_value(&message).expect("serializes");
    assert_eq!(value["updates"]["objects"]["aircraft"][0]["climb_cmps"], -120);
    assert_eq!(value["updates"]["objects"].get("ground"), None);
}

#[test]
fn a_client_writes_json_by_hand() {
    let text = r#"{"request_id": 3, "subscribe": {"circle": {"latitude_deg": 46.5, "longitude_deg": 8, "radius_km": 50},
                   "kinds": ["aircraft", "thermal"], "follow_devices": ["110B90"], "rate": "5s"}}"#;
    let message: v1::ClientMessage = serde_json::from_str(text).expect("reads");
    let Some(client_message::Message::Subscribe(subscribe)) = message.message else { panic!("not a subscribe") };
    assert_eq!(message.request_id, 3);
    assert!(matches!(subscribe.region, Some(subscribe::Region::Circle(circle)) if circle.radius_km == 50.0));
    assert_eq!(subscribe.kinds, [v1::ObjectKind::Aircraft as i32, v1::ObjectKind::Thermal as i32]);
    assert_eq!(subscribe.follow_devices, [0x11_0B90]);
    assert_eq!(subscribe.rate(), v1::RateClass::Every5s);
    let ping: v1::ClientMessage = serde_json::from_str(r#"{"ping": {}}"#).expect("reads");
    assert!(matches!(ping.message, Some(client_message::Message::Ping(_))));
}

/// An unknown kind is not silently dropped from the list: nothing is taken, and the session answers with an error.
#[test]
fn a_client_message_that_does_not_fit_has_no_content() {
    let text = r#"{"request_id": 4, "subscribe": {"kinds": ["bird"]}}"#;
    let message: v1::ClientMessage = serde_json::from_str(text).expect("reads");
    assert_eq!((message.request_id, message.message), (4, None));
}
