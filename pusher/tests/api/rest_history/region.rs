//! What was observed in a region, by time.

use history::{Block, BlockRows, GroundPositionRow, HistoryWriter as _, PositionRow};
use prost::Message as _;
use schemas::{RecordId, v1};
use serde_json::{Value, json};

use crate::recorded::{ADA, NAME, Recorded, STATION, recorded};
use crate::rest_history::humantime_ms;

/// South of the equator and west of Greenwich, as the flight is.
pub(crate) const REGION: &str = "bounds=-13,-71,-12,-69";

#[tokio::test]
async fn the_history_of_a_region_has_pages() {
    let recorded = recorded().await;
    let (from, to) = (humantime_ms(recorded.start_ms), humantime_ms(recorded.start_ms + 3_600_000));
    let period = format!("from={from}&to={to}");
    let (mut found, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let page = recorded.json(&format!("/api/v1/history?{REGION}&{period}&step=1&limit=90{cursor}")).await;
        assert_eq!((&page["from"], &page["to"], &page["step_s"]), (&json!(from), &json!(to), &json!(1)));
        assert_eq!(page["names"], json!([{ "device": "110B90", "name": NAME }]));
        found.extend(page["positions"].as_array().expect("a list").clone());
        pages += 1;
        let Some(next) = page["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    let position = |row: &PositionRow| {
        json!({
            "device": "110B90", "event_at_us": (row.event_at_ms * 1_000).to_string(), "latitude_deg": row.latitude_deg(),
            "longitude_deg": row.longitude_deg(), "altitude_m": row.altitude_m.map(f64::from), "speed_kmh": row.speed_kmh(),
            "climb_mps": row.climb_mps(), "course_deg": row.course_deg(), "aircraft_kind": "paraglider",
        })
    };
    let expected: Vec<Value> = recorded.positions.iter().map(position).collect();
    assert_eq!((pages, found.len()), (4, expected.len()));
    assert_eq!(found, expected);
    recorded.stage.close().await;
}

#[tokio::test]
async fn the_history_of_a_region_is_thinned_and_cut() {
    let recorded = recorded().await;
    let count = async |query: &str| {
        recorded.json(&format!("/api/v1/history?{query}")).await["positions"].as_array().map(Vec::len)
    };
    let mut minutes: Vec<i64> = recorded.positions.iter().map(|row| row.event_at_ms / 60_000).collect();
    minutes.dedup();
    assert_eq!(recorded.json("/api/v1/history").await["step_s"], 60, "of 12 hours");
    assert_eq!(count("").await, Some(minutes.len()), "of the whole world");
    assert_eq!(count(REGION).await, Some(minutes.len()));
    assert_eq!(count(&format!("{REGION}&step=1")).await, Some(300));
    assert_eq!(count("bounds=40,0,50,10").await, Some(0));
    let first = &recorded.positions[0];
    let circle = |km: u32| format!("lat={}&lon={}&radius={km}&step=1", first.latitude_deg(), first.longitude_deg());
    let near = |km: f64| {
        let circle = geo::Circle::new(first.latitude_deg(), first.longitude_deg(), km).expect("a circle");
        recorded.positions.iter().filter(|row| circle.contains(row.latitude_deg(), row.longitude_deg())).count()
    };
    assert_eq!((count(&circle(5)).await, count(&circle(50)).await), (Some(near(5.0)), Some(300)));
    assert!((10..250).contains(&near(5.0)), "{}", near(5.0));
    let response = recorded.stage.get_with("/api/v1/history?step=1", "accept", "application/x-protobuf").await;
    assert_eq!(response.headers()["content-type"], "application/x-protobuf");
    let history = v1::RegionHistory::decode(response.bytes().await.expect("a body")).expect("Protobuf");
    assert_eq!((history.positions.len(), history.names[0].name.as_str(), history.next), (300, NAME, None));
    assert_eq!(history.positions[0].event_at_us, recorded.positions[0].event_at_ms as u64 * 1_000);
    recorded.stage.close().await;
}

/// Ada walks after her landing, every minute; the sixth time she calls for help, as does a hidden device.
pub(crate) async fn landed(recorded: &Recorded) -> Vec<GroundPositionRow> {
    const WALKING: u8 = 1;
    const DISTRESS: u8 = 14;
    let last = recorded.positions.last().expect("a flight");
    let row = |i: i32| GroundPositionRow {
        device: ADA,
        event_at_ms: last.event_at_ms + i64::from(i) * 60_000,
        observation_id: RecordId::new(3, 2_000 + i as u64).0,
        ingest_delay_ms: 0,
        latitude_e7: last.latitude_e7 + i * 100,
        longitude_e7: last.longitude_e7,
        altitude_m: (i == 1).then_some(640),
        ground_type: if i == 6 { DISTRESS } else { WALKING },
        flags: 0,
        score: None,
        source: 1,
        online_tracking: true,
        private: false,
    };
    let rows: Vec<_> = (1..=6).map(row).collect();
    let hidden = GroundPositionRow { device: ADA + 1, private: true, ..row(6) };
    let ground_positions = rows.iter().cloned().chain([hidden]).collect();
    let block = Block { token: "test-0-3-9".into(), rows: BlockRows { ground_positions, ..BlockRows::default() } };
    recorded.store.write(&block).await.expect("the block is written");
    rows
}

#[tokio::test]
async fn the_history_of_a_region_has_ground_states() {
    let recorded = recorded().await;
    let rows = landed(&recorded).await;
    let position = |row: &GroundPositionRow| {
        let kind = if row.ground_type == 14 { "distress" } else { "walking" };
        let mut position = json!({
            "device": "110B90", "event_at_us": (row.event_at_ms * 1_000).to_string(), "latitude_deg": row.latitude_deg(),
            "longitude_deg": row.longitude_deg(), "ground_kind": kind,
        });
        if let Some(altitude_m) = row.altitude_m {
            position["altitude_m"] = json!(f64::from(altitude_m));
        }
        position
    };
    let expected: Vec<Value> = rows.iter().map(position).collect();
    let page = recorded.json(&format!("/api/v1/history?{REGION}&kind=ground&step=1&limit=4")).await;
    assert_eq!(page["names"], json!([{ "device": "110B90", "name": NAME }]));
    assert_eq!(page["ground"], json!(expected[..4]));
    let next = page["next"].as_str().expect("two more");
    let page = recorded.json(&format!("/api/v1/history?{REGION}&kind=ground&step=1&limit=4&cursor={next}")).await;
    assert_eq!(page["ground"], json!(expected[4..]), "with her call for help");
    assert_eq!(page.get("next"), None);
    let states =
        recorded.json("/api/v1/history?kind=ground&step=3600").await["ground"].as_array().expect("a list").clone();
    assert!(states.contains(&expected[5]), "thinning keeps a change of the state: {states:?}");
    assert_eq!(recorded.json("/api/v1/history?kind=ground&bounds=40,0,50,10").await["ground"], json!([]));
    let aircraft = recorded.json("/api/v1/history").await;
    assert_eq!((&aircraft["ground"], &aircraft["readings"]), (&json!([]), &json!([])), "only what was asked for");
    let (status, code, detail) = recorded.problem("/api/v1/history?kind=birds").await;
    assert_eq!((status, code.as_str()), (400, "bad_parameter"));
    assert!(detail.contains("aircraft, ground or weather"), "{detail}");
    recorded.stage.close().await;
}

#[tokio::test]
async fn the_history_of_a_region_has_weather() {
    let recorded = recorded().await;
    let page = recorded.json("/api/v1/history?bounds=46,7,47,9&kind=weather&step=1").await;
    let readings = page["readings"].as_array().expect("a list");
    assert_eq!((readings.len(), page["names"].clone()), (30, json!([])), "the station has no name");
    assert_eq!(
        readings[1],
        json!({
            "device": schemas::DeviceAddress(STATION).to_string(),
            "event_at_us": ((recorded.start_ms + 60_000) * 1_000).to_string(),
            "latitude_deg": 46.5, "longitude_deg": 8.0, "altitude_m": 1950.0, "temperature_c": 1.1, "wind_from_deg": 270.0,
            "wind_speed_kmh": 12.2, "wind_gust_kmh": 20.4, "pressure_hpa": 1018.2,
        })
    );
    assert_eq!(readings[0].get("temperature_c"), None, "was not sent");
    let thinned = recorded.json("/api/v1/history?bounds=46,7,47,9&kind=weather&step=600").await;
    assert!((3..=4).contains(&thinned["readings"].as_array().map_or(0, Vec::len)), "{thinned}");
    assert_eq!(recorded.json(&format!("/api/v1/history?{REGION}&kind=weather")).await["readings"], json!([]));
    recorded.stage.close().await;
}
