//! People with API keys, and what they have done as the log has it.

use std::io::Read;

use access::api_keys::NewKey;
use reqwest::{Method, Response};
use serde_json::Value;
use tempfile::TempDir;

use crate::stage::Stage;

/// A file of API keys.
pub(crate) struct People {
    dir: TempDir,
    keys: Vec<(&'static str, String)>,
}

impl People {
    /// Name, role (`role@company` where they are of one), and devices of each.
    pub(crate) fn new(people: &[(&'static str, &str, &[&str])]) -> Self {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().expect("a folder");
        let (mut keys, mut text) = (Vec::new(), String::new());
        for (number, (name, role, devices)) in (1..).zip(people) {
            let devices = devices.iter().map(|device| device.parse().expect("an address")).collect();
            let (role, company) = role.split_once('@').map_or((*role, None), |(role, company)| (role, Some(company)));
            let company = company.map(str::to_owned);
            let new = NewKey { scopes: vec![role.to_owned()], company, devices, ..NewKey::default() };
            let (key, entry) = new.make([number; 8], [number; 32]).expect("a key");
            keys.push((*name, key));
            text += &entry;
        }
        let people = Self { dir, keys };
        std::fs::write(people.path(), text).expect("written");
        std::fs::set_permissions(people.path(), std::fs::Permissions::from_mode(0o600)).expect("set");
        people
    }

    fn path(&self) -> std::path::PathBuf {
        self.dir.path().join("api-keys.toml")
    }

    /// The settings that name the file.
    pub(crate) fn arguments(&self) -> Vec<String> {
        vec!["--api-keys".to_owned(), self.path().display().to_string()]
    }

    pub(crate) fn key(&self, name: &str) -> &str {
        &self.keys.iter().find(|(known, _)| *known == name).expect("a person").1
    }

    /// The subject of a person's key.
    pub(crate) fn subject(&self, name: &str) -> String {
        self.key(name).split('_').nth(1).expect("an id").to_owned()
    }

    pub(crate) async fn ask(&self, stage: &Stage, name: &str, method: &str, path: &str) -> Response {
        self.send(stage, name, method, path, String::new()).await
    }

    pub(crate) async fn send(&self, stage: &Stage, name: &str, method: &str, path: &str, body: String) -> Response {
        let method: Method = method.parse().expect("a method");
        let request = reqwest::Client::new().request(method, format!("http://{}{path}", stage.address));
        let request = request.bearer_auth(self.key(name)).header("accept-encoding", "gzip, deflate, br, zstd");
        request.body(body).send().await.expect("answers")
    }

    /// Status and code of the problem document, or the field of the answer that matters.
    pub(crate) async fn outcome(&self, stage: &Stage, name: &str, method: &str, path: &str) -> (u16, String) {
        outcome(self.ask(stage, name, method, path).await).await
    }
}

/// Status, and the code of the problem document.
pub(crate) async fn outcome(answer: Response) -> (u16, String) {
    let status = answer.status().as_u16();
    let body: Value = serde_json::from_slice(&plain(answer).await).unwrap_or_default();
    (status, body["code"].as_str().unwrap_or_default().to_owned())
}

/// The body, decompressed as a browser does.
pub(crate) async fn plain(answer: Response) -> Vec<u8> {
    let encoding = answer.headers().get("content-encoding").map(|value| value.to_str().expect("text").to_owned());
    let bytes = answer.bytes().await.expect("the complete body");
    let mut plain = Vec::new();
    let mut read: Box<dyn Read> = match encoding.as_deref() {
        Some("zstd") => Box::new(zstd::Decoder::new(&bytes[..]).expect("zstd")),
        Some("br") => Box::new(brotli_decompressor::Decompressor::new(&bytes[..], 4_096)),
        Some("gzip") => Box::new(flate2::read::GzDecoder::new(&bytes[..])),
        other => {
            assert_eq!(other, None);
            Box::new(&bytes[..])
        }
    };
    read.read_to_end(&mut plain).expect("the encoding of the header");
    plain
}
