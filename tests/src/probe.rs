//! A minimal request to each kind of service, which proves that it answers.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

/// How long a service that is ready may take for an answer.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(2);

fn connect(port: u16) -> Result<TcpStream> {
    connect_within(port, TIMEOUT)
}

fn connect_within(port: u16, timeout: Duration) -> Result<TcpStream> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let stream = TcpStream::connect_timeout(&address, timeout).with_context(|| format!("connect to {address}"))?;
    stream.set_read_timeout(Some(timeout))?;
    Ok(stream)
}

/// The status and the body of a GET, each of whose reads may take `timeout`.
pub(crate) fn http_get(port: u16, path: &str, timeout: Duration) -> Result<(u16, String)> {
    let mut stream = connect_within(port, timeout)?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).with_context(|| format!("read the answer to GET {path}"))?;
    let answer = String::from_utf8_lossy(&answer);
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).context("no HTTP status")?;
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    Ok((status, body.to_owned()))
}

/// Checks that a GET answers 200.
pub(crate) fn http_ok(port: u16, path: &str) -> Result<()> {
    let (status, body) = http_get(port, path, TIMEOUT)?;
    ensure!(status == 200, "GET {path} answered {status}: {body}");
    Ok(())
}

/// Checks that Redis has loaded its data.
pub(crate) fn redis_ping(port: u16) -> Result<()> {
    let mut stream = connect(port)?;
    stream.write_all(b"PING\r\n")?;
    expect(&mut stream, b"+PONG\r\n")
}

/// The answer of Redis to an inline command: a status, or a text.
pub(crate) fn redis_command(port: u16, command: &str) -> Result<String> {
    let mut stream = connect(port)?;
    write!(stream, "{command}\r\n")?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    if let Some(status) = line.strip_prefix('+') {
        return Ok(status.trim().to_owned());
    }
    let length = line.strip_prefix('$').and_then(|length| length.trim().parse().ok());
    let mut text = vec![0; length.with_context(|| format!("{command}: {}", line.trim()))?];
    reader.read_exact(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Checks that an MQTT broker accepts a client.
pub(crate) fn mqtt_connect(port: u16) -> Result<()> {
    // CONNECT, MQTT 3.1.1, clean session, keep-alive 10 s, client id "probe"; then CONNACK without a session, accepted.
    const CONNECT: &[u8] = b"\x10\x11\x00\x04MQTT\x04\x02\x00\x0a\x00\x05probe";
    const DISCONNECT: &[u8] = b"\xe0\x00";
    let mut stream = connect(port)?;
    stream.write_all(CONNECT)?;
    expect(&mut stream, b"\x20\x02\x00\x00")?;
    Ok(stream.write_all(DISCONNECT)?)
}

fn expect(stream: &mut TcpStream, answer: &[u8]) -> Result<()> {
    let mut read = vec![0; answer.len()];
    stream.read_exact(&mut read)?;
    ensure!(read == answer, "answered {:?}", String::from_utf8_lossy(&read));
    Ok(())
}
