//! The credentials of WebSockets.

use std::time::Duration;

use access::token::LEEWAY_S;
use futures::StreamExt as _;
use serde_json::json;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{self, Message};

use crate::access::{ALPS, Files, NOW_S, SOON, clock};
use crate::stage::Stage;

/// A WebSocket with these headers, or the status of the refusal.
pub(crate) async fn connect(stage: &Stage, query: &str, headers: &[(&'static str, &str)]) -> Result<Socket, u16> {
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

pub(crate) struct Socket {
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
