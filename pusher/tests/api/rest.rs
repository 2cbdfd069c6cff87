//! REST over HTTP.

use std::sync::Arc;

use crate::stage::{Client, Stage, aircraft};
use prost::Message as _;
use schemas::catalogue::{self, topic};
use schemas::v1::{self, raw_record};
use serde_json::{Value, json};
use streams::registry::Schemas;
use streams::{EmbeddedLog, EmbeddedSettings, Event, Log as _, Outgoing, SeekTo, TopicPartition};

async fn get(stage: &Stage, path: &str) -> Value {
    stage.get(path).await.json().await.expect("JSON")
}

#[tokio::test]
async fn lists_are_filtered_by_region_age_and_type() {
    let stage = Stage::open().await;
    stage.publish_aircraft(&aircraft(1, 1, 46.5, 8.0)).await;
    stage.publish_aircraft(&aircraft(2, 1, 47.5, 8.0)).await;
    stage.publish_aircraft(&aircraft(3, 1, -17.0, 179.9)).await;
    stage.until_pilots(3).await;
    let count =
        async |query: &str| get(&stage, &format!("/api/v1/pilots?{query}")).await["pilots"].as_array().map(Vec::len);
    assert_eq!(count("bounds=46,7,47,9").await, Some(1));
    assert_eq!(count("bounds=-20,179,-10,-179").await, Some(1), "over the date line");
    assert_eq!(count("bounds=-90,-180,90,180").await, Some(3));
    assert_eq!(count("lat=46.5&lon=8&radius=10").await, Some(1));
    assert_eq!(count("types=paraglider").await, Some(3));
    assert_eq!(count("types=glider,uav").await, Some(0));
    assert_eq!(count("max_age_s=60").await, Some(0), "their positions are of 1970");
    let pilot = &get(&stage, "/api/v1/pilots?lat=46.5&lon=8&radius=10").await["pilots"][0];
    assert_eq!(
        (&pilot["device"], &pilot["aircraft_kind"], &pilot["version"]),
        (&"000001".into(), &"paraglider".into(), &"1".into())
    );
    stage.close().await;
}

#[tokio::test]
async fn protobuf_etags_and_compression_work() {
    let stage = Stage::open().await;
    stage.publish_aircraft(&aircraft(1, 1, 46.5, 8.0)).await;
    stage.until_pilots(1).await;
    let response = stage.get_with("/api/v1/pilots", "accept", "application/x-protobuf").await;
    assert_eq!(response.headers()["content-type"], "application/x-protobuf");
    let etag = response.headers()["etag"].to_str().unwrap().to_owned();
    let list = v1::PilotList::decode(response.bytes().await.unwrap()).unwrap();
    assert_eq!(list.pilots, [aircraft(1, 1, 46.5, 8.0)]);
    let plain = stage.get("/api/v1/pilots").await.headers()["etag"].to_str().unwrap().to_owned();
    assert_ne!(plain, etag, "another media type has another ETag");
    assert_eq!(stage.get_with("/api/v1/pilots", "if-none-match", &plain).await.status(), 304);
    stage.publish_aircraft(&aircraft(1, 2, 46.5, 8.1)).await;
    stage.until_version(1, 2).await;
    assert_eq!(stage.get_with("/api/v1/pilots", "if-none-match", &plain).await.status(), 200);
    let compressed = stage.get_with("/api/openapi.json", "accept-encoding", "gzip").await;
    assert_eq!(compressed.headers()["content-encoding"], "gzip");
    stage.close().await;
}

