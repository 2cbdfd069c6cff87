//! Sessions over real sockets: who opens one, how it is refreshed and ended, what closes with it, and what is recorded.

use std::path::PathBuf;
use std::time::Duration;

use crate::stage::{Stage, read_all};
use access::api_keys::NewKey;
use access::session::{ACCESS_S, IDLE_S};
use access::token::LEEWAY_S;
use futures::StreamExt as _;
use reqwest::{Method, Response};
use runtime::Clock;
use schemas::catalogue::topic;
use schemas::v1::{AuditOutcome, AuditRecord};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

const NOW_S: u64 = 1_780_000_000;
const SOON: Duration = Duration::from_secs(20);
const SIGNING_KEY: &str = include_str!("../../../crates/access/tests/fixtures/signing-p256.pem");
const NEXT_SIGNING_KEY: &str = include_str!("../../../crates/access/tests/fixtures/signing-ed25519.pem");

/// Files of keys.
struct Files {
    dir: TempDir,
    entries: Vec<String>,
}

impl Files {
    fn new() -> Self {
        let files = Self { dir: tempfile::tempdir().expect("a folder"), entries: Vec::new() };
        files.write("session-keys.pem", SIGNING_KEY);
        files.write("api-keys.toml", "");
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

    /// A new key with its entry in the file.
    fn add(&mut self, new: &NewKey) -> String {
        let number = u8::try_from(self.entries.len()).expect("few") + 1;
        let (key, entry) = new.make([number; 8], [number; 32]).expect("a key");
        self.entries.push(entry);
        self.write("api-keys.toml", &self.entries.concat());
        key
    }

    fn key(&mut self, role: &str) -> String {
        self.add(&NewKey { scopes: vec![role.to_owned()], ..NewKey::default() })
    }

    fn secret(&mut self) -> String {
        let expires_at_s = Some(NOW_S + 3_600);
        self.add(&NewKey { scopes: vec!["operator".to_owned()], once: true, expires_at_s, ..NewKey::default() })
    }

    async fn stage(&self, clock: &Clock, more: &[&str]) -> Stage {
        let (api_keys, session_keys) = (self.path("api-keys.toml"), self.path("session-keys.pem"));
        let (api_keys, session_keys) = (api_keys.display().to_string(), session_keys.display().to_string());
        let mut arguments = vec!["--api-keys", &api_keys, "--session-keys", &session_keys, "--heartbeat", "1h"];
        arguments.extend(more);
        Stage::open_at(clock.clone(), None, &arguments).await
    }
}

fn clock() -> Clock {
    Clock::manual(NOW_S * 1_000_000)
}

async fn ask(stage: &Stage, method: Method, path: &str, presented: Option<&str>, body: String) -> Response {
    let request = reqwest::Client::new().request(method, format!("http://{}{path}", stage.address));
    let request = presented.into_iter().fold(request, |request, presented| request.bearer_auth(presented));
    request.body(body).send().await.expect("answers")
}

async fn open(stage: &Stage, presented: &str) -> Response {
    ask(stage, Method::POST, "/api/v1/session", Some(presented), String::new()).await
}

async fn refresh(stage: &Stage, refresh_token: &str) -> Response {
    let body = json!({ "refresh_token": refresh_token }).to_string();
    ask(stage, Method::POST, "/api/v1/session/refresh", None, body).await
}

async fn end(stage: &Stage, access_token: &str) -> u16 {
    ask(stage, Method::DELETE, "/api/v1/session", Some(access_token), String::new()).await.status().as_u16()
}

async fn me(stage: &Stage, presented: &str) -> u16 {
    ask(stage, Method::GET, "/api/v1/me", Some(presented), String::new()).await.status().as_u16()
}

/// The tokens of an answer.
struct Tokens {
    session: String,
    access: String,
    refresh: String,
}

async fn tokens(answer: Response) -> Tokens {
    assert!(answer.status().is_success(), "{}", answer.status());
    assert_eq!(answer.headers()["cache-control"], "no-store");
    assert!(answer.headers().get("set-cookie").is_none());
    let body: Value = answer.json().await.expect("JSON");
    let text = |name: &str| body[name].as_str().unwrap_or_else(|| panic!("{name} in {body}")).to_owned();
    assert_eq!(text("token_type"), "Bearer");
    Tokens { session: text("session_id"), access: text("access_token"), refresh: text("refresh_token") }
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

/// The code with which the server closes a WebSocket that has these credentials.
async fn close_code(stage: &Stage, presented: &str) -> tokio::task::JoinHandle<u16> {
    let url = format!("ws://{}/ws/v1/updates?lat=46.5&lon=8&radius=50", stage.address);
    let mut request = url.into_client_request().expect("a URL");
    request.headers_mut().insert("authorization", format!("Bearer {presented}").parse().expect("a value"));
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.expect("opens");
    tokio::spawn(async move {
        loop {
            match socket.next().await {
                Some(Ok(Message::Close(Some(frame)))) => return frame.code.into(),
                Some(Ok(_)) => {}
                other => panic!("ended without a code: {other:?}"),
            }
        }
    })
}

async fn in_time(closing: tokio::task::JoinHandle<u16>) -> u16 {
    tokio::time::timeout(SOON, closing).await.expect("closed in time").expect("no panic")
}

#[tokio::test]
async fn a_key_opens_a_session_that_is_refreshed_and_ended() {
    let (mut files, clock) = (Files::new(), clock());
    let (key, other) = (files.key("operator"), files.key("viewer"));
    let stage = files.stage(&clock, &[]).await;
    let first = tokens(open(&stage, &key).await).await;
    let answer = ask(&stage, Method::GET, "/api/v1/me", Some(&first.access), String::new()).await;
    let body: Value = answer.json().await.expect("JSON");
    assert_eq!((&body["credential"], &body["subject"]), (&json!("session"), &json!("01".repeat(8))), "{body}");
    assert_eq!((&body["roles"], &body["expires_at"]), (&json!(["operator"]), &json!("2026-05-28T20:36:40.000Z")));
    let scores = ask(&stage, Method::GET, "/api/v1/validation/110B90", Some(&first.access), String::new()).await;
    assert!(!matches!(scores.status().as_u16(), 401 | 403), "an operator: {}", scores.status());
    assert_eq!(me(&stage, &first.refresh).await, 401, "a refresh token is no access token");

    // An access token is short, and the session goes on.
    clock.advance(Duration::from_secs(ACCESS_S + LEEWAY_S));
    assert_eq!(me(&stage, &first.access).await, 401);
    let second = tokens(refresh(&stage, &first.refresh).await).await;
    assert_eq!(second.session, first.session);
    assert!(second.refresh != first.refresh && second.access != first.access);
    assert_eq!(me(&stage, &second.access).await, 200);

    // An end is for its session alone, and closes what is open.
    let bystander = tokens(open(&stage, &other).await).await;
    let (closing, staying) = (close_code(&stage, &second.access).await, close_code(&stage, &bystander.access).await);
    assert_eq!(end(&stage, &key).await, 409, "an API key is no session");
    assert_eq!(end(&stage, &second.access).await, 204);
    assert_eq!(in_time(closing).await, 4005);
    assert_eq!((me(&stage, &second.access).await, end(&stage, &second.access).await), (401, 401));
    assert_eq!(refresh(&stage, &second.refresh).await.status(), 401);
    assert_eq!((me(&stage, &bystander.access).await, me(&stage, &key).await), (200, 200));
    assert!(!staying.is_finished());
    staying.abort();

    let records: Vec<AuditRecord> = read_all(&stage, topic::AUDIT).await;
    let subject = format!("session/{}", first.session);
    let of_it: Vec<_> = records.iter().filter(|record| record.subject == subject).collect();
    let brief: Vec<_> = of_it.iter().map(|record| (record.action.as_str(), record.credential.as_str())).collect();
    assert_eq!(brief.len(), 3);
    for expected in [("session.create", "api_key"), ("session.refresh", "session"), ("session.end", "session")] {
        assert!(brief.contains(&expected), "{brief:?}");
    }
    let is_right =
        |record: &&AuditRecord| record.user_id == "01".repeat(8) && record.outcome() == AuditOutcome::Accepted;
    assert!(of_it.iter().all(is_right), "{of_it:?}");
    assert!(
        records.iter().any(|record| record.outcome() == AuditOutcome::Refused && record.action == "session.refresh")
    );
    let text = format!("{records:?}");
    for secret in [&key, &first.refresh, &second.refresh, &second.access] {
        assert!(!text.contains(secret.rsplit(['_', '.']).next().expect("a part")), "no credentials in {text}");
    }
    stage.close().await;
}

#[tokio::test]
async fn a_refresh_token_that_comes_back_ends_its_session() {
    let (mut files, clock) = (Files::new(), clock());
    let key = files.key("operator");
    let stage = files.stage(&clock, &[]).await;
    let (first, other) = (tokens(open(&stage, &key).await).await, tokens(open(&stage, &key).await).await);
    let second = tokens(refresh(&stage, &first.refresh).await).await;
    let closing = close_code(&stage, &second.access).await;
    assert_eq!(refresh(&stage, &first.refresh).await.status(), 401, "used before");
    assert_eq!(in_time(closing).await, 4005);
    assert_eq!(refresh(&stage, &second.refresh).await.status(), 401, "the newest one ends with it");
    assert_eq!((me(&stage, &second.access).await, me(&stage, &first.access).await), (401, 401));
    assert_eq!(me(&stage, &other.access).await, 200, "another session of the same key");
    let records: Vec<AuditRecord> = read_all(&stage, topic::AUDIT).await;
    let reused = records.iter().find(|record| record.details.get("reason").is_some_and(|reason| reason == "reused"));
    let reused = reused.expect("a record");
    assert_eq!(
        (reused.outcome(), reused.subject.clone()),
        (AuditOutcome::Refused, format!("session/{}", first.session))
    );
    assert!(stage.metrics().contains("fanet_pusher_sessions_total{outcome=\"reused\"} 1"));

    // Of two at the same time one is the second.
    let (one, two) = tokio::join!(refresh(&stage, &other.refresh), refresh(&stage, &other.refresh));
    let mut statuses = [one.status().as_u16(), two.status().as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401]);
    assert_eq!(me(&stage, &other.access).await, 401);
    stage.close().await;
}

#[tokio::test]
async fn a_one_time_secret_opens_one_session() {
    let (mut files, clock) = (Files::new(), clock());
    let (secret, late) = (files.secret(), files.secret());
    let stage = files.stage(&clock, &[]).await;
    assert_eq!(me(&stage, &secret).await, 401, "it is for a session alone");
    let mut session = tokens(open(&stage, &secret).await).await;
    assert_eq!(open(&stage, &secret).await.status(), 401, "used before");
    let records: Vec<AuditRecord> = read_all(&stage, topic::AUDIT).await;
    let spent = records.iter().find(|record| record.details.get("reason").is_some_and(|reason| reason == "spent"));
    assert_eq!(spent.expect("a record").user_id, "01".repeat(8));
    // The session outlives the secret, while it is refreshed.
    for _ in 0..3 {
        clock.advance(Duration::from_secs(IDLE_S - 1));
        session = tokens(refresh(&stage, &session.refresh).await).await;
        assert_eq!(me(&stage, &session.access).await, 200);
    }
    assert_eq!(open(&stage, &late).await.status(), 401, "its time is over");

    // Its entry is taken out: that ends the session.
    files.write("api-keys.toml", "");
    until(&clock, "the end of the session", async || me(&stage, &session.access).await == 401).await;
    assert_eq!(refresh(&stage, &session.refresh).await.status(), 401);
    stage.close().await;
}

#[tokio::test]
async fn a_session_ends_with_its_time() {
    let (mut files, clock) = (Files::new(), clock());
    let key =
        files.add(&NewKey { scopes: vec!["viewer".to_owned()], expires_at_s: Some(NOW_S + 60), ..NewKey::default() });
    let lasting = files.key("viewer");
    let stage = files.stage(&clock, &[]).await;
    let (short, long) = (tokens(open(&stage, &key).await).await, tokens(open(&stage, &lasting).await).await);
    clock.advance(Duration::from_secs(60));
    assert_eq!((me(&stage, &short.access).await, me(&stage, &long.access).await), (401, 200), "with its key");
    assert_eq!(refresh(&stage, &short.refresh).await.status(), 401);
    clock.advance(Duration::from_secs(IDLE_S));
    assert_eq!(refresh(&stage, &long.refresh).await.status(), 401, "idle for too long");
    stage.close().await;
}

#[tokio::test]
async fn bad_secrets_are_delayed_and_the_first_recorded() {
    let (mut files, clock) = (Files::new(), clock());
    let key = files.key("operator");
    let stage = files.stage(&clock, &["--limit-private"]).await;
    let made_up = format!("updraft-refresh_{}_{}", "a1".repeat(16), "b2".repeat(32));
    for (presented, status) in [(None, 401), (Some("nonsense"), 401), (Some(made_up.as_str()), 401)] {
        let answer = ask(&stage, Method::POST, "/api/v1/session", presented, String::new()).await;
        assert_eq!(answer.status(), status, "{presented:?}");
    }
    for (body, status) in [
        ("", 400),
        ("{}", 400),
        (r#"{"refresh_token":"a","more":1}"#, 400),
        (&"x".repeat(2_000), 413),
        (r#"{"refresh_token":"a"}"#, 401),
    ] {
        let answer = ask(&stage, Method::POST, "/api/v1/session/refresh", None, body.to_owned()).await;
        assert_eq!(answer.status(), status, "{body}");
    }
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(refresh(&stage, &made_up).await.status().as_u16());
    }
    assert_eq!(statuses, [401, 401, 401, 429], "five cost nothing, the sixth begins the delay");
    assert_eq!(open(&stage, "updraft_a1_wrong").await.status(), 429);
    tokens(open(&stage, &key).await).await;
    let records: Vec<AuditRecord> = read_all(&stage, topic::AUDIT).await;
    let refused = records.iter().filter(|record| record.outcome() == AuditOutcome::Refused);
    let refused: Vec<_> = refused.map(|record| (record.user_id.as_str(), record.subject.as_str())).collect();
    assert_eq!(refused, vec![("unknown", "session"); 6]);
    stage.close().await;
}

#[tokio::test]
async fn replacing_signing_keys_ends_no_session() {
    let (mut files, clock) = (Files::new(), clock());
    let key = files.key("viewer");
    let stage = files.stage(&clock, &[]).await;
    let before = tokens(open(&stage, &key).await).await;
    let id = |token: &str| token.split('.').next().expect("a header").to_owned();
    // The next key signs, the one before is accepted.
    files.write("session-keys.pem", &[NEXT_SIGNING_KEY, SIGNING_KEY].concat());
    let after = async || {
        let opened = tokens(open(&stage, &key).await).await;
        clock.advance(Duration::from_secs(5));
        opened
    };
    until(&clock, "the next key", async || id(&after().await.access) != id(&before.access)).await;
    let opened = after().await;
    assert_eq!((me(&stage, &opened.access).await, me(&stage, &before.access).await), (200, 200));
    files.write("session-keys.pem", "nonsense");
    for _ in 0..5 {
        clock.advance(Duration::from_secs(3));
        harness::let_pass(Duration::from_millis(5)).await;
    }
    assert_eq!(me(&stage, &opened.access).await, 200, "a bad file changes nothing");
    files.write("session-keys.pem", NEXT_SIGNING_KEY);
    until(&clock, "the end of the old key", async || me(&stage, &before.access).await == 401).await;
    let refreshed = tokens(refresh(&stage, &before.refresh).await).await;
    assert_eq!(me(&stage, &refreshed.access).await, 200, "the session goes on");
    stage.close().await;
}

#[tokio::test]
async fn without_a_file_sessions_are_of_the_process() {
    let (mut files, clock) = (Files::new(), clock());
    let key = files.key("viewer");
    let api_keys = files.path("api-keys.toml").display().to_string();
    let one = Stage::open_at(clock.clone(), None, &["--api-keys", &api_keys]).await;
    let other = Stage::open_at(clock.clone(), None, &["--api-keys", &api_keys]).await;
    let session = tokens(open(&one, &key).await).await;
    assert_eq!((me(&one, &session.access).await, me(&other, &session.access).await), (200, 401));
    one.close().await;
    other.close().await;
    let none = Stage::open().await;
    assert_eq!(open(&none, &key).await.status(), 403, "there are no keys");
    assert_eq!(refresh(&none, &session.refresh).await.status(), 403);
    none.close().await;
}

/// Redis limits commands by its own clock.
async fn forget_limits(url: &str) {
    let client = redis::Client::open(url).expect("a URL");
    let mut connection = client.get_multiplexed_async_connection().await.expect("connects");
    let keys: Vec<String> = redis::cmd("KEYS").arg("fanet:{limit}:*").query_async(&mut connection).await.expect("keys");
    for key in keys {
        redis::cmd("DEL").arg(key).query_async::<()>(&mut connection).await.expect("deleted");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_share_sessions_through_redis() {
    let (mut files, clock) = (Files::new(), clock());
    let (key, secret) = (files.key("operator"), files.secret());
    let redis = harness::Redis::start().await.expect("Redis starts");
    let url = redis.url_of("pusher");
    let arguments = ["--redis-url", &*url];
    let (one, other) = (files.stage(&clock, &arguments).await, files.stage(&clock, &arguments).await);
    let first = tokens(open(&one, &key).await).await;
    let second = tokens(refresh(&other, &first.refresh).await).await;
    assert_eq!((me(&one, &second.access).await, me(&other, &first.access).await), (200, 200));

    // An end at one instance closes what is open at the other.
    let closing = close_code(&other, &second.access).await;
    assert_eq!(end(&one, &second.access).await, 204);
    until(&clock, "the other instance to learn of it", async || me(&other, &second.access).await == 401).await;
    assert_eq!(in_time(closing).await, 4005);
    assert_eq!(refresh(&other, &second.refresh).await.status(), 401);

    // A used token and a used secret are used everywhere.
    let session = tokens(open(&one, &secret).await).await;
    assert_eq!(open(&other, &secret).await.status(), 401);
    let next = tokens(refresh(&one, &session.refresh).await).await;
    assert_eq!(refresh(&other, &session.refresh).await.status(), 401);
    assert_eq!(refresh(&one, &next.refresh).await.status(), 401);

    // The oldest sessions of a key make room.
    let oldest = tokens(open(&one, &key).await).await;
    for number in 0..100 {
        clock.advance(Duration::from_secs(1));
        if number % 10 == 0 {
            forget_limits(redis.url()).await;
        }
        tokens(open(&one, &key).await).await;
    }
    assert_eq!((me(&one, &oldest.access).await, refresh(&one, &oldest.refresh).await.status().as_u16()), (401, 401));

    // Without Redis what is signed is accepted, and nothing is opened.
    forget_limits(redis.url()).await;
    let last = tokens(open(&one, &key).await).await;
    redis.service().kill().await.expect("killed");
    assert_eq!((me(&one, &last.access).await, me(&other, &last.access).await), (200, 200));
    for answer in [open(&one, &key).await, refresh(&other, &last.refresh).await] {
        assert_eq!(answer.status(), 503);
        let problem: Value = answer.json().await.expect("a problem document");
        assert_eq!(problem["code"], "sessions_unavailable");
    }
    assert_eq!(end(&one, &last.access).await, 503, "the refresh token may still be good");
    assert_eq!(me(&one, &last.access).await, 401, "but here it has ended");
    one.close().await;
    other.close().await;
}
