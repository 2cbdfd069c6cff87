//! Limits that instances share through a real Redis, and what holds while it is away.

use std::path::Path;
use std::time::Duration;

use crate::stage::Stage;
use access::api_keys::NewKey;
use runtime::Clock;
use serde_json::json;

const NOW_S: u64 = 1_780_000_000;
const SOON: Duration = Duration::from_secs(20);

async fn until_shared(stages: &[&Stage], shared: f64) {
    for stage in stages {
        let is_so = async || (stage.metric("fanet_pusher_limits_shared") == shared).then_some(());
        harness::wait_until(SOON, "the limits to be shared, or not", is_so).await.expect("so");
    }
}

/// How many of these requests pass, sent to the instances in turn.
async fn passed(stages: &[&Stage], address: &str, requests: usize) -> usize {
    let mut passed = 0;
    for number in 0..requests {
        let stage = stages[number % stages.len()];
        let answer = stage.get_with("/api/v1/pilots", "x-forwarded-for", address).await;
        match answer.status().as_u16() {
            200 => passed += 1,
            429 => assert!(answer.headers().contains_key("retry-after")),
            other => panic!("{other}"),
        }
    }
    passed
}

fn counted(stage: &Stage, place: &str) -> f64 {
    let name = format!("fanet_pusher_limit_checks_total{{reason=\"{place}\"}} ");
    stage.metrics().lines().find_map(|line| line.strip_prefix(&name)?.parse().ok()).unwrap_or_default()
}

/// One request a second of real time and ten at once; the clocks of the instances stand still.
fn arguments<'a>(redis: &'a str, keys: &'a str) -> Vec<&'a str> {
    let mut arguments = vec!["--request-rate", "1", "--request-burst", "10", "--max-connects-per-minute", "6"];
    arguments.extend(["--trusted-proxies", "127.0.0.1", "--redis-url", redis, "--api-keys", keys]);
    arguments
}

fn api_key(dir: &Path) -> (String, String) {
    let new = NewKey {
        scopes: vec!["position:write".to_owned()],
        devices: vec!["110B90".parse().expect("an address")],
        ..NewKey::default()
    };
    let (key, entry) = new.make([1; 8], [7; 32]).expect("a key");
    let file = dir.join("api-keys.toml");
    std::fs::write(&file, entry).expect("written");
    (key, file.display().to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn two_instances_share_a_bucket_through_redis() {
    let redis = harness::Redis::start().await.expect("Redis starts");
    let dir = tempfile::tempdir().expect("a folder");
    let (key, file) = api_key(dir.path());
    let url = redis.url_of("pusher");
    let arguments = arguments(&url, &file);
    let clock = Clock::manual(NOW_S * 1_000_000);
    let one = Stage::open_at(clock.clone(), None, &arguments).await;
    let other = Stage::open_at(clock.clone(), None, &arguments).await;
    let both = [&one, &other];
    until_shared(&both, 1.0).await;

    // Each of them would let ten pass. The test may take some seconds, and each gives one more.
    let started = tokio::time::Instant::now();
    let of_both = passed(&both, "203.0.113.9", 20).await;
    let allowed = 10 + usize::try_from(started.elapsed().as_secs()).expect("few") + 1;
    assert!((10..=allowed).contains(&of_both), "{of_both} of {allowed}");
    assert_eq!(passed(&both, "2001:db8:1:2::1", 10).await, 10, "another one");
    let of_network = passed(&both, "2001:db8:1:2::ffff", 10).await;
    assert!(of_network < 10, "one network of IPv6: {of_network}");
    assert!(counted(&one, "shared") > 0.0 && counted(&other, "shared") > 0.0);
    // On a busy machine Redis may once answer too late.
    assert!(counted(&one, "local") < counted(&one, "shared"));

    // Positions of a device, whichever instance they are sent to, from private addresses too.
    let report =
        json!({ "positioned_at_us": (NOW_S * 1_000_000).to_string(), "latitude_deg": 46.5, "longitude_deg": 8 });
    let started = tokio::time::Instant::now();
    let mut sent = 0;
    for number in 0..20 {
        let answer =
            both[number % 2].post("/api/v1/position", Some(&key), "application/json", report.to_string()).await;
        match answer.status().as_u16() {
            202 => sent += 1,
            429 => {}
            other => panic!("{other}"),
        }
    }
    let allowed = 10 + usize::try_from(started.elapsed().as_secs()).expect("few") + 1;
    assert!((10..=allowed).contains(&sent), "{sent} of {allowed}");

    // Nothing in Redis names a client.
    let client = redis::Client::open(redis.url()).expect("a URL");
    let mut connection = client.get_multiplexed_async_connection().await.expect("connects");
    let keys: Vec<String> = redis::cmd("KEYS").arg("fanet:{limit}:*").query_async(&mut connection).await.expect("keys");
    assert!(!keys.is_empty() && keys.iter().all(|key| key.len() == "fanet:{limit}:".len() + 32), "{keys:?}");
    drop(connection);

    // Redis is stopped: they answer, and each has its own limit.
    redis.service().kill().await.expect("killed");
    assert_eq!(passed(&both, "203.0.113.77", 24).await, 20, "ten of each");
    until_shared(&both, 0.0).await;
    assert!(counted(&one, "local") > 0.0 && counted(&other, "local") > 0.0);
    assert_eq!(one.get("/ready").await.status(), 200);

    // And shared again once it is back.
    redis.service().start().await.expect("started");
    until_shared(&both, 1.0).await;
    let of_both = passed(&both, "203.0.113.99", 16).await;
    assert!((10..16).contains(&of_both), "{of_both}");
    one.close().await;
    other.close().await;
}

#[tokio::test]
async fn without_redis_limits_are_local_and_nothing_waits() {
    let dir = tempfile::tempdir().expect("a folder");
    let (_, file) = api_key(dir.path());
    // Nobody listens there.
    let arguments = arguments("redis://127.0.0.1:1", &file);
    let stage = Stage::open_at(Clock::manual(NOW_S * 1_000_000), None, &arguments).await;
    assert_eq!(passed(&[&stage], "203.0.113.9", 20).await, 10);
    assert_eq!((counted(&stage, "local"), counted(&stage, "shared")), (10.0, 0.0));
    assert_eq!(stage.metric("fanet_pusher_limits_shared"), 0.0);
    stage.close().await;
}
