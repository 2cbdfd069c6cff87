//! The positions of a region by time.

use history::PositionRow;
use prost::Message as _;
use schemas::v1;
use serde_json::{Value, json};

use crate::recorded::{NAME, recorded};
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