#[tokio::test]
async fn an_invalid_request_gets_a_problem_document() {
    let stage = Stage::open().await;
    let problem = async |path: &str| {
        let response = stage.get(path).await;
        assert_eq!(response.headers()["content-type"], "application/problem+json", "{path}");
        let status = response.status().as_u16();
        let problem: Value = response.json().await.unwrap();
        assert_eq!(problem["status"], status, "{path}");
        (status, problem["code"].as_str().unwrap_or_default().to_owned(), problem)
    };
    let (status, code, body) = problem("/api/v1/pilots?latitude=46").await;
    assert_eq!((status, code.as_str()), (400, "unknown_parameter"));
    assert_eq!(body["known_parameters"], json!(["lat", "lon", "radius", "bounds", "max_age_s", "types"]));
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
    stage.until_pilots(1).await;
    let device = get(&stage, "/api/v1/devices/110b90").await;
    assert_eq!(device["aircraft"]["name"], "Ada");
    assert_eq!((device.get("ground"), &device["manufacturer"]), (None, &"FANET+".into()));
    for (query, found) in [("ad", 1), ("110b", 1), ("zz", 0)] {
        let picture = get(&stage, &format!("/api/v1/search?q={query}")).await;
        assert_eq!(picture["pilots"].as_array().map(Vec::len), Some(found), "{query}");
    }
    assert_eq!(stage.get("/api/v1/search?q=a").await.status(), 400);
    stage.close().await;
}

#[tokio::test]
async fn a_device_has_the_way_of_its_newest_state() {
    let stage = Stage::open().await;
    stage.publish_with_way(&aircraft(0x11_0B90, 1, 46.5, 8.0), "r=5000000,b=6000000,p=6000400").await;
    stage.until_pilots(1).await;
    let way = &get(&stage, "/api/v1/devices/110B90").await["way"];
    let known = ["version", "receiver_at_us", "bridge_at_us", "processor_at_us"].map(|name| way[name].clone());
    assert_eq!(known, ["1", "5000000", "6000000", "6000400"].map(Value::from));
    assert!(way["pusher_at_us"].is_string());
    stage.publish_aircraft(&aircraft(0x11_0B90, 2, 46.5, 8.0)).await;
    stage.until_version(1, 2).await;
    assert_eq!(get(&stage, "/api/v1/devices/110B90").await.get("way"), None, "the newer record has none");
    stage.close().await;
}

#[tokio::test]
async fn probes_settings_and_page_share_the_port() {
    let stage = Stage::open_with(&["--map-start", "47,9,7.5", "--web-dir", env!("CARGO_MANIFEST_DIR")]).await;
    assert_eq!(get(&stage, "/health").await["status"], "ok");
    assert_eq!(get(&stage, "/ready").await["ready"], true);
    let config = get(&stage, "/config.json").await;
    assert_eq!(config, json!({"center": [9.0, 47.0], "zoom": 7.5, "style": null, "basemap": null, "terrain": null}));
    let page = stage.get("/").await;
    assert_eq!(page.status(), 404);
    assert!(page.text().await.unwrap().contains("npm run build"), "explains how to build the page");
    stage.close().await;
}

#[tokio::test]
async fn a_missing_topic_is_named_and_awaited() {
    let log = Arc::new(EmbeddedLog::new(EmbeddedSettings::new(0)));
    let stage = Stage::start(log.clone(), &[]).await;
    let ready = stage.get("/ready").await;
    assert_eq!(ready.status(), 503);
    let response = stage.get("/api/v1/pilots").await;
    assert_eq!((response.status().as_u16(), response.headers()["retry-after"].to_str().unwrap()), (503, "2"));
    let is_named = || async {
        !stage.get("/ready").await.status().is_success() && stage.reasons().contains("fanet.state.aircraft.v1")
    };
    stage.until("the missing topic to be named", is_named).await;
    let public = stage.get("/ready").await.text().await.unwrap();
    assert!(public.contains("\"ready\":false") && !public.contains("fanet.state"), "without the reason: {public}");
    crate::stage::create_topics(&log).await;
    stage.until_ready().await;
    stage.close().await;
}

