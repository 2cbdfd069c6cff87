//! The rows of each message, and values that do not fit.

use history::{ErasureRow, NameRow, PositionRow, flag};
use schemas::v1::observation::Body;
use schemas::v1::reception::Content;
use schemas::v1::{
    AircraftPosition, AlertState, AlertStatus, DeviceName, Erased, GroundPosition, HeardFrame, ObservationFlag,
    Position, PrivacyState, ReceiverState, Reception, SourceKind, TextMessage, ThermalState, WeatherReading,
};
use streams::Headers;
use streams::registry::Schemas;

use super::*;

const AT_US: u64 = 1_780_308_000_123_456;
const AT_MS: i64 = 1_780_308_000_123;
const ID: u64 = 17 << 48 | 123_456;

async fn made(topic: &'static str, message: &impl Message) -> Result<BlockRows, &'static str> {
    let codec = codec(topic).await;
    of_value(topic, &codec, Some(codec.encode(message)))
}

async fn codec(topic: &str) -> TopicCodec {
    let topic = schemas::catalogue::find(topic).expect("in the catalogue");
    Schemas::local().prepare("", &topic).await.expect("has a schema")
}

fn of_value(topic: &str, codec: &TopicCodec, value: Option<bytes::Bytes>) -> Result<BlockRows, &'static str> {
    let headers = Headers::new();
    let record =
        Incoming { topic: topic.into(), partition: 17, offset: 5, timestamp_ms: AT_MS, key: None, value, headers };
    let mut rows = BlockRows::default();
    add(topic, codec, &record, &mut rows).map_err(|reject| reject.reason)?;
    Ok(rows)
}

fn position(latitude_deg: f64, longitude_deg: f64, altitude_m: Option<f64>) -> Option<Position> {
    Some(Position { latitude_deg, longitude_deg, altitude_m })
}

fn observation(body: Body) -> Observation {
    Observation {
        observation_id: ID,
        event_at_us: AT_US,
        ingested_at_us: AT_US + 1_500_000,
        device: 0x11_0B90,
        flags: vec![ObservationFlag::Delayed.into(), ObservationFlag::Implausible.into()],
        source: SourceKind::Radio.into(),
        score: Some(95),
        body: Some(body),
        ..Observation::default()
    }
}

fn flying() -> AircraftPosition {
    AircraftPosition {
        position: position(47.123_456_78, -11.5, Some(1_234.4)),
        online_tracking: true,
        aircraft_kind: 2,
        speed_kmh: 37.5,
        climb_mps: -1.2,
        course_deg: Some(268.593_75),
        turn_rate_dps: Some(-12.25),
        qne_offset_m: None,
    }
}

#[tokio::test]
async fn position_values_are_kept_in_the_columns_units() {
    let rows = made(topic::OBSERVATION, &observation(Body::Position(flying()))).await.expect("rows");
    let expected = PositionRow {
        device: 0x11_0B90,
        event_at_ms: AT_MS,
        observation_id: ID,
        ingest_delay_ms: 1_500,
        latitude_e7: 471_234_568,
        longitude_e7: -115_000_000,
        altitude_m: Some(1_234),
        speed_dkmh: 375,
        climb_cmps: -120,
        course_cdeg: Some(26_859),
        turn_rate_cdps: Some(-1_225),
        qne_offset_m: None,
        aircraft_kind: 2,
        flags: flag::DELAYED | flag::IMPLAUSIBLE,
        score: Some(95),
        source: 1,
        online_tracking: true,
        private: false,
    };
    assert_eq!(rows, BlockRows { positions: vec![expected], ..BlockRows::default() });
}

#[tokio::test]
async fn records_of_the_private_topic_are_private() {
    let hidden = observation(Body::Position(flying()));
    assert!(made(topic::PRIVATE_OBSERVATION, &hidden).await.expect("rows").positions[0].private);
    let erased = observation(Body::Erased(Erased { command_id: "c".into() }));
    let rows = made(topic::PRIVATE_OBSERVATION, &erased).await.expect("rows");
    assert_eq!(rows.erasures, [ErasureRow { device: 0x11_0B90, observation_id: ID, erased_at_ms: AT_MS }]);
}

