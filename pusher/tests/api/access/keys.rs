//! The keys of tokens and the files of keys: they change, expire and can be away.

use std::time::Duration;

use access::Algorithm;
use access::api_keys::NewKey;
use access::testing::{Issuer, key_set};
use reqwest::StatusCode;
use serde_json::json;

use crate::access::identity_provider::IdentityProvider;
use crate::access::{Files, NOW_S, POSITION_KEY, ask, bearer, claims, clock, me, pass, until};

#[tokio::test]
async fn key_files_are_read_again_when_they_change() {
    let (files, clock) = (Files::new(), clock());
    let stage = files.stage(&clock, &[]).await;
    let new = NewKey { scopes: vec!["operator".to_owned()], ..NewKey::default() };
    let key = files.add_api_key(&new);
    assert_eq!(me(&stage, &key).await, StatusCode::UNAUTHORIZED, "not read yet");
    until(&clock, "the new key", async || me(&stage, &key).await == StatusCode::OK).await;
    files.write("api-keys.toml", "[[key]]\nid = \"broken\"\n");
    pass(&clock, 5).await;
    assert_eq!(me(&stage, &key).await, StatusCode::OK, "a bad file changes nothing");
    std::fs::remove_file(files.path("api-keys.toml")).expect("removed");
    until(&clock, "the end of the key", async || me(&stage, &key).await == StatusCode::UNAUTHORIZED).await;

    // The keys of tokens: another one in the place of the first, which ends for verified tokens too.
    let token = files.token(&json!({ "exp": NOW_S + 1_000_000 }));
    assert_eq!(me(&stage, &token).await, StatusCode::OK);
    let other = Issuer::new("b", Algorithm::EdDsa);
    files.write("jwks.json", &key_set(&[&other]));
    let of_other = other.token(&claims(&json!({ "exp": NOW_S + 1_000_000 })));
    until(&clock, "the other key", async || me(&stage, &of_other).await == StatusCode::OK).await;
    assert_eq!(me(&stage, &token).await, StatusCode::UNAUTHORIZED);
    stage.close().await;
}

#[tokio::test]
async fn keys_of_a_url_are_rotated_and_outlive_an_outage() {
    let (files, clock) = (Files::new(), clock());
    let provider = IdentityProvider::start(&key_set(&[&files.issuer])).await;
    let stage = files.stage_with_keys_at(&provider.url(), &clock, &[]).await;
    let long = json!({ "exp": NOW_S + 1_000_000 });
    let token = files.token(&long);
    until(&clock, "the keys", async || me(&stage, &token).await == StatusCode::OK).await;
    let fetches = |outcome: &str| {
        let name = format!("fanet_pusher_token_key_fetches_total{{reason=\"{outcome}\"}} ");
        let text = stage.metrics();
        text.lines().find_map(|line| line.strip_prefix(&name)?.parse::<u32>().ok()).unwrap_or_default()
    };

    // Down, in each way: the keys stay.
    for (answer, outcome) in [
        (None, "status"),
        (Some("{".to_owned()), "not_json"),
        (Some("{\"keys\":[]}".to_owned()), "no_usable_key"),
        (Some(format!("{{\"keys\":[],\"x\":\"{}\"}}", "x".repeat(300 << 10))), "too_large"),
    ] {
        provider.answer_with(answer);
        until(&clock, outcome, async || fetches(outcome) > 0).await;
        let fresh = files.token(&json!({ "exp": NOW_S + 1_000_000, "jti": outcome }));
        assert_eq!((me(&stage, &fresh).await, me(&stage, &token).await), (StatusCode::OK, StatusCode::OK), "{outcome}");
    }

    // A rotation is seen with the first token of the new key.
    let second = Issuer::new("b", Algorithm::Rs256);
    provider.answer_with(Some(key_set(&[&second])));
    clock.advance(Duration::from_secs(31));
    assert_eq!(me(&stage, &second.token(&claims(&long))).await, StatusCode::OK);
    assert_eq!(me(&stage, &token).await, StatusCode::UNAUTHORIZED, "its key was withdrawn");

    // Made-up keys cost the provider one request in 30 s at most.
    let before = provider.asked();
    for number in 0..50 {
        let stranger = Issuer::new(&format!("made up {number}"), Algorithm::EdDsa);
        assert_eq!(me(&stage, &stranger.token(&claims(&long))).await, StatusCode::UNAUTHORIZED);
    }
    assert!(provider.asked() <= before + 1, "{} more", provider.asked() - before);
    clock.advance(Duration::from_secs(31));
    let stranger = Issuer::new("made up", Algorithm::EdDsa).token(&claims(&long));
    let flood = futures::future::join_all((0..20).map(|_| me(&stage, &stranger))).await;
    assert!(flood.iter().all(|status| *status == StatusCode::UNAUTHORIZED));
    assert!(provider.asked() <= before + 2, "{} more", provider.asked() - before);
    stage.close().await;
}

#[tokio::test]
async fn without_keys_a_token_is_neither_good_nor_bad() {
    let (files, clock) = (Files::new(), clock());
    let provider = IdentityProvider::start("").await;
    provider.answer_with(None);
    let stage = files.stage_with_keys_at(&provider.url(), &clock, &[]).await;
    let answer = ask(&stage, "GET", "/api/v1/me", &bearer(&files.token(&json!({})))).await;
    assert_eq!(
        (answer.status(), answer.headers()["retry-after"].to_str().unwrap()),
        (StatusCode::SERVICE_UNAVAILABLE, "2")
    );
    assert_eq!(me(&stage, POSITION_KEY).await, StatusCode::OK, "keys of files need no provider");
    assert_eq!(stage.get("/api/v1/pilots").await.status(), StatusCode::OK, "nor does the public picture");
    stage.close().await;
}