#[tokio::test]
async fn a_snapshot_has_the_requested_kinds() {
    let stage = Stage::open().await;
    stage.publish_aircraft(&aircraft(1, 1, 46.5, 8.0)).await;
    let ground =
        v1::GroundState { device: 2, version: 1, position: aircraft(2, 1, 46.5, 8.0).position, ..Default::default() };
    stage.publish_value(topic::GROUND, "000002", &ground).await;
    stage.until_pilots(1).await;
    stage
        .until("the ground object", || async { get(&stage, "/api/v1/ground").await["ground"][0]["device"] == "000002" })
        .await;
    for region in ["", "lat=46.5&lon=8&radius=10&"] {
        for (query, expected) in [("", (1, 1)), ("kinds=ground", (0, 1)), ("kinds=aircraft,alert", (1, 0))] {
            let picture = get(&stage, &format!("/api/v1/snapshot?{region}{query}")).await;
            let count = |list: &str| picture[list].as_array().map_or(9, Vec::len);
            assert_eq!((count("pilots"), count("ground")), expected, "{region}{query}");
            assert!(picture["resume"].as_str().is_some_and(|token| !token.is_empty()));
        }
    }
    stage.close().await;
}

#[tokio::test]
async fn a_name_of_the_go_backend_gets_the_new_one() {
    let stage = Stage::open().await;
    let page = include_str!("../../../docs/coming-from-the-go-backend.md");
    let section = page.split("\n## ").find(|section| section.starts_with("Parameters that have another name")).unwrap();
    let rows: Vec<Vec<&str>> =
        section.lines().filter(|line| line.starts_with("| `")).map(|row| row.split('`').collect()).collect();
    assert_eq!(rows.len(), 8);
    for row in rows {
        let (old, new) = (row[1], row[3]);
        for endpoint in ["snapshot", "pilots", "thermals", "devices/110B90", "search"] {
            let response = stage.get(&format!("/api/v1/{endpoint}?{old}=1")).await;
            assert_eq!(response.status(), 400, "{endpoint} {old}");
            let problem: Value = response.json().await.unwrap();
            assert_eq!(
                (&problem["code"], &problem["new_name"]),
                (&"unknown_parameter".into(), &new.into()),
                "{problem}"
            );
            assert!(problem["detail"].as_str().unwrap().contains(new), "{problem}");
        }
    }
    let problem: Value = stage.get("/metrics").await.json().await.unwrap();
    assert_eq!((&problem["code"], &problem["status"]), (&"moved".into(), &404.into()));
    stage.close().await;
}

#[tokio::test]
async fn winds_are_those_of_the_cells_of_a_region() {
    let stage = Stage::open().await;
    let wind = |base_altitude_m: i32, version: u64| v1::WindState {
        cell: "u0m7".to_owned(),
        base_altitude_m,
        top_altitude_m: base_altitude_m + 500,
        version,
        wind_from_deg: 270.0,
        wind_speed_kmh: 18.5,
        pilots: 3,
        last_seen_at_us: now_us(),
        ..Default::default()
    };
    stage.publish_value(topic::WIND, "u0m7/1500", &wind(1_500, 4)).await;
    stage.publish_value(topic::WIND, "u0m7/2000", &wind(2_000, 5)).await;
    let count =
        async |query: &str| get(&stage, &format!("/api/v1/winds?{query}")).await["winds"].as_array().map(Vec::len);
    stage.until("two winds", || async { count("").await == Some(2) }).await;
    let list = get(&stage, "/api/v1/winds").await;
    let cell: geo::Cell = "u0m7".parse().unwrap();
    let (middle, bounds) = (&list["winds"][0]["position"], cell.bounds());
    assert_eq!(middle["latitude_deg"].as_f64(), Some((bounds.south_deg() + bounds.north_deg()) / 2.0));
    assert_eq!(middle["altitude_m"], 1_750.0);
    assert_eq!((&list["winds"][1]["wind"]["wind_speed_kmh"], &list["truncated"]), (&json!(18.5), &json!(false)));
    let (lat, lon) = (bounds.south_deg(), bounds.west_deg());
    assert_eq!(count(&format!("lat={lat}&lon={lon}&radius=1")).await, Some(2), "at a corner");
    assert_eq!(count("bounds=-10,0,10,10").await, Some(0));
    assert_eq!(count("max_age_s=600").await, Some(2));
    assert_eq!(stage.get("/api/v1/winds?types=paraglider").await.status(), 400);
    let response = stage.get_with("/api/v1/winds", "accept", "application/x-protobuf").await;
    let list = v1::WindList::decode(response.bytes().await.unwrap()).unwrap();
    assert_eq!(list.winds[0].wind.as_ref().map(|wind| wind.version), Some(4));
    let ended = Outgoing { key: Some("u0m7/1500".into()), ..stage.record(topic::WIND, 0, None, 6) };
    stage.publish(ended).await;
    stage.until("one wind", || async { count("").await == Some(1) }).await;
    stage.close().await;
}