#[tokio::test]
async fn each_body_goes_to_its_table_or_nowhere() {
    let count = async |body| {
        let rows = made(topic::OBSERVATION, &observation(body)).await.expect("rows");
        let BlockRows { positions, ground_positions, weather, names, .. } = &rows;
        (positions.len(), ground_positions.len(), weather.len(), names.len(), rows.len())
    };
    let ground = GroundPosition { position: position(0.0, 180.0, None), ground_type: 15, ..GroundPosition::default() };
    assert_eq!(count(Body::GroundPosition(ground)).await, (0, 1, 0, 0, 1));
    let reading = WeatherReading { temperature_c: Some(-40.5), humidity_pct: Some(102.0), ..WeatherReading::default() };
    assert_eq!(count(Body::Weather(reading)).await, (0, 0, 1, 0, 1));
    assert_eq!(count(Body::Name(DeviceName { name: "Zoë".into() })).await, (0, 0, 0, 1, 1));
    assert_eq!(count(Body::Message(TextMessage::default())).await, (0, 0, 0, 0, 0));
}

#[tokio::test]
async fn a_position_with_a_name_makes_both_rows() {
    let named = Observation { sent_name: Some("Zoë".into()), ..observation(Body::Position(flying())) };
    for (topic, private) in [(topic::OBSERVATION, false), (topic::PRIVATE_OBSERVATION, true)] {
        let rows = made(topic, &named).await.expect("rows");
        let expected =
            NameRow { device: 0x11_0B90, event_at_ms: AT_MS, observation_id: ID, name: "Zoë".into(), private };
        assert_eq!((rows.positions.len(), rows.names), (1, vec![expected]));
    }
}

#[tokio::test]
async fn event_times_far_from_ingest_are_moved_and_marked() {
    let day_us = 86_400_000_000;
    let cases = [
        (AT_US - 6 * day_us, AT_MS - 6 * 86_400_000, 0),
        (AT_US - 3_650 * day_us, AT_MS + 1_500 - 7 * 86_400_000, flag::CLAMPED),
        (0, AT_MS + 1_500 - 7 * 86_400_000, flag::CLAMPED),
        (AT_US + day_us, AT_MS + 1_500 + 3_600_000, flag::CLAMPED),
        (u64::MAX, AT_MS + 1_500 + 3_600_000, flag::CLAMPED),
    ];
    for (event_at_us, event_at_ms, flags) in cases {
        let observed = Observation { event_at_us, flags: Vec::new(), ..observation(Body::Position(flying())) };
        let row = made(topic::OBSERVATION, &observed).await.expect("rows").positions.remove(0);
        assert_eq!((row.event_at_ms, row.flags), (event_at_ms, flags), "{event_at_us}");
        assert_eq!(row.ingested_at_ms(), AT_MS + 1_500);
    }
}

#[tokio::test]
async fn values_that_do_not_fit_are_rejects() {
    let with = |change: fn(&mut AircraftPosition)| {
        let mut report = flying();
        change(&mut report);
        observation(Body::Position(report))
    };
    let cases = [
        (with(|report| report.position = position(91.0, 0.0, None)), "out_of_range"),
        (with(|report| report.position = position(f64::NAN, 0.0, None)), "out_of_range"),
        (with(|report| report.position = position(0.0, 0.0, Some(40_000.0))), "out_of_range"),
        (with(|report| report.position = None), "no_position"),
        (with(|report| report.speed_kmh = -1.0), "out_of_range"),
        (with(|report| report.speed_kmh = f64::INFINITY), "out_of_range"),
        (with(|report| report.climb_mps = 400.0), "out_of_range"),
        (with(|report| report.course_deg = Some(f64::NAN)), "out_of_range"),
        (with(|report| report.aircraft_kind = 300), "out_of_range"),
        (Observation { device: 0x0100_0000, ..with(|_| {}) }, "out_of_range"),
        (Observation { score: Some(256), ..with(|_| {}) }, "out_of_range"),
        (Observation { ingested_at_us: 7, ..with(|_| {}) }, "out_of_range"),
        (Observation { ingested_at_us: u64::MAX, ..with(|_| {}) }, "out_of_range"),
        (Observation { observation_id: u64::MAX, ..with(|_| {}) }, "out_of_range"),
    ];
    for (index, (observation, reason)) in cases.into_iter().enumerate() {
        assert_eq!(made(topic::OBSERVATION, &observation).await, Err(reason), "case {index}");
    }
}

