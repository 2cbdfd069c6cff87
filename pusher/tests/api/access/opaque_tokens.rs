//! Opaque tokens, which the user endpoint of an identity provider is asked about.

use std::time::Duration;

use access::token::LEEWAY_S;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::access::identity_provider::IdentityProvider;
use crate::access::{Files, NOW_S, ask, bearer, clock, me};
use crate::stage::Stage;

const ADA: &str = r#"{"sub":"ada","name":"Ada Lovelace","roles":["operator"]}"#;

fn counted(stage: &Stage, name: &str, reason: &str) -> u32 {
    let name = format!("fanet_pusher_{name}_total{{reason=\"{reason}\"}} ");
    stage.metrics().lines().find_map(|line| line.strip_prefix(&name)?.parse().ok()).unwrap_or_default()
}

#[tokio::test]
async fn opaque_tokens_are_looked_up_and_remembered() {
    let (files, clock) = (Files::new(), clock());
    let provider = IdentityProvider::start("").await;
    let bob = format!("{{\"sub\":\"bob\",\"exp\":{}}}", NOW_S + 60);
    provider.set_users(Some(&[
        ("opaque-ada", ADA),
        ("opaque-bob", bob.as_str()),
        ("no-name", "{}"),
        ("html", "<html>"),
    ]));
    let stage = files.stage(&clock, &["--auth-userinfo", &provider.user_endpoint()]).await;
    for _ in 0..5 {
        let answer = ask(&stage, "GET", "/api/v1/me", &bearer("opaque-ada")).await;
        let body: Value = answer.json().await.expect("JSON");
        assert_eq!((&body["name"], &body["roles"][0]), (&json!("Ada Lovelace"), &json!("operator")), "{body}");
    }
    let scores = ask(&stage, "GET", "/api/v1/validation/110B90", &bearer("opaque-ada")).await;
    assert!(!matches!(scores.status().as_u16(), 401 | 403), "an operator: {}", scores.status());
    assert_eq!((provider.users_asked(), counted(&stage, "user_lookups", "local")), (1, 5));
    assert_eq!(me(&stage, &files.token(&json!({}))).await, StatusCode::OK, "a JWT is verified");
    assert_eq!(me(&stage, &files.token(&json!({ "aud": "mail" }))).await, StatusCode::UNAUTHORIZED);
    assert_eq!(provider.users_asked(), 1, "and does not go to the endpoint");

    // Unknown ones are remembered too, for a shorter time.
    for presented in ["unknown", "unknown", "no-name", "no-name", "no,token"] {
        assert_eq!(me(&stage, presented).await, StatusCode::UNAUTHORIZED, "{presented}");
    }
    assert_eq!((provider.users_asked(), counted(&stage, "logins_refused", "unknown_user")), (3, 2));
    assert_eq!(me(&stage, "html").await, StatusCode::SERVICE_UNAVAILABLE, "the page of a proxy is no answer");
    assert_eq!(counted(&stage, "user_endpoint_failures", "not_json"), 1);
    clock.advance(Duration::from_secs(31));
    assert_eq!((me(&stage, "unknown").await, provider.users_asked()), (StatusCode::UNAUTHORIZED, 5));

    // An answer holds for 5 minutes, and ends with its token.
    assert_eq!(me(&stage, "opaque-bob").await, StatusCode::OK);
    clock.advance(Duration::from_secs(60 + LEEWAY_S));
    assert_eq!(me(&stage, "opaque-bob").await, StatusCode::UNAUTHORIZED);
    provider.set_users(Some(&[]));
    assert_eq!(me(&stage, "opaque-ada").await, StatusCode::OK, "not asked yet");
    clock.advance(Duration::from_secs(300));
    assert_eq!(me(&stage, "opaque-ada").await, StatusCode::UNAUTHORIZED, "withdrawn");
    stage.close().await;
}

