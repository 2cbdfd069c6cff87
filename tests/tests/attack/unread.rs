//! Clients that request large responses and do not read them: other clients are answered, and these are disconnected.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use harness::{Program, ProgramOptions, free_port, wait_until};
use history::{Block, BlockRows, HistoryWriter as _, PositionRow, Retention, Sqlite};
use runtime::Clock;
use socket2::{Domain, Socket, Type};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::TIMEOUT;

const LONG: u32 = 0x11_0B90;
const SHORT: u32 = 0x11_0B91;
/// A track of about 10 MB as JSON: far more than the kernel's socket buffers.
const LONG_POSITIONS: i32 = 60_000;
/// Shorter than the time after which the server disconnects clients that do not read.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(120);

/// A position every 500 ms until now.
fn positions_of(device: u32, positions: i32, now_ms: i64) -> Vec<PositionRow> {
    let row = |step: i32| PositionRow {
        device,
        event_at_ms: now_ms - i64::from(positions - step) * 500,
        observation_id: 3 << 48 | u64::from(device) << 20 | u64::from(step.unsigned_abs()),
        latitude_e7: 465_000_000 + step * 400,
        longitude_e7: 80_000_000 + (step % 90) * 250,
        altitude_m: Some(1_500 + (step % 700) as i16),
        course_cdeg: Some(((step * 450) % 36_000) as u16),
        ..history::testing::position(device, 0)
    };
    (0..positions).map(row).collect()
}

/// Writes a history with a long and a short track.
async fn record(directory: &Path) -> Result<()> {
    let clock = Clock::system();
    let now_ms = i64::try_from(clock.now_us() / 1_000)?;
    let store = Sqlite::open(Some(&directory.join("history.sqlite")), Retention::default(), clock)?;
    for (device, positions) in [(LONG, LONG_POSITIONS), (SHORT, 100)] {
        let rows = BlockRows { positions: positions_of(device, positions, now_ms), ..BlockRows::default() };
        store.write(&Block { token: format!("test-0-{device}-0"), rows }).await?;
    }
    store.refresh().await?;
    Ok(())
}

async fn start(directory: &Path, slow_for: &str) -> Result<Program> {
    let listen = format!("127.0.0.1:{}", free_port());
    let directory = directory.to_str().context("a path of UTF-8")?;
    let options = ProgramOptions::new("updraft").args(["--live", "--mqtt-listen", &listen, "--data-dir", directory]);
    let program = Program::start(options.env("UPDRAFT_PUSHER_SLOW_FOR", slow_for)).await?;
    let visible = async || Some(program.http(&track(SHORT)).await.ok()?.0 == 200).filter(|good| *good);
    wait_until(TIMEOUT, "the history to be readable", visible).await?;
    Ok(program)
}

fn track(device: u32) -> String {
    format!("/api/v1/track/{device:06X}?hours=24")
}

/// A connection with a small receive buffer, so that unread data stays at the server.
async fn connect(program: &Program) -> Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_recv_buffer_size(8 << 10)?;
    socket.connect(&program.http_address().parse::<std::net::SocketAddr>()?.into())?;
    socket.set_nonblocking(true)?;
    Ok(TcpStream::from_std(socket.into())?)
}

/// Sends a request and reads only the first bytes of the answer.
async fn request(program: &Program, path: &str) -> Result<TcpStream> {
    let mut stream = connect(program).await?;
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: map\r\n\r\n").as_bytes()).await?;
    let mut head = [0; 12];
    timeout(REQUEST_TIMEOUT, stream.read_exact(&mut head)).await.context("no answer")??;
    ensure!(head.ends_with(b"200"), "{path}: {}", String::from_utf8_lossy(&head));
    Ok(stream)
}

