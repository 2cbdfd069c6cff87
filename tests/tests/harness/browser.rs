//! Tests the headless browser of the harness.

use std::time::Duration;

use anyhow::Result;
use harness::Browser;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const PAGE: &str = "<!doctype html><title>sky</title><button onclick='document.title=\"clicked\"'>up</button>\
    <canvas></canvas><script>console.error('an error'); setTimeout(() => { window.late = 7 }, 100)</script>";

/// Serves a page on every request.
async fn page_server() -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/", listener.local_addr()?);
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = socket.read(&mut request).await;
            let head = format!("HTTP/1.0 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n", PAGE.len());
            let _ = socket.write_all((head + PAGE).as_bytes()).await;
        }
    });
    Ok(url)
}

#[tokio::test]
async fn a_page_can_be_controlled() -> Result<()> {
    let browser = Browser::start().await?;
    browser.open(&page_server().await?).await?;
    assert_eq!(browser.evaluate("document.title").await?, "sky");
    assert_eq!(browser.wait_for("window.late", Duration::from_secs(5)).await?, 7);
    browser.click("button").await?;
    assert_eq!(browser.evaluate("document.title").await?, "clicked");
    // The map uses WebGL.
    let webgl = browser.evaluate("document.querySelector('canvas').getContext('webgl2') !== null").await?;
    assert_eq!(webgl, json!(true));
    let messages = browser.messages().await?;
    assert!(messages.iter().any(|message| message.starts_with("an error (")), "{messages:?}");
    let picture = std::fs::read(browser.screenshot("harness").await?)?;
    assert!(picture.starts_with(b"\x89PNG"), "expected a PNG file");
    let error = browser.wait_for("window.never", Duration::from_millis(100)).await.unwrap_err();
    assert!(format!("{error:#}").contains("an error"), "{error:#}");
    Ok(())
}
