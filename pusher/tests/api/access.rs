//! Access control over real sockets: who may do what, where credentials stand, keys that change and expire, and limits.

mod identity_provider;

use std::path::PathBuf;
use std::time::Duration;

use crate::stage::Stage;
use access::Algorithm;
use access::api_keys::NewKey;
use access::rules::{Needs, RULES};
use access::testing::{Issuer, key_set};
use access::token::LEEWAY_S;
use access::{Role, Scopes};
use futures::StreamExt as _;
use identity_provider::IdentityProvider;
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Method, Response, StatusCode};
use runtime::Clock;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{self, Message};

const NOW_S: u64 = 1_780_000_000;
const ISSUER: &str = "https://id.example.org";
const AUDIENCE: &str = "updraft";
const POSITION_KEY: &str = "0123456789abcdef";
const ALPS: &str = "lat=46.5&lon=8&radius=50";
const SOON: Duration = Duration::from_secs(20);

/// Files of keys, and the settings that name them.
struct Files {
    dir: TempDir,
    issuer: Issuer,
}

impl Files {
    fn new() -> Self {
        let files = Self { dir: tempfile::tempdir().expect("a folder"), issuer: Issuer::new("a", Algorithm::Es256) };
        files.write("jwks.json", &key_set(&[&files.issuer]));
        files.write("api-keys.toml", "");
        files.write("position-keys.toml", &format!("[[sender]]\nkey = \"{POSITION_KEY}\"\ndevice = \"110B90\"\n"));
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::write(self.path(name), text).expect("written");
        std::fs::set_permissions(self.path(name), std::fs::Permissions::from_mode(0o600)).expect("set");
    }

    /// A new key, with its entry in the file.
    fn add_api_key(&self, new: &NewKey) -> String {
        let id = [u8::try_from(new.scopes.len()).expect("few"); 8];
        let (key, entry) = new.make(id, [7; 32]).expect("a key");
        let before = std::fs::read_to_string(self.path("api-keys.toml")).expect("a file");
        self.write("api-keys.toml", &(before + &entry));
        key
    }

    async fn stage(&self, clock: &Clock, more: &[&str]) -> Stage {
        self.stage_with_keys_at(&self.path("jwks.json").display().to_string(), clock, more).await
    }

    async fn stage_with_keys_at(&self, keys: &str, clock: &Clock, more: &[&str]) -> Stage {
        let (api_keys, position_keys) = (self.path("api-keys.toml"), self.path("position-keys.toml"));
        let (api_keys, position_keys) = (api_keys.display().to_string(), position_keys.display().to_string());
        let mut arguments = vec!["--auth-jwks", keys, "--auth-issuer", ISSUER, "--auth-audience", AUDIENCE];
        arguments.extend(["--api-keys", &api_keys, "--position-keys", &position_keys, "--heartbeat", "1h"]);
        arguments.extend(more);
        Stage::open_at(clock.clone(), None, &arguments).await
    }

    fn token(&self, changes: &Value) -> String {
        self.issuer.token(&claims(changes))
    }
}