#[tokio::test]
async fn unreadable_values_reject_and_tombstones_add_no_row() {
    let codec = codec(topic::ALERT).await;
    assert_eq!(of_value(topic::ALERT, &codec, None), Ok(BlockRows::default()));
    let reason = of_value(topic::ALERT, &codec, Some("not framed".into())).expect_err("no message");
    assert!(reason.starts_with("framing"), "{reason}");
}

#[tokio::test]
async fn states_and_receptions_become_rows() {
    let heard = HeardFrame {
        observation_id: Some(ID),
        rssi_dbm: -97,
        snr_db: 6,
        receiver_stamp_s: 1_780_308_000,
        relayed: true,
        packet_type: Some(1),
        position: position(47.0, 11.0, Some(1_000.0)),
        device: Some(7),
        ..HeardFrame::default()
    };
    let reception = Reception {
        reception_id: ID,
        receiver_id: "Alpha".into(),
        ingested_at_us: AT_US,
        content: Some(Content::HeardFrame(heard)),
    };
    let row = made(topic::RECEPTION, &reception).await.expect("rows").receptions.remove(0);
    assert_eq!((row.receiver_id.as_str(), row.rssi_dbm, row.relayed), ("Alpha", -97, true));
    assert_eq!((row.latitude_e7, row.altitude_m, row.ingested_at_ms), (Some(470_000_000), Some(1_000), AT_MS));
    assert_eq!(row.device, Some(7));
    let clock = Reception { content: Some(Content::Clock(schemas::v1::PartitionClock::default())), ..reception };
    assert!(made(topic::RECEPTION, &clock).await.expect("nothing").is_empty());

    let alert = AlertState {
        alert_id: ID,
        device: 7,
        version: 9,
        alert_kind: 15,
        status: AlertStatus::Acknowledged.into(),
        opened_at_us: AT_US,
        refreshed_at_us: AT_US,
        acknowledged_at_us: Some(AT_US),
        acknowledged_by: Some("tower".into()),
        ..AlertState::default()
    };
    let row = made(topic::ALERT, &alert).await.expect("rows").alerts.remove(0);
    assert_eq!((row.alert_kind, row.status, row.acknowledged_at_ms, row.resolved_at_ms), (15, 2, Some(AT_MS), None));

    let thermal = ThermalState {
        thermal_id: ID,
        version: 9,
        position: position(47.0, 11.0, Some(1_500.5)),
        first_seen_at_us: AT_US,
        last_seen_at_us: AT_US,
        max_climb_mps: 4.5,
        ..ThermalState::default()
    };
    let row = made(topic::THERMAL, &thermal).await.expect("rows").thermals.remove(0);
    assert_eq!((row.altitude_m, row.max_climb_mps, row.wind_from_deg), (Some(1_500.5), 4.5, None));
    let infinite = ThermalState { radius_m: f64::INFINITY, ..thermal };
    assert_eq!(made(topic::THERMAL, &infinite).await, Err("out_of_range"));

    let receiver = ReceiverState { receiver_id: "Alpha".into(), last_seen_at_us: AT_US, ..ReceiverState::default() };
    let row = made(topic::RECEIVER, &receiver).await.expect("rows").receivers.remove(0);
    assert_eq!((row.latitude_e7, row.configured), (None, false));
}

#[tokio::test]
async fn a_privacy_state_becomes_a_row() {
    let hidden = PrivacyState { device: 7, version: 9, hidden: true, denied: true, ..PrivacyState::default() };
    let row = made(topic::PRIVACY, &hidden).await.expect("rows").privacy.remove(0);
    assert_eq!((row.device, row.version, row.hidden, row.denied, row.refused), (7, 9, true, true, false));
    assert_eq!(row.state(), hidden);
    let shown = PrivacyState { public_since_us: AT_US, ..PrivacyState { hidden: false, ..hidden } };
    let row = made(topic::PRIVACY, &shown).await.expect("rows").privacy.remove(0);
    assert_eq!((row.hidden, row.public_since_ms), (false, AT_MS));
    let bad = PrivacyState { device: 1 << 24, ..hidden };
    assert!(made(topic::PRIVACY, &bad).await.is_err(), "no address");
}
