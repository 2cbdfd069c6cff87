//! What instances share of fleets and connections through a real Redis, and what comes back after it was flushed.

use std::collections::HashMap;
use std::time::Duration;

use crate::people::{People, plain};
use crate::stage::{Client, Stage};
use redis::AsyncCommands as _;
use runtime::Clock;
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(30);

fn people() -> People {
    People::new(&[("operator", "operator", &[]), ("pilot", "pilot", &[])])
}

async fn put(people: &People, stage: &Stage, path: &str, body: Value) {
    let answer = people.send(stage, "operator", "PUT", path, body.to_string()).await;
    assert_eq!(answer.status(), 200, "{path}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flushed_redis_gets_the_fleets_of_users_again() {
    let redis = harness::Redis::start().await.expect("Redis starts");
    let people = people();
    let mut arguments = people.arguments();
    arguments.extend(["--redis-url".to_owned(), redis.url_of("pusher")]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let one = Stage::open_with(&arguments).await;
    let other = Stage::start_with(one.log.clone(), &arguments, None, Clock::system()).await;
    other.until_ready().await;
    put(&people, &one, "/api/v1/companies/club", json!({ "name": "Club", "devices": ["110B90", "07AB12"] })).await;
    let user = format!("key/{}", people.subject("pilot"));
    let fleet =
        |devices: &[&str]| json!({ "company_id": "club", "name": "Red", "devices": devices, "user_ids": [user] });
    put(&people, &one, "/api/v1/fleets/red", fleet(&["110B90", "07AB12"])).await;

    let client = redis::Client::open(redis.url()).expect("a URL");
    let connection = client.get_multiplexed_async_connection().await.expect("connects");
    let key = format!("fanet:{{account}}:user:{user}");
    let until = async |devices: &str| {
        let has = async || {
            let companies: HashMap<String, String> = connection.clone().hgetall(&key).await.ok()?;
            (companies.get("club").map(String::as_str) == Some(devices)).then_some(())
        };
        harness::wait_until(SOON, "the devices of the user in Redis", has).await.expect("there");
    };
    until("07AB12 110B90").await;
    let () = redis::cmd("FLUSHALL").query_async(&mut connection.clone()).await.expect("flushed");
    until("07AB12 110B90").await;
    put(&people, &other, "/api/v1/fleets/red", fleet(&["110B90"])).await;
    until("110B90").await;
    assert_eq!(people.ask(&one, "operator", "DELETE", "/api/v1/fleets/red").await.status(), 204);
    let is_gone = async || {
        let exists: bool = connection.clone().exists(&key).await.ok()?;
        (!exists).then_some(())
    };
    harness::wait_until(SOON, "the user to be removed", is_gone).await.expect("removed");

    // Each instance lists the connections of both.
    let mut viewers = Vec::new();
    for (stage, query) in [(&one, "lat=46&lon=8&radius=20"), (&other, "kinds=aircraft")] {
        let query = format!("{query}&token={}", people.key("pilot"));
        let mut viewer = Client::connect(stage, &query, "updraft.v1.proto").await;
        viewer.until_live().await;
        viewers.push(viewer);
    }
    for stage in [&one, &other] {
        let has_both = async || {
            let answer = people.ask(stage, "operator", "GET", "/api/v1/connections").await;
            let list: Value = serde_json::from_slice(&plain(answer).await).ok()?;
            let connections = list["connections"].as_array()?;
            let instances: std::collections::BTreeSet<_> =
                connections.iter().map(|connection| connection["instance"].to_string()).collect();
            (connections.len() == 2 && instances.len() == 2 && list["total"] == 2).then_some(())
        };
        harness::wait_until(SOON, "the connections of both instances", has_both).await.expect("listed");
    }
    one.close().await;
    other.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_count_company_subscriptions_by_redis() {
    let redis = harness::Redis::start().await.expect("Redis starts");
    let people = people();
    let mut arguments = people.arguments();
    arguments.extend(["--redis-url".to_owned(), redis.url_of("pusher")]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let one = Stage::open_with(&arguments).await;
    let other = Stage::start_with(one.log.clone(), &arguments, None, Clock::system()).await;
    other.until_ready().await;
    let company = json!({ "name": "Club", "devices": ["110B90"], "limits": { "max_subscriptions": 1 } });
    put(&people, &one, "/api/v1/companies/club", company).await;
    let user = format!("key/{}", people.subject("pilot"));
    let fleet = json!({ "company_id": "club", "name": "Red", "devices": ["110B90"], "user_ids": [user] });
    put(&people, &one, "/api/v1/fleets/red", fleet).await;
    let path = format!("/ws/v1/updates?fleet=red&token={}", people.key("pilot"));
    let status = async |stage: &Stage| {
        let request = reqwest::Client::new().get(format!("http://{}{path}", stage.address));
        let request = request.header("connection", "upgrade").header("upgrade", "websocket");
        let request = request.header("sec-websocket-version", "13");
        request.header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==").send().await.ok().map(|answer| answer.status())
    };
    let knows = async || (status(&other).await?.as_u16() == 101).then_some(());
    harness::wait_until(SOON, "the other instance to know the fleet", knows).await.expect("known");

    let query = format!("fleet=red&token={}", people.key("pilot"));
    let open = async || {
        // What the other one has just closed counts for some seconds.
        let mut viewer = Client::try_connect(&one, &query).await.ok()?;
        viewer.until_live().await;
        Some(viewer)
    };
    let viewer = harness::wait_until(SOON, "a subscription at one instance", open).await.expect("subscribed");
    let refuses = async || (status(&other).await?.as_u16() == 503).then_some(());
    harness::wait_until(SOON, "the other instance to refuse another", refuses).await.expect("refused");
    drop(viewer);
    let permits = async || (status(&other).await?.as_u16() == 101).then_some(());
    harness::wait_until(SOON, "the other instance to permit it again", permits).await.expect("permitted");
    one.close().await;
    other.close().await;
}
