//! A map client that measures: when did what was published come out?

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures::StreamExt as _;
use prost::Message as _;
use schemas::v1::{Objects, ServerMessage, server_message};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::Message;

use crate::clock;
use crate::fleet::Mark;
use harness::Stage;

#[derive(Default)]
struct Seen {
    under_way: HashMap<Mark, Instant>,
    waits_ms: Vec<f64>,
    sent: usize,
}

/// Frames that a newer state of the same device overtook are never seen: [`Listener::seen_share`] says how many were.
pub(crate) struct Listener(Arc<Mutex<Seen>>);

impl Listener {
    pub(crate) async fn connect(stage: &Stage, region: &str) -> Result<Self> {
        let url = format!("ws://{}/ws/v1/updates?{region}", stage.pusher.http_address());
        let mut request = url.into_client_request()?;
        request.headers_mut().insert("Sec-WebSocket-Protocol", HeaderValue::from_static("updraft.v1.proto"));
        let (mut socket, _) = tokio_tungstenite::connect_async(request).await.context("open the WebSocket")?;
        let seen = Arc::<Mutex<Seen>>::default();
        let noted = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Some(Ok(message)) = socket.next().await {
                let Message::Binary(bytes) = message else { continue };
                let Ok(message) = ServerMessage::decode(bytes) else { return };
                let objects = match message.message {
                    Some(server_message::Message::Updates(batch)) => batch.objects,
                    Some(server_message::Message::Snapshot(snapshot)) => snapshot.objects,
                    _ => None,
                };
                noted.lock().expect("not poisoned").note(&objects.unwrap_or_default());
            }
        });
        Ok(Self(seen))
    }

    pub(crate) fn sent(&self, mark: Mark) {
        let mut seen = self.0.lock().expect("not poisoned");
        seen.sent += 1;
        seen.under_way.insert(mark, clock::now());
    }

    /// The warm-up does not count.
    pub(crate) fn forget(&self) {
        *self.0.lock().expect("not poisoned") = Seen::default();
    }

    /// Publish to socket, one figure per frame that was seen.
    pub(crate) async fn settled(&self) -> Result<Vec<f64>> {
        let most = async || (self.seen_share() > 0.9).then_some(());
        harness::wait_until(Duration::from_secs(20), "nine of ten frames on the map", most).await?;
        Ok(self.0.lock().expect("not poisoned").waits_ms.clone())
    }

    pub(crate) fn seen_share(&self) -> f64 {
        let seen = self.0.lock().expect("not poisoned");
        seen.waits_ms.len() as f64 / seen.sent.max(1) as f64
    }
}

impl Seen {
    fn note(&mut self, objects: &Objects) {
        let now = clock::now();
        for aircraft in &objects.aircraft {
            if let Some(sent_at) = self.under_way.remove(&(aircraft.device, aircraft.latitude_e7)) {
                self.waits_ms.push((now - sent_at).as_secs_f64() * 1e3);
            }
        }
    }
}