#[tokio::test]
async fn known_users_stay_while_the_endpoint_is_down() {
    let clock = clock();
    let provider = IdentityProvider::start("").await;
    provider.set_users(Some(&[("opaque-ada", ADA), ("opaque-eve", r#"{"sub":"eve"}"#)]));
    let stage = Stage::open_at(clock.clone(), None, &["--auth-userinfo", &provider.user_endpoint()]).await;
    assert_eq!(me(&stage, "opaque-ada").await, StatusCode::OK);
    provider.set_users(None);
    clock.advance(Duration::from_secs(301));
    assert_eq!(me(&stage, "opaque-ada").await, StatusCode::OK, "an older answer is used");
    let asked = provider.users_asked();
    for number in 0..50 {
        let answer = ask(&stage, "GET", "/api/v1/me", &bearer(&format!("new-{number}"))).await;
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE, "neither good nor bad");
        assert_eq!(answer.json::<Value>().await.expect("a problem document")["code"], "keys_unavailable");
    }
    assert_eq!(provider.users_asked() - asked, 4, "after five failures in a row nothing is asked");
    assert_eq!(me(&stage, "opaque-ada").await, StatusCode::OK);
    assert_eq!(counted(&stage, "user_endpoint_failures", "status"), 5);
    assert_eq!(stage.get("/api/v1/pilots").await.status(), StatusCode::OK, "the public picture needs it not");

    // It is tried again by one request, and then by all.
    provider.set_users(Some(&[("opaque-ada", ADA), ("opaque-eve", r#"{"sub":"eve"}"#)]));
    assert_eq!(me(&stage, "opaque-eve").await, StatusCode::SERVICE_UNAVAILABLE, "not tried yet");
    clock.advance(Duration::from_secs(10));
    assert_eq!(me(&stage, "opaque-eve").await, StatusCode::OK);
    assert_eq!(me(&stage, "new-1").await, StatusCode::UNAUTHORIZED);

    // An older answer is not used for ever, and a large one not at all.
    provider.set_users(None);
    clock.advance(Duration::from_secs(3_700));
    assert_eq!(me(&stage, "opaque-ada").await, StatusCode::SERVICE_UNAVAILABLE);
    let large = format!("{{\"sub\":\"ada\",\"more\":\"{}\"}}", "x".repeat(20 << 10));
    provider.set_users(Some(&[("opaque-ada", large.as_str())]));
    assert_eq!(me(&stage, "opaque-ada").await, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(counted(&stage, "user_endpoint_failures", "too_large"), 1);
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_share_the_endpoints_answers_by_redis() {
    let clock = clock();
    let redis = harness::Redis::start().await.expect("Redis starts");
    let provider = IdentityProvider::start("").await;
    provider.set_users(Some(&[("opaque-ada", ADA)]));
    let arguments = ["--auth-userinfo", &provider.user_endpoint(), "--redis-url", &redis.url_of("pusher")];
    let one = Stage::open_at(clock.clone(), None, &arguments).await;
    let other = Stage::open_at(clock.clone(), None, &arguments).await;
    assert_eq!((me(&one, "opaque-ada").await, me(&one, "unknown").await), (StatusCode::OK, StatusCode::UNAUTHORIZED));
    assert_eq!(
        (me(&other, "opaque-ada").await, me(&other, "unknown").await),
        (StatusCode::OK, StatusCode::UNAUTHORIZED)
    );
    assert_eq!(provider.users_asked(), 2, "by the first instance");
    assert_eq!(counted(&other, "user_lookups", "redis"), 2);
    redis.service().kill().await.expect("killed");
    assert_eq!(me(&other, "opaque-ada").await, StatusCode::OK, "remembered here");
    clock.advance(Duration::from_secs(301));
    assert_eq!(me(&other, "opaque-ada").await, StatusCode::OK, "Redis is away: it is asked itself");
    assert_eq!(provider.users_asked(), 3);
    one.close().await;
    other.close().await;
}
