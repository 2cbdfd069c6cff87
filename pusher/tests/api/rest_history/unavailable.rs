//! A history that is absent or does not answer.

use std::sync::Arc;

use runtime::Clock;
use serde_json::Value;

use crate::stage::Stage;

#[tokio::test]
async fn the_live_picture_needs_no_history() {
    let stage = Stage::open().await;
    for path in ["track/110B90", "flights?day=2026-07-14", "weather/080100/history", "export", "history", "silent"] {
        let response = stage.get(&format!("/api/v1/{path}")).await;
        assert_eq!(response.status(), 503, "{path}");
        assert_eq!(response.json::<Value>().await.expect("JSON")["code"], "no_history");
    }
    assert_eq!(stage.get("/api/v1/pilots").await.status(), 200);
    stage.close().await;
    // An unreachable store.
    let unreachable = history::ClickHouse::new("http://127.0.0.1:1", Clock::system()).expect("a URL");
    let stage = Stage::open_with_history(Arc::new(unreachable), &[]).await;
    for path in ["track/110B90", "flights?day=2026-07-14", "weather/080100/history", "export", "history", "silent"] {
        let response = stage.get(&format!("/api/v1/{path}")).await;
        assert_eq!(response.status(), 503, "{path}");
        assert_eq!(response.headers()["retry-after"], "2");
        assert_eq!(response.json::<Value>().await.expect("JSON")["code"], "history_unavailable", "{path}");
    }
    stage.close().await;
}

/// A server that accepts connections and never answers, like a frozen ClickHouse.
async fn silent_server() -> (String, tokio::task::JoinHandle<()>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/updraft", listener.local_addr().expect("bound"));
    let server = tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            open.push(stream);
        }
    });
    (url, server)
}

#[tokio::test]
async fn requests_fail_fast_while_the_history_is_frozen() {
    let (url, server) = silent_server().await;
    let frozen = history::ClickHouse::new(url, Clock::system()).expect("a URL");
    let stage = Stage::open_with_history(Arc::new(frozen), &[]).await;
    let paths = ["track/110B90", "flights?day=2026-07-14", "weather/080100/history", "export", "history", "silent"];
    // Also requests before the first failed probe; far below the 30 s that a query may take.
    let stage_ref = &stage;
    let requests = paths.map(|path| async move { stage_ref.get(&format!("/api/v1/{path}")).await });
    let responses = tokio::time::timeout(std::time::Duration::from_secs(15), futures::future::join_all(requests)).await;
    for (response, path) in responses.expect("in time").into_iter().zip(paths) {
        assert_eq!(response.status(), 503, "{path}");
        assert_eq!(response.headers()["retry-after"], "2");
        assert_eq!(response.json::<Value>().await.expect("JSON")["code"], "history_unavailable", "{path}");
    }
    let ready = stage.get("/ready").await;
    assert_eq!(ready.status(), 200, "the map works");
    let ready: Value = ready.json().await.expect("JSON");
    assert_eq!(ready["parts"]["history-reader"]["degraded"], true, "{ready}");
    assert_eq!(stage.get("/api/v1/pilots").await.status(), 200);
    stage.close().await;
    server.abort();
}
