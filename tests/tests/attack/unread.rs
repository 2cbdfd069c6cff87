//! Clients that ask for much and read nothing: others are answered meanwhile, and they themselves are cut off.

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

use crate::SOON;

const LONG: u32 = 0x11_0B90;
const SHORT: u32 = 0x11_0B91;
/// A track of some 10 MB as JSON: far more than the kernel's buffers hold for a client that does not read.
const LONG_POSITIONS: i32 = 60_000;
/// Beyond the bound for clients that take nothing, nobody would be held up any more.
const BEFORE_THE_CUT: Duration = Duration::from_secs(25);

/// One position every 500 ms up to now, the newest of all last.
fn flown(device: u32, positions: i32, now_ms: i64) -> Vec<PositionRow> {
    let row = |step: i32| PositionRow {
        device,
        event_at_ms: now_ms - i64::from(positions - step) * 500,
        observation_id: 3 << 48 | u64::from(device) << 20 | u64::from(step.unsigned_abs()),
        ingest_delay_ms: 0,
        latitude_e7: 465_000_000 + step * 400,
        longitude_e7: 80_000_000 + (step % 90) * 250,
        altitude_m: Some(1_500 + (step % 700) as i16),
        speed_dkmh: 361,
        climb_cmps: 120,
        course_cdeg: Some(((step * 450) % 36_000) as u16),
        turn_rate_cdps: None,
        qne_offset_m: None,
        aircraft_kind: 2,
        flags: 0,
        score: Some(90),
        source: 1,
        online_tracking: true,
        private: false,
    };
    (0..positions).map(row).collect()
}

/// A history with a long and a short track.
async fn record(folder: &Path) -> Result<()> {
    let clock = Clock::system();
    let now_ms = i64::try_from(clock.now_us() / 1_000)?;
    let store = Sqlite::open(Some(&folder.join("history.sqlite")), Retention::default(), clock)?;
    for (device, positions) in [(LONG, LONG_POSITIONS), (SHORT, 100)] {
        let rows = BlockRows { positions: flown(device, positions, now_ms), ..BlockRows::default() };
        store.write(&Block { token: format!("test-0-{device}-0"), rows }).await?;
    }
    store.refresh().await?;
    Ok(())
}

async fn start(folder: &Path, slow_for: &str) -> Result<Program> {
    let listen = format!("127.0.0.1:{}", free_port());
    let folder = folder.to_str().context("a path of UTF-8")?;
    let options = ProgramOptions::new("updraft").args(["--live", "--mqtt-listen", &listen, "--data-dir", folder]);
    let program = Program::start(options.env("UPDRAFT_PUSHER_SLOW_FOR", slow_for)).await?;
    let visible = async || Some(program.http(&track(SHORT)).await.ok()?.0 == 200).filter(|good| *good);
    wait_until(SOON, "the history to be readable", visible).await?;
    Ok(program)
}

fn track(device: u32) -> String {
    format!("/api/v1/track/{device:06X}?hours=24")
}

/// A connection with a small buffer, so that what is not read stays with the server.
async fn connect(program: &Program) -> Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_recv_buffer_size(8 << 10)?;
    socket.connect(&program.http_address().parse::<std::net::SocketAddr>()?.into())?;
    socket.set_nonblocking(true)?;
    Ok(TcpStream::from_std(socket.into())?)
}

/// Asks, reads the first bytes of the answer, and no more.
async fn ask(program: &Program, path: &str) -> Result<TcpStream> {
    let mut stream = connect(program).await?;
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: map\r\n\r\n").as_bytes()).await?;
    let mut head = [0; 12];
    timeout(BEFORE_THE_CUT, stream.read_exact(&mut head)).await.context("no answer")??;
    ensure!(head.ends_with(b"200"), "{path}: {}", String::from_utf8_lossy(&head));
    Ok(stream)
}

/// Asks again while the server says that it has its hands full.
async fn ask_until_taken(program: &Program, path: &str) -> Result<TcpStream> {
    wait_until(BEFORE_THE_CUT, &format!("{path} to be begun"), async || ask(program, path).await.ok()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn unread_answers_hold_up_nobody() -> Result<()> {
    let folder = tempfile::tempdir()?;
    record(folder.path()).await?;
    let program = start(folder.path(), "60s").await?;
    let mut unread = Vec::new();
    // More than readers (8), and more than exports at once (4).
    for _ in 0..18 {
        unread.push(ask(&program, &track(LONG)).await?);
    }
    for format in ["csv", "parquet", "xlsx", "csv", "parquet", "csv", "csv", "csv", "csv"] {
        unread.push(ask_until_taken(&program, &format!("/api/v1/export?hours=24&format={format}")).await?);
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
            let answer = client.get(&url).timeout(BEFORE_THE_CUT).send().await.ok()?;
            // 503: four exports are being worked on at this moment.
            (answer.status() == 200).then_some(answer)?.text().await.ok()
        };
        let body = wait_until(BEFORE_THE_CUT, &format!("{path} to be answered"), answered).await?;
        ensure!(!body.is_empty(), "{path}");
    }
    drop(unread);
    ensure!(program.service().stop().await? == 0, "{}", program.service().log_tail(30));
    Ok(())
}

/// How many connections were cut off.
async fn until_cut(program: &Program, count: f64) -> Result<()> {
    let cut = async || {
        let cut = program.metric("fanet_pusher_responses_cut_total", &[]).await.unwrap_or_default();
        (cut >= count).then_some(())
    };
    wait_until(SOON, "the connections to be cut off", cut).await
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_nothing_is_cut_off() -> Result<()> {
    let folder = tempfile::tempdir()?;
    record(folder.path()).await?;
    let program = start(folder.path(), "2s").await?;
    let mut unread = Vec::new();
    for path in [track(LONG).as_str(), "/api/v1/export?hours=24"] {
        unread.push(ask(&program, path).await?);
    }
    until_cut(&program, 2.0).await?;
    for mut stream in unread {
        // What the kernel still has, and then no proper end.
        let mut rest = Vec::new();
        let ended = timeout(SOON, stream.read_to_end(&mut rest)).await.context("the connection is still open")?;
        ensure!(ended.is_err() || !rest.ends_with(b"0\r\n\r\n"), "it was sent all the same: {} bytes", rest.len());
    }
    Ok(())
}

/// The client allows the server to send nothing at all, which is no fault of the connection.
#[tokio::test(flavor = "multi_thread")]
async fn a_window_of_nought_holds_no_answer() -> Result<()> {
    let folder = tempfile::tempdir()?;
    record(folder.path()).await?;
    let program = start(folder.path(), "2s").await?;
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
    until_cut(&program, 1.0).await?;
    let mut rest = Vec::new();
    // Reset or closed: in any case ended.
    let ended = timeout(SOON, stream.read_to_end(&mut rest)).await;
    ensure!(ended.is_ok(), "the connection is still open");
    Ok(())
}