#[tokio::test]
async fn the_documentation_lists_all_endpoints() {
    let stage = Stage::open().await;
    let page = stage.get("/api/docs").await;
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    let text = page.text().await.unwrap();
    for path in ["/api/v1/snapshot", "/api/v1/alerts", "/api/v1/position", "/api/openapi.json"] {
        assert!(text.contains(path), "{path}");
    }
    stage.close().await;
}

const KEYS: &str = "[[sender]]\nkey = \"0123456789abcdef\"\ndevice = \"110B90\"\npublic = true\nname = \"Ada\"\n";

fn now_us() -> u64 {
    runtime::Clock::system().now_us()
}

fn report() -> Value {
    json!({ "positioned_at_us": now_us().to_string(), "latitude_deg": 46.5, "longitude_deg": 8.25, "climb_mps": 1.5 })
}

#[tokio::test]
async fn a_position_becomes_a_raw_record() {
    let keys = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(keys.path(), KEYS).unwrap();
    let stage = Stage::open_with(&["--position-keys", keys.path().to_str().unwrap()]).await;
    let sent = report();
    let response = stage.post("/api/v1/position", Some("0123456789abcdef"), "application/json", sent.to_string()).await;
    assert_eq!(response.status(), 202);
    let id: schemas::RecordId = response.headers()["x-observation-id"].to_str().unwrap().parse().unwrap();

    let partition = TopicPartition::new(topic::RAW, id.partition().into());
    assert_eq!(
        partition.partition,
        streams::partitioner::partition_of(b"110B90", 24),
        "the partition of the device's frames"
    );
    let mut source = stage.log.read(vec![(partition, SeekTo::Offset(id.offset()))]).await.unwrap();
    let record = loop {
        if let Event::Records(records) = source.next().await.unwrap() {
            break records[0].clone();
        }
    };
    assert_eq!((record.key.as_deref(), record.offset), (Some(&b"110B90"[..]), id.offset()));
    let codec = Schemas::local().prepare("", &catalogue::find(topic::RAW).unwrap()).await.unwrap();
    let raw: v1::RawRecord = codec.decode(&record.value.unwrap()).unwrap();
    let Some(raw_record::Input::AppPosition(position)) = raw.input else { panic!("{raw:?}") };
    let name = position.name.as_deref();
    assert_eq!((position.device, position.public, name, position.climb_mps), (0x11_0B90, true, Some("Ada"), Some(1.5)));
    assert_eq!(sent["positioned_at_us"], position.positioned_at_us.to_string());
    assert!(raw.ingested_at_us >= position.positioned_at_us);

    // Ten at once, one a second.
    let again = async || {
        stage.post("/api/v1/position", Some("0123456789abcdef"), "application/json", report().to_string()).await
    };
    let mut accepted = 1;
    let limited = loop {
        let answer = again().await;
        if answer.status() != 202 {
            break answer;
        }
        accepted += 1;
    };
    assert!((10..30).contains(&accepted), "{accepted}");
    assert_eq!(
        (limited.status(), &limited.headers()["retry-after"]),
        (reqwest::StatusCode::TOO_MANY_REQUESTS, &"1".parse().unwrap())
    );
    stage.close().await;
}

