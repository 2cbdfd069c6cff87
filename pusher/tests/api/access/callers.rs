//! Who may do what, with which credentials.

use std::time::Duration;

use access::api_keys::NewKey;
use access::rules::{Needs, RULES};
use access::token::LEEWAY_S;
use access::{Role, Scopes};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::access::websockets::connect;
use crate::access::{ALPS, Files, NOW_S, POSITION_KEY, ask, bearer, clock, me};
use crate::stage::Stage;

#[tokio::test]
async fn each_role_may_do_what_the_table_says() {
    let (files, clock) = (Files::new(), clock());
    let stage = files.stage(&clock, &[]).await;
    let mut asked = 0;
    for rule in RULES {
        let path = rule.path.replace("{address}", "110B90").replace("{id}", "3-77");
        let callers = Role::ALL.map(Some).into_iter().chain([None]);
        for role in callers {
            let token = role.map(|role| files.token(&json!({ "roles": [role.as_str()] })));
            let headers = token.iter().flat_map(|token| bearer(token)).collect::<Vec<_>>();
            let answer = ask(&stage, rule.method, &path, &headers).await;
            let scopes = role.map_or(Scopes::PUBLIC, Role::scopes);
            let expected = match (rule.needs, role) {
                (Needs::Nothing, _) | (Needs::Credentials, Some(_)) => None,
                // Without a body there is no refresh token to look at.
                (Needs::RefreshToken, _) => None,
                // A token of the identity provider opens no session.
                (_, None) | (Needs::Login, _) => Some(StatusCode::UNAUTHORIZED),
                (Needs::Scope(scope), Some(_)) if scopes.has(scope) => None,
                (Needs::Scope(_), Some(_)) => Some(StatusCode::FORBIDDEN),
            };
            let denied = matches!(answer.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
            let found = denied.then_some(answer.status());
            assert_eq!(found, expected, "{} {path} by {role:?}", rule.method);
            if denied {
                assert!(answer.headers()["www-authenticate"].to_str().unwrap().starts_with("Bearer"), "{path}");
                assert_eq!(answer.headers()["content-type"], "application/problem+json", "{path}");
            }
            asked += 1;
        }
    }
    assert_eq!(asked, RULES.len() * 6);
    stage.close().await;
}

#[tokio::test]
async fn a_caller_learns_who_it_is() {
    let (files, clock) = (Files::new(), clock());
    let new = NewKey {
        scopes: vec!["validation:read".to_owned()],
        name: Some("monitor".to_owned()),
        expires_at_s: Some(NOW_S + 60),
        ..NewKey::default()
    };
    let key = files.add_api_key(&new);
    let stage = files.stage(&clock, &[]).await;
    let token = files.token(&json!({ "scope": "openid pilot", "company": "Club Alpin", "name": "Ada Lovelace" }));
    let answer = ask(&stage, "GET", "/api/v1/me", &bearer(&token)).await;
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let body: Value = answer.json().await.expect("JSON");
    let expected = json!({
        "server_time": body["server_time"],
        "subject": "ada",
        "user_id": "token/ada",
        "name": "Ada Lovelace",
        "credential": "token",
        "roles": ["pilot"],
        "scopes": ["picture:read", "position:write", "device:manage", "fleet:read", "notification:write"],
        "company": "Club Alpin",
        "devices": ["110B90"],
        "fleets": [],
        "views": [],
        "display": {},
        "expires_at": "2026-05-28T21:26:40.000Z",
    });
    assert_eq!(body, expected);
    let of_key: Value = ask(&stage, "GET", "/api/v1/me", &bearer(&key)).await.json().await.expect("JSON");
    assert_eq!((&of_key["credential"], &of_key["scopes"][1]), (&"api_key".into(), &"validation:read".into()));
    let of_device: Value = ask(&stage, "GET", "/api/v1/me", &bearer(POSITION_KEY)).await.json().await.expect("JSON");
    assert_eq!((&of_device["credential"], &of_device["subject"]), (&"position_key".into(), &"110B90".into()));
    for (presented, what) in [
        ("0123456789abcdeX", "another key"),
        (&token[..token.len() - 2], "a cut token"),
        (&key[..key.len() - 1], "a cut key"),
        (files.token(&json!({ "exp": NOW_S - LEEWAY_S })).as_str(), "an expired token"),
        (files.token(&json!({ "aud": "mail" })).as_str(), "a token for another program"),
        ("A".repeat(9_000).as_str(), "something long"),
    ] {
        let answer = ask(&stage, "GET", "/api/v1/me", &bearer(presented)).await;
        let challenge = answer.headers().get("www-authenticate").cloned();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{what}");
        let problem: Value = answer.json().await.expect("JSON");
        assert_eq!(challenge.expect("a challenge"), "Bearer error=\"invalid_token\"", "{what}");
        assert_eq!(problem["detail"], "these credentials are not accepted here, or not any more", "not why: {what}");
    }
    // Why is for operators.
    let metrics = stage.metrics();
    for reason in ["malformed", "unknown_api_key", "expired", "audience", "oversized"] {
        assert!(
            metrics.contains(&format!("fanet_pusher_logins_refused_total{{reason=\"{reason}\"}} 1")),
            "{reason}: {metrics}"
        );
    }
    // A cached token ends with its time, a key with its own.
    clock.advance(Duration::from_secs(61));
    assert_eq!((me(&stage, &token).await, me(&stage, &key).await), (StatusCode::OK, StatusCode::UNAUTHORIZED));
    clock.advance(Duration::from_secs(3_600));
    assert_eq!(me(&stage, &token).await, StatusCode::UNAUTHORIZED);
    stage.close().await;
}

#[tokio::test]
async fn positions_are_of_the_devices_of_the_credentials() {
    let (files, clock) = (Files::new(), clock());
    let new = NewKey {
        scopes: vec!["position:write".to_owned()],
        devices: vec!["110B90".parse().expect("an address"), "07AB12".parse().expect("an address")],
        ..NewKey::default()
    };
    let key = files.add_api_key(&new);
    let stage = files.stage(&clock, &[]).await;
    let report =
        json!({ "positioned_at_us": (NOW_S * 1_000_000).to_string(), "latitude_deg": 46.5, "longitude_deg": 8 });
    let pilot = files.token(&json!({ "scope": "position:write" }));
    let without_devices = files.token(&json!({ "scope": "position:write", "devices": [] }));
    for (presented, query, status, code) in [
        (pilot.as_str(), "", 202, ""),
        (pilot.as_str(), "?device=110b90", 202, ""),
        (pilot.as_str(), "?device=07AB12", 403, "not_your_device"),
        (pilot.as_str(), "?device=pilot", 400, "bad_address"),
        (pilot.as_str(), "?devices=110B90", 400, "unknown_parameter"),
        (without_devices.as_str(), "", 403, "not_your_device"),
        (files.token(&json!({})).as_str(), "", 403, "insufficient_scope"),
        (key.as_str(), "", 400, "no_device"),
        (key.as_str(), "?device=07AB12", 202, ""),
        (key.as_str(), "?device=000001", 403, "not_your_device"),
        (POSITION_KEY, "", 202, ""),
        (POSITION_KEY, "?device=07AB12", 403, "not_your_device"),
        ("0123456789abcdeX", "", 401, "unauthorized"),
    ] {
        let path = format!("/api/v1/position{query}");
        let answer = stage.post(&path, Some(presented), "application/json", report.to_string()).await;
        assert_eq!(answer.status(), status, "{query} {code}");
        if status != 202 {
            let problem: Value = answer.json().await.expect("a problem document");
            assert_eq!(problem["code"], code, "{query}");
        }
    }
    stage.close().await;
}

#[tokio::test]
async fn without_settings_no_credentials_are_looked_at() {
    let stage = Stage::open().await;
    let socket = connect(&stage, &format!("{ALPS}&token=nonsense"), &[]).await;
    assert!(socket.is_ok(), "as before there were any");
    for (method, path, status, code) in [
        ("GET", "/api/v1/me", 401, "unauthorized"),
        ("GET", "/api/v1/validation/110B90", 403, "no_operator"),
        ("POST", "/api/v1/validation/110B90/reset", 403, "no_operator"),
        ("PUT", "/api/v1/zones/alps", 401, "unauthorized"),
        ("DELETE", "/api/v1/zones/alps", 401, "unauthorized"),
        ("POST", "/api/v1/position", 401, "unauthorized"),
    ] {
        for headers in [vec![], bearer("nonsense").to_vec()] {
            let answer = ask(&stage, method, path, &headers).await;
            assert_eq!(answer.status(), status, "{method} {path}");
            let problem: Value = answer.json().await.expect("a problem document");
            assert_eq!(problem["code"], code, "{method} {path}");
        }
    }
    stage.close().await;
    let open = Stage::open_with(&["--open-operator"]).await;
    for headers in [vec![], bearer("nonsense").to_vec()] {
        let answer = ask(&open, "POST", "/api/v1/validation/110B90/reset", &headers).await;
        assert_eq!(answer.status(), StatusCode::ACCEPTED);
        let answer = ask(&open, "POST", "/api/v1/position", &headers).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "an operator sends no positions");
    }
    open.close().await;
}

#[tokio::test]
async fn pages_of_listed_origins_may_use_the_api() {
    let stage = Stage::open_with(&["--cors-origins", "https://map.example.org,http://localhost:5173"]).await;
    for (origin, allowed) in
        [("https://map.example.org", true), ("http://localhost:5173", true), ("https://evil.example", false)]
    {
        let answer = ask(&stage, "GET", "/api/v1/pilots", &[("origin", origin.to_owned())]).await;
        let found = answer.headers().get("access-control-allow-origin").map(|value| value.to_str().unwrap());
        assert_eq!(found, allowed.then_some(origin));
    }
    stage.close().await;
}
