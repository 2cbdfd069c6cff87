//! The live states in a real Redis: versions, index, sweep and refill; an unreachable Redis stops nothing.

use std::time::Duration;

use harness::{Redis, wait_until};
use processor::RedisMetrics;
use processor::sinks::live::{LiveFeed, LiveFeeds, LiveKind, LiveUpdate};
use processor::sinks::redis::{LiveLifetimes, RedisSink};
use redis::aio::MultiplexedConnection;
use runtime::{Clock, Context, Metrics, Shutdown};
use schemas::object::{Kind, State};
use schemas::v1::{AircraftState, Position};
use std::sync::Arc;

const KINDS: &[LiveKind] = &[LiveKind::Object(Kind::Aircraft), LiveKind::Validation];
const PARTITIONS: u32 = 24;
const NOW_US: u64 = 1_750_000_000_000_000;
const TIME_LIMIT: Duration = Duration::from_secs(90);

fn aircraft(device: u32, version: u64, latitude_deg: f64) -> LiveUpdate {
    let state = AircraftState {
        device,
        version,
        position: Some(Position { latitude_deg, longitude_deg: 13.0, altitude_m: Some(900.0) }),
        name: Some("Eva".into()),
        ..AircraftState::default()
    };
    LiveUpdate::of_object(Kind::Aircraft, device.into(), version, Some(State::Aircraft(state)))
}

fn ended(device: u32, version: u64) -> LiveUpdate {
    LiveUpdate::of_object(Kind::Aircraft, device.into(), version, None)
}

/// The partition of the first device.
fn partition() -> u32 {
    streams::partitioner::partition_of(b"110B90", PARTITIONS)
}

struct Running {
    feed: Arc<LiveFeed>,
    context: Context,
    stop: Shutdown,
    task: tokio::task::JoinHandle<anyhow::Result<()>>,
}

fn start(url: &str) -> Running {
    let (feeds, context) = (LiveFeeds::default(), Context::new(Clock::system()));
    let feed = feeds.open(partition(), PARTITIONS);
    let lifetimes = LiveLifetimes { aircraft_s: 900, ground_s: 900, station_s: 900, thermal_s: 900, validation_s: 900 };
    let metrics = RedisMetrics::register(&Metrics::new(), "processor");
    let sink = RedisSink::new(&url.into(), feeds, KINDS, lifetimes, &context, metrics);
    let stop = Shutdown::new();
    let task = tokio::spawn(sink.expect("a URL").run(stop.clone()));
    Running { feed, context, stop, task }
}

impl Running {
    async fn end(self) {
        self.stop.request();
        self.task.await.expect("ends").expect("well");
    }
}

async fn connect(url: &str) -> MultiplexedConnection {
    redis::Client::open(url).expect("a URL").get_multiplexed_async_connection().await.expect("connects")
}

async fn field(connection: &mut MultiplexedConnection, key: &str, field: &str) -> Option<String> {
    redis::cmd("HGET").arg(key).arg(field).query_async(connection).await.ok().flatten()
}

async fn near(connection: &mut MultiplexedConnection) -> Vec<String> {
    let mut search = redis::cmd("GEOSEARCH");
    search.arg("fanet:{aircraft}:geo").arg("FROMLONLAT").arg(13.0).arg(46.0).arg("BYRADIUS").arg(50).arg("km");
    let mut found: Vec<String> = search.query_async(connection).await.expect("answers");
    found.sort();
    found
}

async fn until_version(connection: &mut MultiplexedConnection, key: &str, version: &str) {
    let what = format!("{key} at version {version}");
    wait_until(TIME_LIMIT, &what, async || {
        (field(&mut connection.clone(), key, "version").await.as_deref() == Some(version)).then_some(())
    })
    .await
    .expect("written");
}

#[tokio::test]
async fn newest_version_stays_ended_objects_leave_the_index() {
    let redis = Redis::start().await.expect("redis");
    let mut connection = connect(redis.url()).await;
    let running = start(&redis.url_of("processor"));
    running.feed.push(&mut vec![aircraft(0x11_0B90, 10, 46.0), aircraft(0x11_0B91, 10, 46.1)], NOW_US);
    until_version(&mut connection, "fanet:{aircraft}:110B91", "10").await;
    assert_eq!(near(&mut connection).await, ["110B90", "110B91"]);
    assert_eq!(field(&mut connection, "fanet:{aircraft}:110B90", "name").await.as_deref(), Some("Eva"));
    assert_eq!(field(&mut connection, "fanet:{aircraft}:110B90", "latitude_deg").await.as_deref(), Some("46.0"));
    let ttl: i64 =
        redis::cmd("TTL").arg("fanet:{aircraft}:110B90").query_async(&mut connection).await.expect("answers");
    assert!((800..=900).contains(&ttl), "{ttl}");
    // A tombstone, then a late write of an older version, which is ignored.
    running.feed.push(&mut vec![ended(0x11_0B90, 20), aircraft(0x11_0B91, 21, 46.1)], NOW_US);
    until_version(&mut connection, "fanet:{aircraft}:110B91", "21").await;
    running.feed.push(&mut vec![aircraft(0x11_0B90, 19, 46.0), aircraft(0x11_0B91, 22, 46.1)], NOW_US);
    until_version(&mut connection, "fanet:{aircraft}:110B91", "22").await;
    assert_eq!(field(&mut connection, "fanet:{aircraft}:110B90", "gone").await.as_deref(), Some("1"));
    assert_eq!(near(&mut connection).await, ["110B91"]);
    // Near the pole the index has no member, but the state is there.
    running.feed.push(&mut vec![aircraft(0x11_0B91, 30, 89.0)], NOW_US);
    until_version(&mut connection, "fanet:{aircraft}:110B91", "30").await;
    assert!(near(&mut connection).await.is_empty());
    running.end().await;
}

