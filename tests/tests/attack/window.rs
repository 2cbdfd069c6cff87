//! HTTP/2 clients with a window of 0 and many requests.

use anyhow::{Context, Result, ensure};
use futures::stream::{FuturesUnordered, StreamExt as _};
use harness::{Stage, wait_until};
use reqwest::Client;

use crate::flight::Flight;
use crate::watcher::Watcher;
use crate::{REGION, TIMEOUT, ensure_ready, fly, setting, wait_for_map};

const CONNECTIONS: usize = 100;
const STREAMS: usize = 100;
const UNREAD_MIB: u64 = 32;
/// The limit for a debug build with ten thousand waiting requests.
const MAX_BYTES: u64 = 320 << 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unread_http2_answers_use_bounded_memory() -> Result<()> {
    let stage =
        Stage::start_with("window", [setting("UPDRAFT_PUSHER_MAX_UNREAD_MIB", &UNREAD_MIB.to_string())]).await?;
    let map = Watcher::start(&stage.pusher, REGION, &[])?;
    let mut flight = Flight::new(0x11_AA06, (46.20, 13.60));
    fly(&stage, &mut flight, 2).await?;
    wait_for_map(&map, &flight).await.context("before")?;
    let before = stage.pusher.resident_bytes().context("the process has ended")?;

    let mut clients = Vec::new();
    let mut requests = FuturesUnordered::new();
    for number in 0..CONNECTIONS {
        let client = Client::builder().http2_prior_knowledge().http2_initial_stream_window_size(0_u32).build()?;
        for stream in 0..STREAMS {
            let path = if stream % 2 == 0 { "/api/openapi.json" } else { "/api/docs" };
            let encoding = ["identity", "gzip", "br", "zstd"][stream % 4];
            let request = client.get(format!("{}{path}?{number}", stage.pusher.http_url()));
            requests.push(tokio::spawn(request.header("accept-encoding", encoding).send()));
        }
        clients.push(client);
    }
    // The server sends heads or closes the connection, but sends no bodies.
    let mut answers = Vec::new();
    while answers.len() < 1_000 {
        let answer = tokio::time::timeout(TIMEOUT, requests.next()).await.context("an answer or an end")?;
        answers.push(answer.context("ten thousand requests were sent")??);
    }
    ensure!(answers.iter().any(Result::is_ok), "no request was answered");

    fly(&stage, &mut flight, 2).await?;
    wait_for_map(&map, &flight).await.context("the map, meanwhile")?;
    for path in ["/api/v1/snapshot", "/api/openapi.json", "/api/docs"] {
        let answered = async || stage.pusher.http(path).await.ok().filter(|(status, _)| *status == 200);
        wait_until(TIMEOUT, &format!("others to be answered {path}"), answered).await?;
    }
    let stored = stage.pusher.metric("fanet_pusher_http_held_bytes", &[]).await?;
    ensure!(stored <= (UNREAD_MIB << 20) as f64, "{stored} bytes are stored");
    let after = stage.pusher.resident_bytes().context("the process has ended")?;
    ensure!(after < before + MAX_BYTES, "{before} bytes before, {after} afterwards");
    ensure_ready(&stage.pusher).await?;
    println!(
        "{CONNECTIONS} connections of {STREAMS} streams at window 0: {stored} bytes stored; the pusher's memory {} MiB before, {} after",
        before >> 20,
        after >> 20
    );
    drop((answers, requests, clients));
    let removed = async || {
        stage.pusher.metric("fanet_pusher_http_held_bytes", &[]).await.ok().filter(|stored| *stored < 100_000.0)
    };
    wait_until(TIMEOUT, "the stored bytes to be released", removed).await?;
    map.end().await
}
