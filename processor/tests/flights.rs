//! A flight through the live core and through the history: take-off and landing are the same.

use air::core::{Core, Outputs, RawInput, Settings};
use futures::TryStreamExt as _;
use geo::Position;
use geo::distance::offset;
use history::{
    Block, BlockRows, FlightQuery, HistoryReader as _, HistoryWriter as _, Period, Retention, Sqlite, TrackQuery,
    Visibility,
};
use processor::historian::rows;
use runtime::Clock;
use schemas::catalogue::{self, topic};
use schemas::object::State;
use schemas::v1::raw_record::Input;
use schemas::v1::{AircraftState, AppPosition, Observation, RawRecord};
use streams::registry::{Schemas, TopicCodec};
use streams::{Headers, Incoming};

const START_US: u64 = 1_780_308_000_000_000;
const SECOND_US: u64 = 1_000_000;
const DEVICE: u32 = 0x11_0B90;

/// A part of a flight: seconds, speed over ground, climb.
type Part = (u64, f64, f64);

/// Flies the parts with a position every five seconds, after a first position that is wrong.
fn fly(parts: &[Part]) -> (Option<AircraftState>, Vec<Observation>) {
    let mut core = Core::new(3, Settings::default());
    let (mut out, mut state, mut observations) = (Outputs::default(), None, Vec::new());
    let (mut position, mut altitude_m, mut at_us, mut number) = (Position::new(46.2, 13.6), 800.0, START_US, 0);
    let mut send = |at: Position, altitude_m: f64, speed_kmh: f64, climb_mps: f64, at_us: u64| {
        let position = schemas::v1::Position {
            latitude_deg: at.latitude_deg,
            longitude_deg: at.longitude_deg,
            altitude_m: Some(altitude_m),
        };
        let report = AppPosition {
            device: DEVICE,
            positioned_at_us: at_us,
            position: Some(position),
            aircraft_kind: Some(schemas::v1::AircraftKind::Paraglider.into()),
            speed_kmh: Some(speed_kmh),
            climb_mps: Some(climb_mps),
            public: true,
            ..AppPosition::default()
        };
        let input = Some(Input::AppPosition(report));
        let record = RawRecord { ingested_at_us: at_us, receiver_id: None, origin_id: None, input };
        out.clear();
        core.apply(&RawInput { offset: number, record: &record }, &mut out);
        number += 1;
        observations.append(&mut out.observations);
        for change in out.states.drain(..) {
            if let Some(State::Aircraft(aircraft)) = change.state {
                state = Some(aircraft);
            }
        }
    };
    send(Position::new(1.0, 1.0), 5.0, 0.0, 0.0, at_us);
    for (seconds, speed_kmh, climb_mps) in parts {
        for _ in 0..seconds / 5 {
            at_us += 5 * SECOND_US;
            send(position, altitude_m, *speed_kmh, *climb_mps, at_us);
            position = offset(position, 90.0, speed_kmh / 3.6 * 5.0);
            altitude_m += climb_mps * 5.0;
        }
    }
    (state, observations)
}

async fn recorded(observations: &[Observation]) -> Vec<history::FlightRow> {
    let store = store_of(observations).await;
    store.flights(FlightQuery { limit: 10, ..FlightQuery::default() }).await.expect("read")
}

async fn store_of(observations: &[Observation]) -> Sqlite {
    let catalogued = catalogue::find(topic::OBSERVATION).expect("in the catalogue");
    let codec: TopicCodec = Schemas::local().prepare("", &catalogued).await.expect("has a schema");
    let mut rows = BlockRows::default();
    for (offset, observation) in (0..).zip(observations) {
        let (key, value, headers) = (None, Some(codec.encode(observation)), Headers::new());
        let record =
            Incoming { topic: topic::OBSERVATION.into(), partition: 3, offset, timestamp_ms: 0, key, value, headers };
        rows::add(topic::OBSERVATION, &codec, &record, &mut rows).expect("a row");
    }
    let clock = Clock::manual(START_US + 3 * 3_600 * SECOND_US);
    let store = Sqlite::open(None, Retention::default(), clock).expect("opened");
    store.write(&Block { token: "t-3-0-1".into(), rows }).await.expect("written");
    store.refresh().await.expect("refreshed");
    store
}

/// An app without a network sends its positions two hours later: they are in the public track.
#[tokio::test]
async fn late_app_positions_are_in_the_public_track() {
    let mut core = Core::new(3, Settings::default());
    let (mut out, mut observations) = (Outputs::default(), Vec::new());
    for number in 0..10 {
        let at_us = START_US + number * 5 * SECOND_US;
        let report = AppPosition {
            device: DEVICE,
            positioned_at_us: at_us,
            position: Some(schemas::v1::Position { latitude_deg: 46.2, longitude_deg: 13.6, altitude_m: Some(900.0) }),
            public: true,
            name: Some("Eva".into()),
            ..AppPosition::default()
        };
        let record = RawRecord {
            // One a second: the rate that the endpoint accepts.
            ingested_at_us: START_US + (7_200 + number) * SECOND_US,
            receiver_id: None,
            origin_id: None,
            input: Some(Input::AppPosition(report)),
        };
        out.clear();
        core.apply(&RawInput { offset: number, record: &record }, &mut out);
        observations.append(&mut out.observations);
    }
    let store = store_of(&observations).await;
    let (from_ms, to_ms) = ((START_US / 1_000).cast_signed(), ((START_US + 60 * SECOND_US) / 1_000).cast_signed());
    let track = TrackQuery {
        device: DEVICE,
        period: Period { from_ms, to_ms },
        visibility: Visibility::Public,
        plausible_only: true,
        limit: 100,
    };
    let rows: Vec<_> = store.track(track).try_concat().await.expect("read");
    assert_eq!(rows.len(), 10, "{rows:?}");
    let names = store.names_at(&[DEVICE], to_ms).await.expect("read");
    assert_eq!(names.get(&DEVICE).map(String::as_str), Some("Eva"));
}

#[tokio::test]
async fn live_and_history_agree_on_a_flight() {
    let stand = (60, 0.0, 0.0);
    let (climb, soar, glide, pack) = ((600, 30.0, 1.2), (1_200, 2.0, 0.0), (400, 36.0, -1.5), (300, 0.3, 0.0));
    for (parts, flights) in [
        (&[stand, climb, glide, pack][..], 1),
        (&[stand, climb, soar, glide, pack], 1),
        (&[stand, climb, glide, pack, climb, glide, pack], 2),
    ] {
        let (state, observations) = fly(parts);
        let state = state.expect("shown");
        let found = recorded(&observations).await;
        assert_eq!(found.len(), flights, "{found:?}");
        let ms = |at_us: Option<u64>| at_us.map(|at_us| (at_us / 1_000).cast_signed());
        let newest = &found[0];
        assert_eq!(ms(state.take_off_at_us), Some(newest.take_off_at_ms));
        assert_eq!(ms(state.landed_at_us), Some(newest.landed_at_ms));
        assert!((newest.take_off_deg().0 - 46.2).abs() < 0.01 && newest.distance_m < 20_000, "{newest:?}");
    }
}
