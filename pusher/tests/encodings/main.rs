//! Every endpoint, asked as browsers, curl and Python ask, over HTTP/1.1 and HTTP/2: whatever encoding is agreed, the decoded
//! body is the same, byte for byte. A new endpoint is among them as soon as the OpenAPI document has it.

mod breaking;
mod clients;
#[path = "../live/past.rs"]
mod past;
#[path = "../live/stage.rs"]
mod stage;
mod targets;

use std::sync::Arc;

use breaking::Breaking;
use clients::{Answer, CLIENTS, accepted, askers};
use past::{ADA, flight, past_at};
use reqwest::Method;
use reqwest::header::{
    ACCEPT_RANGES, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, DATE, ETAG, TRANSFER_ENCODING, VARY,
};
use runtime::Clock;
use serde_json::Value;
use stage::{Stage, aircraft};
use targets::{Target, targets};

/// A pusher whose time stands still, so that the same question has the same answer, and all that it can be asked.
async fn open() -> (Stage, Vec<Target>) {
    // A page that is there, whether the map was built or not.
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/clients/javascript");
    let stage = past_at(Clock::manual(Clock::system().now_us()), &["--web-dir", page]).await.stage;
    stage.publish_aircraft(&aircraft(ADA, 1, 46.5, 8.0)).await;
    stage.sees_pilots(1).await;
    let document: Value = stage.get("/api/openapi.json").await.json().await.expect("JSON");
    let targets = targets(&document);
    assert!(targets.len() > 40, "{} targets", targets.len());
    (stage, targets)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_encoding_carries_the_same_bytes() {
    let (stage, targets) = open().await;
    for asker in askers(&stage) {
        for target in &targets {
            let plain = asker.ask(target, target.method.clone(), &[]).await;
            assert_eq!(plain.status, target.status, "{target:?}: {}", String::from_utf8_lossy(&plain.body));
            assert!(!plain.body.is_empty() && plain.header(CONTENT_ENCODING).is_empty(), "{target:?}");
            if let (Some(accept), 200) = (&target.accept, target.status) {
                assert!(plain.header(CONTENT_TYPE).starts_with(accept.as_str()), "{target:?}: there is no such form");
            }
            for (name, client) in CLIENTS {
                let answer = asker.ask(target, target.method.clone(), client).await;
                let what = format!("{target:?} for {name}");
                assert_eq!(answer.status, plain.status, "{what}");
                assert_eq!(answer.header(CONTENT_TYPE), plain.header(CONTENT_TYPE), "{what}");
                assert!(answer.decoded() == plain.body, "{what}: other bytes");
                let (accepted, encoding) = (accepted(client), answer.header(CONTENT_ENCODING));
                if target.is_compressed() && plain.is_compressible() {
                    let agreed = if accepted.is_empty() { encoding.is_empty() } else { accepted.contains(&encoding) };
                    assert!(agreed, "{what}: {encoding:?}");
                    assert!(answer.lists(VARY, "accept-encoding"), "{what}: caches need to know");
                } else {
                    assert_eq!(encoding, "", "{what}");
                }
            }
        }
    }
    stage.close().await;
}

/// Headers that HEAD has as GET has them.
fn comparable(answer: &Answer) -> reqwest::header::HeaderMap {
    let mut headers = answer.headers.clone();
    for name in [DATE, CONTENT_LENGTH, TRANSFER_ENCODING] {
        headers.remove(name);
    }
    headers
}

#[tokio::test(flavor = "multi_thread")]
async fn head_has_the_headers_of_get() {
    let (stage, targets) = open().await;
    for asker in askers(&stage) {
        for target in targets.iter().filter(|target| target.method == Method::GET) {
            for (name, client) in CLIENTS {
                let get = asker.ask(target, Method::GET, client).await;
                let head = asker.ask(target, Method::HEAD, client).await;
                let what = format!("{target:?} for {name}");
                assert_eq!((head.status, head.body.len()), (get.status, 0), "{what}");
                assert_eq!(comparable(&head), comparable(&get), "{what}");
                let length = head.header(CONTENT_LENGTH);
                assert!(length.is_empty() || length == get.body.len().to_string(), "{what}: {length}");
            }
        }
    }
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_client_has_already_is_not_sent_again() {
    let (stage, targets) = open().await;
    let mut tagged = 0;
    for asker in askers(&stage) {
        for target in targets.iter().filter(|target| target.method == Method::GET) {
            for (name, client) in CLIENTS {
                let what = format!("{target:?} for {name}");
                let get = asker.ask(target, Method::GET, client).await;
                let etag = get.header(ETAG);
                if etag.is_empty() {
                    continue;
                }
                tagged += 1;
                let others = format!("\"of another\", {etag}");
                for (method, known) in [(Method::GET, etag), (Method::HEAD, etag), (Method::GET, &others)] {
                    let headers: Vec<_> = client.iter().copied().chain([("if-none-match", known)]).collect();
                    let answer = asker.ask(target, method, &headers).await;
                    assert_eq!((answer.status, answer.body.len()), (304, 0), "{what}");
                    assert_eq!(answer.header(ETAG), etag, "{what}");
                    assert!(answer.lists(VARY, "accept-encoding") && answer.lists(VARY, "accept"), "{what}");
                }
                let headers: Vec<_> = client.iter().copied().chain([("if-none-match", "W/\"of another\"")]).collect();
                assert_eq!(asker.ask(target, Method::GET, &headers).await.status, 200, "{what}");
            }
        }
    }
    assert!(tagged > 100, "{tagged}");
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_is_ignored_where_none_is_offered() {
    let (stage, targets) = open().await;
    for asker in askers(&stage) {
        for target in targets.iter().filter(|target| target.method == Method::GET) {
            let plain = asker.ask(target, Method::GET, &[]).await;
            for encoding in ["identity", "gzip"] {
                for range in ["bytes=0-9", "bytes=-5", "bytes=99999999-", "lines=1-2"] {
                    let answer =
                        asker.ask(target, Method::GET, &[("accept-encoding", encoding), ("range", range)]).await;
                    assert_eq!(answer.status, target.status, "{target:?} {range}");
                    assert!(answer.decoded() == plain.body, "{target:?} {range}: other bytes");
                    assert_eq!((answer.header(CONTENT_RANGE), answer.header(ACCEPT_RANGES)), ("", ""), "{target:?}");
                }
            }
        }
    }
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_breaks_off_is_no_complete_file() {
    let clock = Clock::system();
    let start_ms = i64::try_from(clock.now_us() / 1_000).expect("after 1970") - 40 * 60_000;
    let stage = Stage::open_at(clock, Some(Arc::new(Breaking(flight(ADA, start_ms)))), &[]).await;
    let track = |form: &str| format!("/api/v1/track/110B90?hours=1&level=raw&format={form}");
    let export = |form: &str| format!("/api/v1/export?hours=1&format={form}");
    let paths = ["json", "geojson", "gpx", "kml", "igc", "csv"].map(track).into_iter();
    let paths: Vec<String> = paths.chain(["csv", "parquet"].map(export)).collect();
    let mut begun = 0;
    for asker in askers(&stage) {
        for path in &paths {
            let target = Target { method: Method::GET, path: path.clone(), accept: None, status: 200 };
            for (name, client) in CLIENTS {
                // The end may come with the headers, or after a part of the body.
                let Ok(response) = asker.send(&target, Method::GET, client).await else { continue };
                begun += 1;
                assert_eq!(response.status(), 200, "{path} for {name}");
                assert!(response.bytes().await.is_err(), "{path} for {name}: half a file was taken for all of it");
            }
        }
    }
    assert!(begun > 0, "none came as far as its body");
    stage.close().await;
}
