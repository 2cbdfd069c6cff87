//! Every endpoint with the headers of browsers, curl and Python, over HTTP/1.1 and HTTP/2: for every encoding, the
//! decoded body is the same, byte for byte. New endpoints are included automatically, from the OpenAPI document.

mod clients;
mod failing_history;
mod targets;

use std::sync::Arc;

use crate::recorded::{ADA, flight, recorded_at};
use crate::stage::{Stage, aircraft};
use clients::{CLIENTS, Received, accepted, requesters};
use failing_history::FailingHistory;
use reqwest::Method;
use reqwest::header::{
    ACCEPT_RANGES, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, DATE, ETAG, TRANSFER_ENCODING, VARY,
};
use runtime::Clock;
use serde_json::Value;
use targets::{Target, targets};

/// A pusher with a manual clock, so that equal requests have equal responses, and all requests.
async fn open() -> (Stage, Vec<Target>) {
    // A directory that exists also where the map page is not built.
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/clients/javascript");
    let stage = recorded_at(Clock::manual(Clock::system().now_us()), &["--web-dir", page]).await.stage;
    stage.publish_aircraft(&aircraft(ADA, 1, 46.5, 8.0)).await;
    stage.until_pilots(1).await;
    let document: Value = stage.get("/api/openapi.json").await.json().await.expect("JSON");
    let targets = targets(&document);
    assert!(targets.len() > 40, "{} targets", targets.len());
    (stage, targets)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_encoding_carries_the_same_bytes() {
    let (stage, targets) = open().await;
    for requester in requesters(&stage) {
        for target in &targets {
            let plain = requester.request(target, target.method.clone(), &[]).await;
            assert_eq!(plain.status, target.status, "{target:?}: {}", String::from_utf8_lossy(&plain.body));
            assert!(!plain.body.is_empty() && plain.header(CONTENT_ENCODING).is_empty(), "{target:?}");
            if let (Some(accept), 200) = (&target.accept, target.status) {
                assert!(plain.header(CONTENT_TYPE).starts_with(accept.as_str()), "{target:?}: another media type");
            }
            for (name, client) in CLIENTS {
                let response = requester.request(target, target.method.clone(), client).await;
                let what = format!("{target:?} for {name}");
                assert_eq!(response.status, plain.status, "{what}");
                assert_eq!(response.header(CONTENT_TYPE), plain.header(CONTENT_TYPE), "{what}");
                assert!(response.decoded() == plain.body, "{what}: other bytes");
                let (accepted, encoding) = (accepted(client), response.header(CONTENT_ENCODING));
                if target.is_compressed() && plain.is_compressible() {
                    let is_accepted =
                        if accepted.is_empty() { encoding.is_empty() } else { accepted.contains(&encoding) };
                    assert!(is_accepted, "{what}: {encoding:?}");
                    assert!(response.lists(VARY, "accept-encoding"), "{what}: caches need it");
                } else {
                    assert_eq!(encoding, "", "{what}");
                }
            }
        }
    }
    stage.close().await;
}

/// The headers that HEAD and GET have in common.
fn comparable(response: &Received) -> reqwest::header::HeaderMap {
    let mut headers = response.headers.clone();
    for name in [DATE, CONTENT_LENGTH, TRANSFER_ENCODING] {
        headers.remove(name);
    }
    headers
}

#[tokio::test(flavor = "multi_thread")]
async fn head_has_the_headers_of_get() {
    let (stage, targets) = open().await;
    for requester in requesters(&stage) {
        for target in targets.iter().filter(|target| target.method == Method::GET) {
            for (name, client) in CLIENTS {
                let get = requester.request(target, Method::GET, client).await;
                let head = requester.request(target, Method::HEAD, client).await;
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
async fn an_unchanged_response_is_not_sent_again() {
    let (stage, targets) = open().await;
    let mut tagged = 0;
    for requester in requesters(&stage) {
        for target in targets.iter().filter(|target| target.method == Method::GET) {
            for (name, client) in CLIENTS {
                let what = format!("{target:?} for {name}");
                let get = requester.request(target, Method::GET, client).await;
                let etag = get.header(ETAG);
                if etag.is_empty() {
                    continue;
                }
                tagged += 1;
                let several = format!("\"of another\", {etag}");
                for (method, known) in [(Method::GET, etag), (Method::HEAD, etag), (Method::GET, &several)] {
                    let headers: Vec<_> = client.iter().copied().chain([("if-none-match", known)]).collect();
                    let response = requester.request(target, method, &headers).await;
                    assert_eq!((response.status, response.body.len()), (304, 0), "{what}");
                    assert_eq!(response.header(ETAG), etag, "{what}");
                    assert!(response.lists(VARY, "accept-encoding") && response.lists(VARY, "accept"), "{what}");
                }
                let headers: Vec<_> = client.iter().copied().chain([("if-none-match", "W/\"of another\"")]).collect();
                assert_eq!(requester.request(target, Method::GET, &headers).await.status, 200, "{what}");
            }
        }
    }
    assert!(tagged > 100, "{tagged}");
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_is_ignored_where_unsupported() {
    let (stage, targets) = open().await;
    for requester in requesters(&stage) {
        for target in targets.iter().filter(|target| target.method == Method::GET) {
            let plain = requester.request(target, Method::GET, &[]).await;
            for encoding in ["identity", "gzip"] {
                for range in ["bytes=0-9", "bytes=-5", "bytes=99999999-", "lines=1-2"] {
                    let response = requester
                        .request(target, Method::GET, &[("accept-encoding", encoding), ("range", range)])
                        .await;
                    assert_eq!(response.status, target.status, "{target:?} {range}");
                    assert!(response.decoded() == plain.body, "{target:?} {range}: other bytes");
                    assert_eq!(
                        (response.header(CONTENT_RANGE), response.header(ACCEPT_RANGES)),
                        ("", ""),
                        "{target:?}"
                    );
                }
            }
        }
    }
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_body_is_no_complete_file() {
    let clock = Clock::system();
    let start_ms = i64::try_from(clock.now_us() / 1_000).expect("after 1970") - 40 * 60_000;
    let stage = Stage::open_at(clock, Some(Arc::new(FailingHistory(flight(ADA, start_ms)))), &[]).await;
    let track = |format: &str| format!("/api/v1/track/110B90?hours=1&level=raw&format={format}");
    let export = |format: &str| format!("/api/v1/export?hours=1&format={format}");
    let paths = ["json", "geojson", "gpx", "kml", "igc", "csv"].map(track).into_iter();
    let paths: Vec<String> = paths.chain(["csv", "parquet"].map(export)).collect();
    let mut begun = 0;
    for requester in requesters(&stage) {
        for path in &paths {
            let target = Target { method: Method::GET, path: path.clone(), accept: None, status: 200 };
            for (name, client) in CLIENTS {
                // The failure may come before the headers, or after a part of the body.
                let Ok(response) = requester.send(&target, Method::GET, client).await else { continue };
                begun += 1;
                assert_eq!(response.status(), 200, "{path} for {name}");
                assert!(response.bytes().await.is_err(), "{path} for {name}: a part of the file looks complete");
            }
        }
    }
    assert!(begun > 0, "no response had a body");
    stage.close().await;
}
