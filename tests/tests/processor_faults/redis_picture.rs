//! Compares Redis with the state topics.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::wait_until;
use prost::Message as _;
use redis::aio::MultiplexedConnection;
use schemas::v1::AircraftState;
use streams::framing;

use crate::rig::Rig;

/// Connects to Redis directly, without the proxy.
async fn connect(rig: &Rig) -> Result<MultiplexedConnection> {
    Ok(redis::Client::open(rig.redis.url())?.get_multiplexed_async_connection().await?)
}

/// Removes all keys.
pub(crate) async fn flush(rig: &Rig) -> Result<()> {
    Ok(redis::cmd("FLUSHALL").query_async(&mut connect(rig).await?).await?)
}

/// Damages Redis as a former cluster or an operator could: a version that is higher than all later ones, an unknown
/// aircraft, a missing one, and a key of another type. Processors do not repair the first and the last.
pub(crate) async fn damage(rig: &Rig) -> Result<()> {
    let mut connection = connect(rig).await?;
    let live_states = rig.live_states("fanet.state.aircraft.v1").await?;
    let [outranked, missing, mistyped] = {
        let mut keys = live_states.keys().map(|key| format!("fanet:{{aircraft}}:{key}"));
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
    let differences = difference(&mut connection, &live_states).await;
    ensure!(differences.map_or(true, |differences| !differences.is_empty()), "expected a difference after the damage");
    Ok(())
}

/// Waits until Redis has exactly the aircraft of the state topic, and returns their number.
pub(crate) async fn wait_until_equal(rig: &Rig, timeout: Duration) -> Result<usize> {
    let mut connection = connect(rig).await?;
    let live_states = rig.live_states("fanet.state.aircraft.v1").await?;
    let expected: BTreeSet<&str> = live_states.keys().map(String::as_str).collect();
    let compared = async || difference(&mut connection.clone(), &live_states).await.ok().filter(Vec::is_empty);
    if let Err(error) = wait_until(timeout, "Redis to equal the state topics", compared).await {
        let differences = difference(&mut connection, &live_states).await?;
        return Err(error)
            .with_context(|| format!("of {}: {:?}", expected.len(), &differences[..differences.len().min(5)]));
    }
    Ok(expected.len())
}

/// A description of each difference.
async fn difference(
    connection: &mut MultiplexedConnection,
    live_states: &HashMap<String, (u64, Vec<u8>)>,
) -> Result<Vec<String>> {
    let mut differences = Vec::new();
    for set in ["geo", "seen"] {
        let members: BTreeSet<String> = redis::cmd("ZRANGE")
            .arg(format!("fanet:{{aircraft}}:{set}"))
            .arg(0)
            .arg(-1)
            .query_async(connection)
            .await?;
        differences.extend(
            members
                .iter()
                .filter(|member| !live_states.contains_key(*member))
                .map(|dead| format!("{set}: {dead} is not live")),
        );
        differences.extend(
            live_states.keys().filter(|key| !members.contains(*key)).map(|key| format!("{set}: {key} is missing")),
        );
    }
    for (key, (version, value)) in live_states {
        let state = AircraftState::decode(framing::decode(&value.clone().into())?.payload)?;
        let fields: HashMap<String, String> =
            redis::cmd("HGETALL").arg(format!("fanet:{{aircraft}}:{key}")).query_async(connection).await?;
        let field = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
        let position = state.position.context("expected a position")?;
        let same = field("version") == version.to_string()
            && field("gone").is_empty()
            && field("longitude_deg").parse() == Ok(position.longitude_deg)
            && field("latitude_deg").parse() == Ok(position.latitude_deg);
        if !same {
            differences.push(format!("{key}: expected version {version}, found {:?}", field("version")));
        }
    }
    Ok(differences)
}
