//! An example: a client that keeps the picture of a region, reconnects by itself, and continues where it was.
//!
//! `updraft-client ws://localhost:8090 LATITUDE LONGITUDE RADIUS_KM [DEVICE...]`

mod cells;
mod picture;

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use prost::Message as _;
use schemas::DeviceAddress;
use schemas::v1::{self, client_message, server_message};
use serde_json::{Value, json};
use tokio::time::{interval, sleep, timeout};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use url::Url;

use picture::Picture;

/// From the fastest to the slowest: after a slow connection the next one is used.
const RATES: [&str; 4] = ["live", "1s", "5s", "30s"];
/// Errors of the client: reconnecting would only repeat them.
const FATAL_CODES: [u16; 6] = [1002, 1003, 1007, 1009, 4002, 4004];
/// The connection broke without a close frame.
const BROKEN: u16 = 1006;

#[allow(clippy::print_stdout, reason = "the output of the program")]
fn report(event: Value) {
    println!("{event}");
}

#[tokio::main(flavor = "current_thread")]
#[allow(clippy::print_stderr, reason = "messages to the user")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, lat, lon, radius, devices @ ..] = &arguments[..] else {
        eprintln!("updraft-client URL LATITUDE LONGITUDE RADIUS_KM [DEVICE...]");
        return ExitCode::from(64);
    };
    let follow: Result<Vec<u32>, _> =
        devices.iter().map(|device| device.parse().map(|DeviceAddress(one)| one)).collect();
    let follow = match follow {
        Ok(follow) => follow,
        Err(error) => {
            eprintln!("updraft-client: {error}");
            return ExitCode::from(64);
        }
    };
    let region = [("lat", lat), ("lon", lon), ("radius", radius)].map(|(name, value)| (name, value.clone()));
    let picture = Picture::new(&follow, report);
    let client = Client {
        url: url.clone(),
        region,
        follow,
        picture,
        resume: None,
        resumed: None,
        epoch: None,
        rate: 0,
        failures: 0,
    };
    client.run().await
}

/// A persistent subscription.
struct Client {
    url: String,
    region: [(&'static str, String); 3],
    follow: Vec<u32>,
    picture: Picture,
    resume: Option<String>,
    /// Whether the server accepted the token of this connection.
    resumed: Option<bool>,
    epoch: Option<String>,
    rate: usize,
    failures: u32,
}

impl Client {
    async fn run(mut self) -> ExitCode {
        loop {
            let code = self.connection().await.unwrap_or(BROKEN);
            let wait = (!FATAL_CODES.contains(&code)).then(|| self.wait(code));
            self.failures += 1;
            report(json!({"event": "closed", "code": code, "wait_s": wait.map(|wait| wait.as_secs_f64())}));
            let Some(wait) = wait else { return ExitCode::FAILURE };
            sleep(wait).await;
        }
    }

    /// Reads one connection to its end, and returns its close code.
    async fn connection(&mut self) -> Result<u16, Box<dyn Error>> {
        let mut url = Url::parse(&self.url)?.join("/ws/v1/updates")?;
        url.query_pairs_mut().extend_pairs(&self.region).append_pair("rate", RATES[self.rate]);
        if let Some(resume) = &self.resume {
            // A token continues the subscription that it was given for: the same region, the same kinds.
            url.query_pairs_mut().append_pair("resume", resume);
        }
        let mut request = url.as_str().into_client_request()?;
        request.headers_mut().insert("sec-websocket-protocol", "updraft.v1.proto".parse()?);
        let (mut socket, _) = connect_async(request).await?;
        let mut heartbeat = Duration::from_secs(30);
        let mut beat = interval(heartbeat);
        beat.tick().await;
        loop {
            let received = tokio::select! {
                // The server sends a message every few seconds; without one the connection is dead.
                received = timeout(heartbeat * 2, socket.next()) => received?,
                _ = beat.tick() => {
                    socket.send(message(0, client_message::Message::Ping(v1::Ping {}))).await?;
                    continue;
                }
            };
            let bytes = match received {
                Some(Ok(Message::Binary(bytes))) => bytes,
                Some(Ok(Message::Close(frame))) => return Ok(frame.map_or(1005, |frame| frame.code.into())),
                Some(Ok(_)) => continue,
                Some(Err(error)) => return Err(error.into()),
                None => return Ok(BROKEN),
            };
            let Some(received) = v1::ServerMessage::decode(bytes)?.message else { continue };
            if let server_message::Message::Welcome(welcome) = &received {
                heartbeat = Duration::from_secs(welcome.heartbeat_interval_s.max(1).into());
                beat = interval(heartbeat);
                beat.tick().await;
            }
            if self.take(received) && !self.follow.is_empty() {
                // The URL has no parameter for followed devices: subscribe to them here, also after a resume.
                let subscribe = v1::Subscribe { follow_devices: self.follow.clone(), ..Default::default() };
                socket.send(message(1, client_message::Message::Subscribe(subscribe))).await?;
            }
        }
    }

    /// True where the subscription of the URL is live from now on.
    fn take(&mut self, message: server_message::Message) -> bool {
        match message {
            server_message::Message::Welcome(welcome) => {
                if self.epoch.as_ref().is_some_and(|epoch| *epoch != welcome.epoch) {
                    self.picture.clear();
                }
                report(json!({"event": "welcome", "epoch": welcome.epoch}));
                self.epoch = Some(welcome.epoch);
            }
            server_message::Message::Snapshot(snapshot) => {
                let (request_id, live) = (snapshot.request_id, snapshot.live);
                if snapshot.page == 0 {
                    self.resumed = snapshot.resumed;
                    if self.resumed == Some(false) {
                        self.resume = None;
                    }
                }
                self.picture.snapshot(snapshot);
                if live {
                    self.failures = 0;
                    report(json!({"event": "live", "resumed": self.resumed, "objects": self.picture.len()}));
                }
                return live && request_id == 0;
            }
            server_message::Message::Updates(batch) => {
                if let Some(stale) = batch.stale {
                    report(json!({"event": "stale", "stale": stale}));
                }
                self.picture.updates(batch);
            }
            server_message::Message::Present(present) => self.picture.present(present),
            server_message::Message::Checkpoint(checkpoint) => {
                self.resume = Some(checkpoint.resume);
                report(json!({"event": "checkpoint"}));
            }
            server_message::Message::Error(error) => report(json!({"event": "error", "code": error.code})),
            // Not asked for.
            server_message::Message::ZoneEvents(_) | server_message::Message::Pong(_) => {}
        }
        false
    }

    /// The time until the reconnect.
    fn wait(&mut self, code: u16) -> Duration {
        if code == 4001 {
            self.rate = (self.rate + 1).min(RATES.len() - 1);
        }
        match (code, self.failures) {
            (4003, _) => Duration::from_secs(60),
            (4000, 0) => Duration::ZERO,
            (1001, 0) => Duration::from_secs_f64(rand::random_range(0.0..5.0)),
            // Full jitter: a random time up to a ceiling that doubles to half a minute.
            (_, failures) => Duration::from_secs_f64(f64::from(1_u32 << failures.min(6)) * 0.5)
                .min(Duration::from_secs(30))
                .mul_f64(rand::random_range(0.0..1.0)),
        }
    }
}

fn message(request_id: u64, message: client_message::Message) -> Message {
    Message::binary(v1::ClientMessage { request_id, message: Some(message) }.encode_to_vec())
}
