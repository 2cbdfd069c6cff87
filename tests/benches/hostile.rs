//! What one request in ten that is hostile costs the others: the latency of good REST requests at a steady rate, with and
//! without them, in turn. Prints `bench: NAME VALUE UNIT`.
//!
//! The hostile ones are what the limits and parsers refuse: made-up credentials, impossible parameters, bodies and URLs that
//! are too large. Kafka, the pusher and the clients share the machine.

#![allow(clippy::print_stdout, reason = "prints the figures")]

use std::time::Duration;

use anyhow::Result;
use harness::traffic::sky::Sky;
use harness::{Kafka, KafkaOptions, Program, ProgramOptions, Stack, apply_topics, clock, unique_prefix, wait_until};
use reqwest::{Client, RequestBuilder};
use tokio::time::{Instant, MissedTickBehavior, interval};

const AIRCRAFT: u32 = 1_000;
/// Good requests a second.
const RATE_HZ: u32 = 200;
/// Of ten requests one is hostile.
const HOSTILE_HZ: u32 = RATE_HZ / 9;
const MEASURED_TIME: Duration = Duration::from_secs(8);
const PAIRS: usize = 7;

fn main() -> Result<()> {
    tokio::runtime::Runtime::new()?.block_on(run())
}

async fn run() -> Result<()> {
    let kafka = Kafka::start(KafkaOptions { fast: true, ..KafkaOptions::default() }).await?;
    let pusher = start(&kafka).await?;
    let url = pusher.http_url();
    p95_ms(&url, false).await?;
    let (mut alone, mut beside, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..PAIRS {
        let (without, with) = (p95_ms(&url, false).await?, p95_ms(&url, true).await?);
        alone.push(without);
        beside.push(with);
        ratios.push(with / without);
    }
    println!("bench: rest_p95_ms {:.2} ms", median(&mut alone));
    println!("bench: rest_p95_beside_hostile_ms {:.2} ms", median(&mut beside));
    println!("bench: rest_p95_hostile_ratio {:.3} times", median(&mut ratios));
    Ok(())
}

async fn start(kafka: &Kafka) -> Result<Program> {
    let prefix = unique_prefix("hostile");
    let settings = [
        ("UPDRAFT_KAFKA_BOOTSTRAP".to_owned(), kafka.bootstrap().to_owned()),
        ("UPDRAFT_TOPIC_PREFIX".to_owned(), prefix.clone()),
        ("UPDRAFT_SCHEMA_REGISTRY_URL".to_owned(), Stack::shared().registry().await?.url().to_owned()),
        ("UPDRAFT_REDIS_URL".to_owned(), "none".to_owned()),
        ("UPDRAFT_PUSHER_TRUSTED_PROXIES".to_owned(), "127.0.0.1".to_owned()),
    ];
    apply_topics(&settings)?;
    let sky = Sky::open(kafka.bootstrap(), &prefix).await?;
    sky.fill(AIRCRAFT).await?;
    let pusher = Program::start(ProgramOptions::new("pusher").envs(settings)).await?;
    let complete =
        async || (pusher.metric("fanet_pusher_objects", &[]).await.ok()? >= f64::from(AIRCRAFT)).then_some(());
    wait_until(Duration::from_secs(60), "the picture to be complete", complete).await?;
    Ok(pusher)
}

/// The latency of good requests, 95th percentile in milliseconds.
async fn p95_ms(url: &str, is_attacked: bool) -> Result<f64> {
    let hostile = is_attacked.then(|| {
        tokio::spawn(paced(url.to_owned(), HOSTILE_HZ, |client, url, number| {
            attack(client, url, number).header("x-forwarded-for", format!("203.0.113.{}", number % 3 + 1))
        }))
    });
    // Each from an address of its own, as viewers are.
    let mut latencies_ms = paced(url.to_owned(), RATE_HZ, |client, url, number| {
        let region = format!("{url}/api/v1/pilots?lat=46.68&lon=7.86&radius={}", 20 + number % 30);
        let from = format!("198.51.{}.{}", number / 250 % 100, number % 250);
        client.get(region).header("accept-encoding", "gzip").header("x-forwarded-for", from)
    })
    .await;
    if let Some(hostile) = hostile {
        hostile.await?;
    }
    latencies_ms.sort_by(f64::total_cmp);
    Ok(latencies_ms[latencies_ms.len() * 95 / 100])
}

/// Sends requests at a rate, whether or not earlier ones are answered. Returns the milliseconds that each took.
async fn paced(url: String, rate_hz: u32, request: impl Fn(&Client, &str, u32) -> RequestBuilder) -> Vec<f64> {
    let client = Client::new();
    let mut ticks = interval(Duration::from_secs(1) / rate_hz);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (until, mut sent) = (clock::now() + MEASURED_TIME, Vec::new());
    let mut number = 0;
    while clock::now() < until {
        let due = ticks.tick().await;
        let request = request(&client, &url, number);
        number += 1;
        sent.push(tokio::spawn(async move {
            if let Ok(answer) = request.send().await {
                drop(answer.bytes().await);
            }
            Instant::now().duration_since(due).as_secs_f64() * 1e3
        }));
    }
    let mut latencies_ms = Vec::with_capacity(sent.len());
    for one in sent {
        latencies_ms.extend(one.await);
    }
    latencies_ms
}

fn attack(client: &Client, url: &str, number: u32) -> RequestBuilder {
    // {"alg":"none"} and {"sub":"operator"}.
    const UNSIGNED: &str = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJvcGVyYXRvciJ9.";
    let to = |path: &str| format!("{url}{path}");
    match number % 8 {
        0 => client.get(to("/api/v1/me")).bearer_auth(UNSIGNED),
        1 => client.get(to("/api/v1/me")).bearer_auth(format!("updraft_{number:016x}_{}", "0".repeat(64))),
        2 => client.get(to("/api/v1/pilots?lat=46&lon=8&radius=1e300")),
        3 => client.post(to("/api/v1/position?device=110B90")).body(vec![b'['; 2 << 20]),
        4 => client.get(to("/api/v1/history?bounds=-90,-180,90,180&from=1970-01-01T00:00:00Z&to=2100-01-01T00:00:00Z")),
        5 => client.get(format!("{url}/api/v1/search?q={}", "a".repeat(6_000))),
        6 => client.put(to("/api/v1/zones/x")).body(vec![b'A'; 1 << 20]),
        _ => client.get(to("/api/v1/track/%00%ff%2e%2e")),
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