#[tokio::test]
async fn an_invalid_position_is_refused() {
    let keys = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(keys.path(), KEYS).unwrap();
    let stage = Stage::open_with(&["--position-keys", keys.path().to_str().unwrap()]).await;
    let key = Some("0123456789abcdef");
    let (json_type, old) =
        ("application/json", json!({ "positioned_at_us": "1", "latitude_deg": 46.5, "longitude_deg": 8 }));
    let cases = [
        (None, json_type, report().to_string(), 401, "unauthorized"),
        (Some("0123456789abcdeX"), json_type, report().to_string(), 401, "unauthorized"),
        (key, json_type, "{".to_owned(), 400, "bad_body"),
        (key, json_type, old.to_string(), 400, "bad_time"),
        (key, json_type, report().to_string().replace("46.5", "460"), 400, "bad_value"),
        (key, json_type, report().to_string().replace("climb_mps", "climb"), 400, "unknown_field"),
        (key, json_type, format!("{}{}", report(), " ".repeat(5_000)), 413, "too_large"),
        (key, "text/plain", report().to_string(), 415, "unsupported_media_type"),
        (key, "application/x-protobuf", "\u{1}".to_owned(), 400, "bad_body"),
    ];
    for (key, media_type, body, status, code) in cases {
        let response = stage.post("/api/v1/position", key, media_type, body).await;
        assert_eq!(response.headers().contains_key("www-authenticate"), status == 401);
        assert_eq!(response.status(), status, "{code}");
        let problem: Value = response.json().await.unwrap();
        assert_eq!(problem["code"], code);
    }
    stage.close().await;
    let closed = Stage::open().await;
    assert_eq!(closed.post("/api/v1/position", key, json_type, report().to_string()).await.status(), 401);
    closed.close().await;
}

#[tokio::test]
async fn viewers_are_counted() {
    let stage = Stage::open().await;
    assert_eq!(get(&stage, "/api/v1/presence").await["connections_here"], 0);
    let client = Client::connect(&stage, "lat=46.5&lon=8&radius=50", "updraft.v1.proto").await;
    let here = async || get(&stage, "/api/v1/presence").await["connections_here"].as_i64();
    stage.until("the client to be counted", || async { here().await == Some(1) }).await;
    let presence = get(&stage, "/api/v1/presence").await;
    assert!(presence["server_time"].is_string());
    assert!(
        presence.get("connections").is_none() && presence.get("instances").is_none(),
        "Redis is not set: {presence}"
    );
    assert_eq!(stage.get("/api/v1/presence?bounds=1,2,3,4").await.status(), 400, "it has no parameters");
    drop(client);
    stage.until("the client not to be counted any more", || async { here().await == Some(0) }).await;
    stage.close().await;
}

/// With the requests that browsers send before a page of another origin may send a header.
#[tokio::test]
async fn preflights_are_answered_on_every_route() {
    let stage = Stage::open().await;
    let document = get(&stage, "/api/openapi.json").await;
    let client = reqwest::Client::new();
    let mut requests = 0;
    for (path, item) in document["paths"].as_object().expect("paths") {
        for method in item.as_object().expect("methods").keys().filter(|key| ["get", "post"].contains(&key.as_str())) {
            let url = format!("http://{}{}", stage.address, path.replace("{address}", "110B90"));
            let preflight = client
                .request(reqwest::Method::OPTIONS, url)
                .header("origin", "https://club.example")
                .header("access-control-request-method", method.to_uppercase())
                .header("access-control-request-headers", "authorization,if-none-match");
            let response = preflight.send().await.expect("a response");
            let header =
                |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
            assert!(response.status().is_success(), "{method} {path}: {}", response.status());
            assert_eq!(header("access-control-allow-origin"), "*", "{method} {path}");
            assert_eq!(header("access-control-allow-headers"), "authorization,if-none-match", "{method} {path}");
            assert!(header("access-control-allow-methods").contains(&method.to_uppercase()), "{method} {path}");
            requests += 1;
        }
    }
    assert!(requests > 10, "the document lists {requests} routes");
    let refused = client.delete(format!("http://{}/api/v1/pilots", stage.address)).send().await.expect("a response");
    assert_eq!(refused.status(), 405, "other methods are refused");
    stage.close().await;
}
