//! Access control over real sockets: who may do what, where credentials stand, keys that change and expire, and limits.

mod callers;
mod discovery;
mod identity_provider;
mod keys;
mod limits;
mod logs;
mod opaque_tokens;
mod websockets;

use std::path::PathBuf;
use std::time::Duration;

use crate::stage::Stage;
use access::Algorithm;
use access::api_keys::NewKey;
use access::testing::{Issuer, key_set};
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Method, Response, StatusCode};
use runtime::Clock;
use serde_json::{Value, json};
use tempfile::TempDir;

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
