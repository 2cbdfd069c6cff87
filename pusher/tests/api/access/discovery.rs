//! The discovery document of an identity provider, and what the page may use of it.

use std::time::Duration;

use access::Algorithm;
use access::testing::{Issuer, key_set};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::access::identity_provider::IdentityProvider;
use crate::access::{Files, NOW_S, claims, clock, me, until};
use crate::stage::Stage;

/// The discovery document of a provider, with the key set at this path.
fn document(provider: &IdentityProvider, jwks: &str) -> Value {
    let issuer = provider.issuer();
    json!({
        "issuer": issuer, "jwks_uri": format!("{issuer}{jwks}"), "authorization_endpoint": format!("{issuer}/auth"),
        "token_endpoint": format!("{issuer}/token"), "end_session_endpoint": format!("{issuer}/end"),
        "scopes_supported": ["openid", "offline_access"],
    })
}

/// How many fetches ended so.
fn fetches(metrics: &str, reason: &str) -> u64 {
    let name = format!("token_key_fetches_total{{reason=\"{reason}\"}} ");
    metrics.lines().find_map(|line| line.split_once(name.as_str())?.1.parse().ok()).unwrap_or(0)
}

#[tokio::test]
async fn the_issuer_alone_is_enough() {
    let (files, clock) = (Files::new(), clock());
    let provider = IdentityProvider::start(&key_set(&[&files.issuer])).await;
    let issuer = provider.issuer();
    let stage = Stage::open_at(clock.clone(), None, &["--auth-issuer", &issuer, "--auth-client-id", "map"]).await;
    let offered = async || stage.get("/api/v1/sign-in").await.json::<Value>().await.expect("JSON");
    let long = json!({ "iss": issuer, "exp": NOW_S + 1_000_000 });
    let token = files.token(&long);

    // Nothing is known yet: neither good nor bad.
    assert_eq!(offered().await["status"], "unavailable");
    assert_eq!(me(&stage, &token).await, StatusCode::SERVICE_UNAVAILABLE);
    provider.describe_with(Some(document(&provider, "/jwks").to_string()));
    until(&clock, "the keys", async || me(&stage, &token).await == StatusCode::OK).await;
    let answer = offered().await;
    assert_eq!((answer["status"].as_str(), &answer["provider"]["client_id"]), (Some("ready"), &json!("map")));
    assert_eq!(answer["provider"]["scope"], "openid offline_access", "profile is not offered");
    assert_eq!(answer["provider"]["token_endpoint"], format!("{issuer}/token"));
    assert_eq!(me(&stage, &files.token(&json!({}))).await, StatusCode::UNAUTHORIZED, "of another issuer");

    // An outage, and the document of another issuer, change nothing.
    let mut other = document(&provider, "/jwks");
    other["issuer"] = json!("https://evil.example");
    for (bad, reason) in [
        (None, "status"),
        (Some("{".to_owned()), "discovery_not_json"),
        (Some(other.to_string()), "discovery_other_issuer"),
    ] {
        let before = fetches(&stage.metrics(), reason);
        provider.describe_with(bad.clone());
        clock.advance(Duration::from_secs(301));
        stage.until(reason, || async { fetches(&stage.metrics(), reason) > before }).await;
        let fresh = files.token(&json!({ "iss": issuer, "exp": NOW_S + 1_000_000, "jti": bad }));
        assert_eq!((me(&stage, &fresh).await, offered().await["status"].as_str()), (StatusCode::OK, Some("ready")));
    }

    // The keys move, and so do the endpoints.
    let second = Issuer::new("b", Algorithm::Es256);
    provider.answer_with(Some(key_set(&[&second])));
    let mut moved = document(&provider, "/other-jwks");
    moved["token_endpoint"] = json!("https://elsewhere.example/token");
    provider.describe_with(Some(moved.to_string()));
    clock.advance(Duration::from_secs(31));
    assert_eq!(me(&stage, &second.token(&claims(&long))).await, StatusCode::OK);
    assert_eq!(offered().await["status"], "unsupported", "the page may ask its issuer alone");
    stage.close().await;
}

#[tokio::test]
async fn page_may_connect_to_the_issuer_only_with_sign_in() {
    let (files, clock) = (Files::new(), clock());
    let provider = IdentityProvider::start("").await;
    provider.describe_with(Some(document(&provider, "/jwks").to_string()));
    let issuer = provider.issuer();
    let jwks = files.path("jwks.json").display().to_string();
    for (arguments, status, allowed) in [
        (vec![], "off", false),
        (vec!["--auth-issuer", &issuer], "off", false),
        (vec!["--auth-issuer", &issuer, "--auth-jwks", &jwks, "--auth-client-id", "map"], "ready", true),
    ] {
        let stage = Stage::open_at(clock.clone(), None, &arguments).await;
        let offered = async || stage.get("/api/v1/sign-in").await.json::<Value>().await.expect("JSON");
        until(&clock, status, async || offered().await["status"] == status).await;
        let page = stage.get("/").await;
        let policy = page.headers()["content-security-policy"].to_str().expect("text").to_owned();
        let expected = if allowed { format!("connect-src 'self' {issuer};") } else { "connect-src 'self';".to_owned() };
        assert!(policy.contains(&expected), "{arguments:?}: {policy}");
        assert_eq!(stage.get("/api/v1/sign-in?a=b").await.status(), StatusCode::BAD_REQUEST);
        stage.close().await;
    }
}
