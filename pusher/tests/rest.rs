//! REST, asked over HTTP.

#[path = "live/stage.rs"]
mod stage;

use std::sync::Arc;

use prost::Message as _;
use schemas::v1;
use serde_json::Value;
use stage::{Stage, aircraft};
use streams::{EmbeddedLog, EmbeddedSettings};

async fn json(stage: &Stage, path: &str) -> Value {
    stage.get(path).await.json().await.expect("JSON")
}

#[tokio::test]
async fn lists_are_cut_by_region_age_and_type() {
    let stage = Stage::open().await;
    stage.publish_aircraft(&aircraft(1, 1, 46.5, 8.0)).await;
    stage.publish_aircraft(&aircraft(2, 1, 47.5, 8.0)).await;
    stage.publish_aircraft(&aircraft(3, 1, -17.0, 179.9)).await;
    stage.sees_pilots(3).await;
    let count =
        async |query: &str| json(&stage, &format!("/api/v1/pilots?{query}")).await["pilots"].as_array().map(Vec::len);
    assert_eq!(count("bounds=46,7,47,9").await, Some(1));
    assert_eq!(count("bounds=-20,179,-10,-179").await, Some(1), "over the date line");
    assert_eq!(count("bounds=-90,-180,90,180").await, Some(3));
    assert_eq!(count("lat=46.5&lon=8&radius=10").await, Some(1));
    assert_eq!(count("types=paraglider").await, Some(3));
    assert_eq!(count("types=glider,uav").await, Some(0));
    assert_eq!(count("max_age_s=60").await, Some(0), "they were heard in 1970");
    let pilot = &json(&stage, "/api/v1/pilots?lat=46.5&lon=8&radius=10").await["pilots"][0];
    assert_eq!(
        (&pilot["device"], &pilot["aircraft_kind"], &pilot["version"]),
        (&"000001".into(), &"paraglider".into(), &"1".into())
    );
    stage.close().await;
}

#[tokio::test]
async fn protobuf_etag_and_compression_are_answered_as_asked() {
    let stage = Stage::open().await;
    stage.publish_aircraft(&aircraft(1, 1, 46.5, 8.0)).await;
    stage.sees_pilots(1).await;
    let answer = stage.get_with("/api/v1/pilots", "accept", "application/x-protobuf").await;
    assert_eq!(answer.headers()["content-type"], "application/x-protobuf");
    let etag = answer.headers()["etag"].to_str().unwrap().to_owned();
    let list = v1::PilotList::decode(answer.bytes().await.unwrap()).unwrap();
    assert_eq!(list.pilots, [aircraft(1, 1, 46.5, 8.0)]);
    let plain = stage.get("/api/v1/pilots").await.headers()["etag"].to_str().unwrap().to_owned();
    assert_ne!(plain, etag, "another form is another answer");
    assert_eq!(stage.get_with("/api/v1/pilots", "if-none-match", &plain).await.status(), 304);
    stage.publish_aircraft(&aircraft(1, 2, 46.5, 8.1)).await;
    stage.sees_version(1, 2).await;
    assert_eq!(stage.get_with("/api/v1/pilots", "if-none-match", &plain).await.status(), 200);
    let small = stage.get_with("/api/openapi.json", "accept-encoding", "gzip").await;
    assert_eq!(small.headers()["content-encoding"], "gzip");
    stage.close().await;
}

#[tokio::test]
async fn what_cannot_be_answered_is_a_problem_document() {
    let stage = Stage::open().await;
    let problem = async |path: &str| {
        let answer = stage.get(path).await;
        assert_eq!(answer.headers()["content-type"], "application/problem+json", "{path}");
        let status = answer.status().as_u16();
        let problem: Value = answer.json().await.unwrap();
        assert_eq!(problem["status"], status, "{path}");
        (status, problem["code"].as_str().unwrap_or_default().to_owned(), problem)
    };
    let (status, code, body) = problem("/api/v1/pilots?latitude=46").await;
    assert_eq!((status, code.as_str()), (400, "unknown_parameter"));
    assert_eq!(body["known_parameters"], serde_json::json!(["lat", "lon", "radius", "bounds", "max_age_s", "types"]));
    for (path, status, code) in [
        ("/api/v1/pilots?lat=46", 400, "bad_parameter"),
        ("/api/v1/pilots?bounds=1,2,3", 400, "bad_parameter"),
        ("/api/v1/pilots?bounds=50,7,40,8", 400, "bad_region"),
        ("/api/v1/pilots?types=zeppelin", 400, "bad_parameter"),
        ("/api/v1/thermals?min_quality=6", 400, "bad_parameter"),
        ("/api/v1/devices/xyz", 400, "bad_address"),
        ("/api/v1/devices/110B90", 404, "unknown_device"),
        ("/api/v1/nothing", 404, "no_endpoint"),
        ("/ws/v1/updates", 400, "bad_handshake"),
    ] {
        let (found_status, found_code, _) = problem(path).await;
        assert_eq!((found_status, found_code.as_str()), (status, code), "{path}");
    }
    stage.close().await;
}

#[tokio::test]
async fn a_device_is_found_by_address_and_name() {
    let stage = Stage::open().await;
    stage.publish_aircraft(&aircraft(0x11_0B90, 1, 46.5, 8.0)).await;
    stage.sees_pilots(1).await;
    let known = json(&stage, "/api/v1/devices/110b90").await;
    assert_eq!(known["aircraft"]["name"], "Ada");
    assert_eq!(known.get("ground"), None);
    for (query, found) in [("ad", 1), ("110b", 1), ("zz", 0)] {
        let picture = json(&stage, &format!("/api/v1/search?q={query}")).await;
        assert_eq!(picture["pilots"].as_array().map(Vec::len), Some(found), "{query}");
    }
    assert_eq!(stage.get("/api/v1/search?q=a").await.status(), 400);
    stage.close().await;
}

#[tokio::test]
async fn probes_settings_and_page_are_on_the_same_port() {
    let stage = Stage::open_with(&["--map-start", "47,9,7.5", "--web-dir", env!("CARGO_MANIFEST_DIR")]).await;
    assert_eq!(json(&stage, "/health").await["status"], "ok");
    assert_eq!(json(&stage, "/ready").await["ready"], true);
    let config = json(&stage, "/config.json").await;
    assert_eq!(config, serde_json::json!({"center": [9.0, 47.0], "zoom": 7.5, "style": null}));
    let page = stage.get("/").await;
    assert_eq!(page.status(), 404);
    assert!(page.text().await.unwrap().contains("npm run build"), "says how to build the page");
    stage.close().await;
}

#[tokio::test]
async fn without_topics_it_says_what_is_missing_and_goes_on_when_they_come() {
    let log = Arc::new(EmbeddedLog::new(EmbeddedSettings::new(0)));
    let stage = Stage::start(log.clone(), &[]).await;
    let ready = stage.get("/ready").await;
    assert_eq!(ready.status(), 503);
    let answer = stage.get("/api/v1/pilots").await;
    assert_eq!((answer.status().as_u16(), answer.headers()["retry-after"].to_str().unwrap()), (503, "2"));
    let mut reason = String::new();
    while !reason.contains("fanet.state.aircraft.v1") {
        reason = stage.get("/ready").await.text().await.unwrap();
    }
    stage::create_topics(&log).await;
    stage.is_ready().await;
    stage.close().await;
}
