//! What the log has of credentials.

use std::io;
use std::sync::{Arc, Mutex};

use access::api_keys::NewKey;
use serde_json::json;

use crate::access::websockets::connect;
use crate::access::{ALPS, Files, POSITION_KEY, ask, bearer, clock, pass};

/// Everything that was logged.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn text(&self) -> String {
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

#[tokio::test]
async fn no_credentials_are_in_any_log_line() {
    let lines = Lines::default();
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