#[tokio::test]
async fn an_emptied_redis_is_refilled_and_swept_of_expired() {
    let redis = Redis::start().await.expect("redis");
    let mut connection = connect(redis.url()).await;
    // A member that no owner knows any more.
    for command in [["GEOADD", "fanet:{aircraft}:geo", "13.0", "46.0", "DEAD00"]] {
        redis::cmd(command[0]).arg(&command[1..]).query_async::<()>(&mut connection).await.expect("written");
    }
    let old_ms = NOW_US / 1_000 - 3_600_000;
    redis::cmd("ZADD")
        .arg("fanet:{aircraft}:seen")
        .arg(old_ms)
        .arg("DEAD00")
        .query_async::<()>(&mut connection)
        .await
        .expect("written");
    let running = start(&redis.url_of("processor"));
    running.feed.push(&mut vec![aircraft(0x11_0B90, 10, 46.0)], NOW_US);
    for _ in 0..2 {
        wait_until(TIME_LIMIT, "the request for all states", async || running.feed.needs_all().then_some(()))
            .await
            .expect("requested");
        running.feed.push_all(&mut vec![aircraft(0x11_0B90, 10, 46.0)], NOW_US, 10);
        let mut complete = redis::cmd("SISMEMBER");
        complete.arg("fanet:{aircraft}:complete").arg(partition());
        wait_until(TIME_LIMIT, "the partition to be complete", async || {
            let there: bool = complete.query_async(&mut connection.clone()).await.ok()?;
            there.then_some(())
        })
        .await
        .expect("complete");
        wait_until(TIME_LIMIT, "the expired member to be swept", async || {
            (near(&mut connection.clone()).await == ["110B90"]).then_some(())
        })
        .await
        .expect("swept");
        redis::cmd("FLUSHALL").query_async::<()>(&mut connection).await.expect("flushed");
    }
    running.end().await;
}

#[tokio::test]
async fn a_new_owner_ends_the_last_owners_objects() {
    let redis = Redis::start().await.expect("redis");
    let mut connection = connect(redis.url()).await;
    let other = (0x11_0000..).find(|device| {
        let key = format!("{device:06X}");
        *device != 0x11_0B90 && streams::partitioner::partition_of(key.as_bytes(), 24) == partition()
    });
    let (other, elsewhere) = (other.expect("there is one"), 0x11_0B91);
    let last_owner = start(&redis.url_of("processor"));
    last_owner.feed.push(
        &mut vec![aircraft(0x11_0B90, 10, 46.0), aircraft(other, 11, 46.0), aircraft(elsewhere, 12, 46.0)],
        NOW_US,
    );
    wait_until(TIME_LIMIT, "three aircraft", async || (near(&mut connection.clone()).await.len() == 3).then_some(()))
        .await
        .expect("written");
    last_owner.end().await;
    // The last owner could not deliver the end of one of them.
    let running = start(&redis.url_of("processor"));
    running.feed.push_all(&mut vec![aircraft(0x11_0B90, 10, 46.0)], NOW_US, 20);
    until_version(&mut connection, &format!("fanet:{{aircraft}}:{other:06X}"), "20").await;
    assert_eq!(near(&mut connection).await, ["110B90", "110B91"], "objects of other partitions stay");
    running.end().await;
}

#[tokio::test]
async fn unreachable_redis_is_reported_and_later_refilled() {
    let redis = Redis::start().await.expect("redis");
    let running = start(&redis.url_of("processor"));
    let ready = || running.context.readiness.is_ready();
    wait_until(TIME_LIMIT, "readiness", async || ready().then_some(())).await.expect("ready");
    redis.service().kill().await.expect("killed");
    running.feed.push(&mut vec![aircraft(0x11_0B90, 10, 46.0)], NOW_US);
    wait_until(TIME_LIMIT, "unreadiness", async || (!ready()).then_some(())).await.expect("reported");
    // The queue coalesces meanwhile.
    running.feed.push(&mut (11..100).map(|version| aircraft(0x11_0B90, version, 46.0)).collect(), NOW_US);
    redis.service().start().await.expect("back");
    let mut connection = connect(redis.url()).await;
    until_version(&mut connection, "fanet:{aircraft}:110B90", "99").await;
    assert!(ready());
    running.end().await;
}
