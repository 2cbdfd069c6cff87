//! A client that never completes its request.

use anyhow::{Context as _, Result, ensure};
use futures::StreamExt as _;
use harness::{Program, ProgramOptions, free_port};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

use crate::TIMEOUT;

const HALF_A_REQUEST: &[u8] = b"POST /api/v1/position HTTP/1.1\r\nhost: map\r\ncontent-length: 100\r\n\r\n{";

/// The close code that a WebSocket client receives.
async fn close_code(
    mut socket: impl futures::Stream<Item = tokio_tungstenite::tungstenite::Result<Message>> + Unpin,
) -> Option<u16> {
    while let Some(Ok(message)) = socket.next().await {
        if let Message::Close(Some(frame)) = message {
            return Some(frame.code.into());
        }
    }
    None
}

#[tokio::test]
async fn an_unfinished_request_does_not_delay_a_stop() -> Result<()> {
    let listen = format!("127.0.0.1:{}", free_port());
    let program =
        Program::start(ProgramOptions::new("updraft").args(["--mqtt-listen", &listen, "--pilots", "3"])).await?;
    let mut unfinished = TcpStream::connect(program.http_address()).await?;
    unfinished.write_all(HALF_A_REQUEST).await?;
    let (socket, _) =
        connect_async(format!("ws://{}/ws/v1/updates?lat=46&lon=13&radius=50", program.http_address())).await?;
    let closed = tokio::spawn(close_code(socket));
    let code = program.service().stop().await?;
    ensure!(code == 0, "ended with {code}:\n{}", program.service().log_tail(30));
    let last = timeout(TIMEOUT, closed).await.context("the WebSocket stays open")??;
    ensure!(last.is_some(), "the WebSocket was closed without a close code");
    drop(unfinished);
    Ok(())
}
