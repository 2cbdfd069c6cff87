//! Redis against the state topics.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::wait_until;
use prost::Message as _;
use redis::aio::MultiplexedConnection;
use schemas::v1::AircraftState;
use streams::framing;

use crate::rig::Rig;

/// Straight to Redis, past the bad line.
async fn connect(rig: &Rig) -> Result<MultiplexedConnection> {
    Ok(redis::Client::open(rig.redis.url())?.get_multiplexed_async_connection().await?)
}

/// Takes away all that Redis has.
pub(crate) async fn flush(rig: &Rig) -> Result<()> {
    Ok(redis::cmd("FLUSHALL").query_async(&mut connect(rig).await?).await?)
}

/// Makes of Redis what a former cluster and a careless hand would: versions that outrank all that comes, an aircraft that
/// never was, one that is missing, and a key of another type. Nothing that processors write mends the first and the last.
pub(crate) async fn damage(rig: &Rig) -> Result<()> {
    let mut connection = connect(rig).await?;
    let fold = rig.fold("fanet.state.aircraft.v1").await?;
    let [outranked, missing, mistyped] = {
        let mut keys = fold.keys().map(|key| format!("fanet:{{aircraft}}:{key}"));
        let mut key = || keys.next().context("three aircraft");
        [key()?, key()?, key()?]
    };
    let mut commands = redis::pipe();
    commands
        .hset(&outranked, "version", u64::MAX)
        .hset(&outranked, "latitude_deg", 0)
        .del(&missing)
        .set(&mistyped, "?");
    commands.geo_add("fanet:{aircraft}:geo", (13.0, 46.0, "00DEAD")).zadd("fanet:{aircraft}:seen", "00DEAD", u64::MAX);
    commands.query_async::<()>(&mut connection).await?;
    let found = difference(&mut connection, &fold).await;
    ensure!(found.map_or(true, |found| !found.is_empty()), "the damage shows");
    Ok(())
}

/// Waits until Redis shows the aircraft that the state topic shows, and no other; how many.
pub(crate) async fn until_equal(rig: &Rig, patience: Duration) -> Result<usize> {
    let mut connection = connect(rig).await?;
    let fold = rig.fold("fanet.state.aircraft.v1").await?;
    let expected: BTreeSet<&str> = fold.keys().map(String::as_str).collect();
    let compared = async || difference(&mut connection.clone(), &fold).await.ok().filter(Vec::is_empty);
    if let Err(error) = wait_until(patience, "Redis to show what the state topics show", compared).await {
        let found = difference(&mut connection, &fold).await?;
        return Err(error).with_context(|| format!("of {}: {:?}", expected.len(), &found[..found.len().min(5)]));
    }
    Ok(expected.len())
}

/// What differs, in words.
async fn difference(
    connection: &mut MultiplexedConnection,
    fold: &HashMap<String, (u64, Vec<u8>)>,
) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for set in ["geo", "seen"] {
        let members: BTreeSet<String> = redis::cmd("ZRANGE")
            .arg(format!("fanet:{{aircraft}}:{set}"))
            .arg(0)
            .arg(-1)
            .query_async(connection)
            .await?;
        found.extend(
            members.iter().filter(|member| !fold.contains_key(*member)).map(|dead| format!("{set}: {dead} is dead")),
        );
        found.extend(fold.keys().filter(|key| !members.contains(*key)).map(|key| format!("{set}: {key} is missing")));
    }
    for (key, (version, value)) in fold {
        let state = AircraftState::decode(framing::decode(&value.clone().into())?.payload)?;
        let fields: HashMap<String, String> =
            redis::cmd("HGETALL").arg(format!("fanet:{{aircraft}}:{key}")).query_async(connection).await?;
        let told = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
        let position = state.position.context("shown with a position")?;
        let same = told("version") == version.to_string()
            && told("gone").is_empty()
            && told("longitude_deg").parse() == Ok(position.longitude_deg)
            && told("latitude_deg").parse() == Ok(position.latitude_deg);
        if !same {
            found.push(format!("{key}: version {version} expected, {:?} found", told("version")));
        }
    }
    Ok(found)
}
