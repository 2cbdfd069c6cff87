//! Clients of HTTP/2 that ask for much and let nothing be sent.

use anyhow::{Context, Result, ensure};
use futures::stream::{FuturesUnordered, StreamExt as _};
use harness::{Stage, wait_until};
use reqwest::Client;

use crate::flight::Flight;
use crate::watcher::Watcher;
use crate::{REGION, SOON, ensure_ready, fly, see, setting};

const CONNECTIONS: usize = 100;
const STREAMS: usize = 100;
const UNREAD_MIB: u64 = 32;
/// With the memory of ten thousand requests that wait for their turn, and of a debug build.
const GENEROUS_BYTES: u64 = 320 << 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_nobody_reads_take_bounded_memory() -> Result<()> {
    let stage =
        Stage::start_with("window", [setting("UPDRAFT_PUSHER_MAX_UNREAD_MIB", &UNREAD_MIB.to_string())]).await?;
    let map = Watcher::start(&stage.pusher, REGION, &[])?;
    let mut flight = Flight::new(0x11_AA06, (46.20, 13.60));
    fly(&stage, &mut flight, 2).await?;
    see(&map, &flight).await.context("before")?;
    let before = stage.pusher.resident_bytes().context("it runs")?;

    let mut clients = Vec::new();
    let mut asked = FuturesUnordered::new();
    for number in 0..CONNECTIONS {
        let client = Client::builder().http2_prior_knowledge().http2_initial_stream_window_size(0_u32).build()?;
        for stream in 0..STREAMS {
            let path = if stream % 2 == 0 { "/api/openapi.json" } else { "/api/docs" };
            let encoding = ["identity", "gzip", "br", "zstd"][stream % 4];
            let request = client.get(format!("{}{path}?{number}", stage.pusher.http_url()));
            asked.push(tokio::spawn(request.header("accept-encoding", encoding).send()));
        }
        clients.push(client);
    }
    // Heads come, or the connection ends; bodies do not.
    let mut answers = Vec::new();
    while answers.len() < 1_000 {
        let answer = tokio::time::timeout(SOON, asked.next()).await.context("an answer or an end")?;
        answers.push(answer.context("ten thousand were asked")??);
    }
    ensure!(answers.iter().any(Result::is_ok), "nobody was answered");

    fly(&stage, &mut flight, 2).await?;
    see(&map, &flight).await.context("the map, meanwhile")?;
    for path in ["/api/v1/snapshot", "/api/openapi.json", "/api/docs"] {
        let answered = async || stage.pusher.http(path).await.ok().filter(|(status, _)| *status == 200);
        wait_until(SOON, &format!("others to be answered {path}"), answered).await?;
    }
    let held = stage.pusher.metric("fanet_pusher_http_held_bytes", &[]).await?;
    ensure!(held <= (UNREAD_MIB << 20) as f64, "{held} bytes are held");
    let after = stage.pusher.resident_bytes().context("it runs")?;
    ensure!(after < before + GENEROUS_BYTES, "{before} bytes before, {after} afterwards");
    ensure_ready(&stage.pusher).await?;
    println!(
        "{CONNECTIONS} connections of {STREAMS} streams at window 0: {held} bytes held; the pusher's memory {} MiB before, {} after",
        before >> 20,
        after >> 20
    );
    drop((answers, asked, clients));
    let gone =
        async || stage.pusher.metric("fanet_pusher_http_held_bytes", &[]).await.ok().filter(|held| *held < 100_000.0);
    wait_until(SOON, "what was held to be given back", gone).await?;
    map.end().await
}