fn claims(changes: &Value) -> Value {
    let mut claims =
        json!({ "iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "exp": NOW_S + 3_600, "devices": ["110B90"] });
    for (name, value) in changes.as_object().expect("an object") {
        claims[name] = value.clone();
    }
    claims
}

fn clock() -> Clock {
    Clock::manual(NOW_S * 1_000_000)
}

async fn ask(stage: &Stage, method: &str, path: &str, headers: &[(&'static str, String)]) -> Response {
    let method: Method = method.parse().expect("a method");
    let named = headers.iter().map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value")));
    let headers: HeaderMap<HeaderValue> = named.collect();
    let request = reqwest::Client::new().request(method, format!("http://{}{path}", stage.address)).headers(headers);
    request.send().await.expect("answers")
}

fn bearer(presented: &str) -> [(&'static str, String); 1] {
    [("authorization", format!("Bearer {presented}"))]
}

async fn me(stage: &Stage, presented: &str) -> StatusCode {
    ask(stage, "GET", "/api/v1/me", &bearer(presented)).await.status()
}

/// Moves the clock until it is so.
async fn until(clock: &Clock, what: &str, is_so: impl AsyncFn() -> bool) {
    let moved = async || {
        let reached = is_so().await;
        clock.advance(Duration::from_secs(u64::from(!reached)));
        reached.then_some(())
    };
    harness::wait_until(SOON, what, moved).await.expect("reached");
}

/// Moves the clock by the interval of the files' readers, so many times, each time long enough for them to read.
async fn pass(clock: &Clock, intervals: usize) {
    for _ in 0..intervals {
        clock.advance(Duration::from_secs(3));
        harness::let_pass(Duration::from_millis(5)).await;
    }
}

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

/// The discovery document of a provider, with the key set at this path.
fn document(provider: &IdentityProvider, jwks: &str) -> Value {
    let issuer = provider.issuer();
    json!({
        "issuer": issuer, "jwks_uri": format!("{issuer}{jwks}"), "authorization_endpoint": format!("{issuer}/auth"),
        "token_endpoint": format!("{issuer}/token"), "end_session_endpoint": format!("{issuer}/end"),
        "scopes_supported": ["openid", "offline_access"],
    })
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
        provider.describe_with(bad.clone());
        let counted = format!("token_key_fetches_total{{reason=\"{reason}\"}}");
        clock.advance(Duration::from_secs(301));
        stage.until(reason, || async { stage.metrics().contains(&counted) }).await;
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
    let arguments = ["--auth-userinfo", &provider.user_endpoint(), "--redis-url", redis.url()];
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

/// A WebSocket with these headers, or the status of the refusal.
async fn connect(stage: &Stage, query: &str, headers: &[(&'static str, &str)]) -> Result<Socket, u16> {
    let mut request = format!("ws://{}/ws/v1/updates?{query}", stage.address).into_client_request().expect("a URL");
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().expect("a value"));
    }
    match tokio_tungstenite::connect_async(request).await {
        Ok((socket, response)) => {
            let subprotocol = response.headers().get("sec-websocket-protocol");
            Ok(Socket { socket, subprotocol: subprotocol.map(|name| name.to_str().expect("text").to_owned()) })
        }
        Err(tungstenite::Error::Http(response)) => Err(response.status().as_u16()),
        Err(other) => panic!("{other}"),
    }
}

struct Socket {
    socket: tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>,
    subprotocol: Option<String>,
}

impl Socket {
    async fn close_code(&mut self) -> u16 {
        loop {
            let next = tokio::time::timeout(SOON, self.socket.next()).await.expect("the server closes");
            match next {
                Some(Ok(Message::Close(Some(frame)))) => return frame.code.into(),
                Some(Ok(_)) => {}
                other => panic!("ended without a code: {other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn a_websocket_takes_credentials_and_ends_with_them() {
    let (files, clock) = (Files::new(), clock());
    let stage = files.stage(&clock, &[]).await;
    let token = files.token(&json!({ "exp": NOW_S + 60 }));
    let header = format!("Bearer {token}");
    let subprotocols = format!("updraft.bearer.{token}, updraft.v1.json");
    let in_url = format!("{ALPS}&token={token}");
    let mut sockets = vec![
        connect(&stage, ALPS, &[("authorization", &header)]).await.expect("in the header"),
        connect(&stage, &in_url, &[("sec-websocket-protocol", "updraft.v1.json")]).await.expect("in the URL"),
        connect(&stage, ALPS, &[("sec-websocket-protocol", &subprotocols)]).await.expect("in the subprotocol"),
    ];
    let answered: Vec<_> = sockets.iter().map(|socket| socket.subprotocol.as_deref()).collect();
    assert_eq!(answered, [None, Some("updraft.v1.json"), Some("updraft.v1.json")], "never with the token");
    let mut anonymous = connect(&stage, ALPS, &[]).await.expect("without credentials");

    let expired = files.token(&json!({ "exp": NOW_S - LEEWAY_S }));
    for (query, headers, status) in [
        (format!("{ALPS}&token={expired}"), vec![], 401),
        (format!("{ALPS}&token=nonsense"), vec![], 401),
        (ALPS.to_owned(), vec![("authorization", "Bearer nonsense")], 401),
        (in_url.clone(), vec![("authorization", header.as_str())], 400),
        (ALPS.to_owned(), vec![("sec-websocket-protocol", subprotocols.split(',').next().expect("one"))], 400),
    ] {
        assert_eq!(connect(&stage, &query, &headers).await.err(), Some(status), "{headers:?}");
    }

    clock.advance(Duration::from_secs(60 + LEEWAY_S - 1));
    harness::let_pass(Duration::from_millis(500)).await;
    assert_eq!(stage.metric("fanet_websocket_connections_active"), 4.0, "within the leeway");
    clock.advance(Duration::from_secs(2));
    for socket in &mut sockets {
        assert_eq!(socket.close_code().await, 4005);
    }
    // A connection is counted after its close frame was sent.
    let closed = "fanet_pusher_connections_closed_total{reason=\"credentials_expired\"} 3";
    stage.until(closed, || async { stage.metrics().contains(closed) }).await;
    let next = tokio::time::timeout(Duration::from_millis(500), async {
        while let Some(Ok(message)) = anonymous.socket.next().await {
            assert!(!message.is_close(), "without credentials nothing expires");
        }
    });
    assert!(next.await.is_err(), "it stays");
    // The clock stands still, so that a client that does not answer the close would be waited for without end.
    drop((sockets, anonymous));
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

mod logs {
    use std::io;
    use std::sync::{Arc, Mutex};

    /// Everything that was logged.
    #[derive(Clone, Default)]
    pub(crate) struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Lines {
        pub(crate) fn text(&self) -> String {
            String::from_utf8_lossy(&self.0.lock().expect("no panic")).into_owned()
        }
    }

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("no panic").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
}

#[tokio::test]
async fn no_credentials_are_in_any_log_line() {
    let lines = logs::Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    // All tasks of the pusher run on this thread.
    let logging = tracing::subscriber::set_default(subscriber);
    let (files, clock) = (Files::new(), clock());
    let key = files.add_api_key(&NewKey { scopes: vec!["viewer".to_owned()], ..NewKey::default() });
    let stage = files.stage(&clock, &["--trusted-proxies", "127.0.0.1"]).await;
    let good = files.token(&json!({}));
    let bad = files.token(&json!({ "aud": "mail" }));
    let wrong_key = format!("updraft_a1_{}", "5ec2e7".repeat(10));
    let shown = [good.as_str(), &bad, &key, &wrong_key, POSITION_KEY, "0123456789abcdeX-secret"];
    for presented in shown {
        let forwarded = ("x-forwarded-for", "203.0.113.9".to_owned());
        for path in ["/api/v1/me", "/api/v1/pilots", "/api/v1/validation/110B90", "/api/v1/nothing"] {
            ask(&stage, "GET", path, &[bearer(presented)[0].clone(), forwarded.clone()]).await;
            // Where it does not belong.
            ask(&stage, "GET", &format!("{path}?token={presented}"), &[]).await;
        }
        drop(connect(&stage, &format!("{ALPS}&token={presented}"), &[]).await);
        drop(connect(&stage, &format!("{ALPS}&token={presented}&token={presented}"), &[]).await);
        let subprotocols = format!("updraft.v1.json, updraft.bearer.{presented}");
        drop(connect(&stage, ALPS, &[("sec-websocket-protocol", &subprotocols)]).await);
    }
    // A person may confuse the two.
    let hash = "0".repeat(64);
    files.write("api-keys.toml", &format!("[[key]]\nid = \"{key}\"\nsha256 = \"{hash}\"\nscopes = []\n"));
    pass(&clock, 3).await;
    stage.close().await;
    drop(logging);
    let text = lines.text();
    assert!(text.contains("credentials were refused") && text.contains("reason=\"audience\""), "{text}");
    for presented in shown {
        // What is secret of it: the signature of a token, the secret of a key.
        let secret = presented.rsplit(['.', '_']).next().expect("a part");
        let line = text.lines().find(|line| line.contains(secret));
        assert!(line.is_none(), "{secret}: {line:?}");
    }
}
