//! The limits of clients, by their addresses.

use std::time::Duration;

use access::api_keys::NewKey;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::access::websockets::connect;
use crate::access::{ALPS, Files, ask, clock};

#[tokio::test]
async fn clients_are_limited_by_address() {
    let (files, clock) = (Files::new(), clock());
    let limits = ["--request-rate", "10", "--request-burst", "5", "--trusted-proxies", "127.0.0.0/8"];
    let stage = files.stage(&clock, &limits).await;
    let pilots = async |address: &str| {
        let headers = [("x-forwarded-for", address.to_owned())];
        ask(&stage, "GET", "/api/v1/pilots", &headers).await
    };
    let passed = async |address: &str, requests: usize| {
        let mut passed = 0;
        for _ in 0..requests {
            passed += usize::from(pilots(address).await.status() == StatusCode::OK);
        }
        passed
    };
    assert_eq!(passed("203.0.113.9", 8).await, 5);
    let limited = pilots("203.0.113.9").await;
    assert_eq!(
        (limited.status(), limited.headers()["retry-after"].to_str().unwrap()),
        (StatusCode::TOO_MANY_REQUESTS, "1")
    );
    assert_eq!(limited.headers()["access-control-allow-origin"], "*", "pages can read why");
    assert_eq!(limited.json::<Value>().await.expect("a problem document")["code"], "too_often");
    assert_eq!(passed("198.51.100.1, 203.0.113.9", 1).await, 0, "what a client writes before does not count");
    assert_eq!(passed("203.0.113.10", 8).await, 5, "another address");
    assert_eq!(passed("2001:db8:1:2::1", 4).await + passed("2001:db8:1:2::ffff", 4).await, 5, "one network of IPv6");
    assert_eq!(passed("10.1.2.3", 20).await, 20, "private addresses have no limits");
    clock.advance(Duration::from_millis(100));
    assert_eq!(passed("203.0.113.9", 3).await, 1);
    stage.close().await;

    // The header of a client that is no trusted proxy is nothing; and a setting limits this machine too.
    let stage = files.stage(&clock, &["--request-rate", "10", "--request-burst", "5", "--limit-private"]).await;
    let mut passed = 0;
    for number in 0..8 {
        let headers = [("x-forwarded-for", format!("203.0.113.{number}"))];
        passed += u32::from(ask(&stage, "GET", "/api/v1/pilots", &headers).await.status() == StatusCode::OK);
    }
    assert_eq!(passed, 5);
    stage.close().await;
}

#[tokio::test]
async fn failed_logins_are_delayed_and_good_keys_are_not() {
    let (files, clock) = (Files::new(), clock());
    let key = files.add_api_key(&NewKey { scopes: vec!["viewer".to_owned()], ..NewKey::default() });
    let stage = files.stage(&clock, &["--trusted-proxies", "127.0.0.1"]).await;
    let status = async |presented: &str, address: &str| {
        let headers = [("x-forwarded-for", address.to_owned()), ("authorization", format!("Bearer {presented}"))];
        let answer = ask(&stage, "GET", "/api/v1/me", &headers).await;
        (answer.status().as_u16(), answer.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned()))
    };
    let token = files.token(&json!({}));
    assert_eq!(status(&token, "203.0.113.9").await.0, 200, "verified once");
    let bad = files.token(&json!({ "aud": "mail" }));
    for _ in 0..6 {
        assert_eq!(status(&bad, "203.0.113.9").await.0, 401);
    }
    assert_eq!(status(&bad, "203.0.113.9").await, (429, Some("1".to_owned())));
    assert_eq!(status("updraft_a1_wrong", "203.0.113.9").await.0, 429, "of every kind");
    assert_eq!(status(&key, "203.0.113.9").await.0, 200, "a good key is found without work");
    assert_eq!(status(&token, "203.0.113.9").await.0, 200, "and a verified token");
    assert_eq!(status(&bad, "203.0.113.10").await.0, 401, "of another address");
    clock.advance(Duration::from_secs(1));
    assert_eq!(status(&bad, "203.0.113.9").await.0, 401);
    assert_eq!(status(&bad, "203.0.113.9").await, (429, Some("2".to_owned())), "it grows");
    stage.close().await;
}

#[tokio::test]
async fn websockets_are_limited_by_address() {
    let (files, clock) = (Files::new(), clock());
    let limits = ["--max-connects-per-minute", "2", "--trusted-proxies", "127.0.0.1"];
    let stage = files.stage(&clock, &limits).await;
    let from = async |address: &'static str| connect(&stage, ALPS, &[("x-forwarded-for", address)]).await.map(|_| ());
    assert_eq!((from("203.0.113.9").await, from("203.0.113.9").await), (Ok(()), Ok(())));
    assert_eq!(from("203.0.113.9").await, Err(429));
    assert_eq!(from("203.0.113.10").await, Ok(()));
    assert_eq!(stage.metric("fanet_pusher_handshakes_refused_total"), 1.0);
    clock.advance(Duration::from_secs(30));
    assert_eq!(from("203.0.113.9").await, Ok(()));
    stage.close().await;
}