/// Repeats the request while the server answers that it is busy.
async fn request_until_accepted(program: &Program, path: &str) -> Result<TcpStream> {
    wait_until(REQUEST_TIMEOUT, &format!("{path} to be accepted"), async || request(program, path).await.ok()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn unread_answers_block_no_other_client() -> Result<()> {
    let directory = tempfile::tempdir()?;
    record(directory.path()).await?;
    let program = start(directory.path(), "300s").await?;
    let mut unread = Vec::new();
    // More than the number of readers (8) and of concurrent exports (4).
    for _ in 0..18 {
        unread.push(request(&program, &track(LONG)).await?);
    }
    for format in ["csv", "parquet", "xlsx", "csv", "parquet", "csv", "csv", "csv", "csv"] {
        unread.push(request_until_accepted(&program, &format!("/api/v1/export?hours=24&format={format}")).await?);
    }
    let client = reqwest::Client::new();
    for path in [
        track(SHORT).as_str(),
        "/api/v1/flights?address=110B90",
        "/api/v1/export?hours=24&kind=thermals",
        "/api/v1/export?hours=1&bounds=46,7,47,9&format=csv&kind=positions",
    ] {
        let url = format!("{}{path}", program.http_url());
        let answered = async || {
            let answer = client.get(&url).timeout(REQUEST_TIMEOUT).send().await.ok()?;
            // 503: four exports are running.
            (answer.status() == 200).then_some(answer)?.text().await.ok()
        };
        let body = wait_until(REQUEST_TIMEOUT, &format!("{path} to be answered"), answered).await?;
        ensure!(!body.is_empty(), "{path}");
    }
    drop(unread);
    ensure!(program.service().stop().await? == 0, "{}", program.service().log_tail(30));
    Ok(())
}

/// Waits until the server has disconnected this number of clients.
async fn wait_for_cut(program: &Program, count: f64) -> Result<()> {
    let cut = async || {
        let cut = program.metric("fanet_pusher_responses_cut_total", &[]).await.unwrap_or_default();
        (cut >= count).then_some(())
    };
    wait_until(TIMEOUT, "the connections to be closed by the server", cut).await
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_do_not_read_are_disconnected() -> Result<()> {
    let directory = tempfile::tempdir()?;
    record(directory.path()).await?;
    let program = start(directory.path(), "2s").await?;
    let mut unread = Vec::new();
    for path in [track(LONG).as_str(), "/api/v1/export?hours=24"] {
        unread.push(request(&program, path).await?);
    }
    wait_for_cut(&program, 2.0).await?;
    for mut stream in unread {
        // The data in the kernel's buffers, without the regular end.
        let mut rest = Vec::new();
        let ended = timeout(TIMEOUT, stream.read_to_end(&mut rest)).await.context("the connection is still open")?;
        ensure!(ended.is_err() || !rest.ends_with(b"0\r\n\r\n"), "the complete answer was sent: {} bytes", rest.len());
    }
    Ok(())
}

/// An initial window of 0 is valid, and the server cannot send.
#[tokio::test(flavor = "multi_thread")]
async fn a_window_of_zero_is_disconnected() -> Result<()> {
    let directory = tempfile::tempdir()?;
    record(directory.path()).await?;
    let program = start(directory.path(), "2s").await?;
    let mut stream = connect(&program).await?;
    let path = track(SHORT);
    // Indexed GET and http, then path and authority as literals (RFC 7541, 6.1 and 6.2.2).
    let mut head = vec![0x82, 0x86, 0x04, u8::try_from(path.len())?];
    head.extend(path.as_bytes());
    head.extend([0x01, 3]);
    head.extend(b"map");
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    // SETTINGS with an initial window of 0; HEADERS of stream 1 that end it.
    bytes.extend([0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0]);
    bytes.extend([0, 0, u8::try_from(head.len())?, 1, 0x05, 0, 0, 0, 1]);
    bytes.extend(head);
    stream.write_all(&bytes).await?;
    wait_for_cut(&program, 1.0).await?;
    let mut rest = Vec::new();
    // Reset or closed.
    let ended = timeout(TIMEOUT, stream.read_to_end(&mut rest)).await;
    ensure!(ended.is_ok(), "the connection is still open");
    Ok(())
}
