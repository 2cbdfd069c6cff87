//! The same hub over axum's own WebSocket: a task and a bounded queue per client, as one would write it first.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Result;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::any;
use fanout::switchboard::{Now, Opening, Switchboard};
use fanout::view::Positions;
use fanout::wire::Wire;
use futures::SinkExt as _;
use harness::Crowd;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::{PAIRS, Silent, median, seats, sky, until_read};

type Lines = Arc<Mutex<Vec<mpsc::Sender<Bytes>>>>;

async fn upgrade(State(lines): State<Lines>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.read_buffer_size(4096).write_buffer_size(0).on_upgrade(async move |mut socket| {
        let (sender, mut inbox) = mpsc::channel::<Bytes>(256);
        lines.lock().expect("not poisoned").push(sender);
        while let Some(message) = inbox.recv().await {
            let mut outcome = socket.feed(Message::Binary(message)).await;
            while let (Ok(()), Ok(message)) = (&outcome, inbox.try_recv()) {
                outcome = socket.feed(Message::Binary(message)).await;
            }
            if outcome.is_err() || socket.flush().await.is_err() {
                return;
            }
        }
    })
}

/// CPU of this process but for the crowd's thread, microseconds per client and tick.
pub(crate) fn cost(clients: usize) -> Result<f64> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let lines = Lines::default();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let address = listener.local_addr()?;
    let router = Router::new().route("/", any(upgrade)).with_state(lines.clone());
    runtime.spawn(async move { axum::serve(listener, router).await });
    let crowd = Crowd::start(seats(address, clients), 3_000, Silent)?;
    while lines.lock().expect("not poisoned").len() < clients {
        std::thread::sleep(Duration::from_millis(20));
    }
    let lines = lines.lock().expect("not poisoned").clone();
    let (mut view, mut now) = (sky::picture(), Now { monotonic: Duration::from_secs(10), us: 10_000_000 });
    let mut board = Switchboard::new(Arc::new(sky::settings()), Positions::new(1));
    for viewer in 0..clients {
        let subscription = Some(sky::viewer(u32::try_from(viewer)?));
        let id = board.open(Opening { wire: Wire::default(), subscription, resume: None }, &view, now);
        while board.next_frame(id, &view, now).is_some() {}
    }
    let mut costs = Vec::new();
    for round in 0..PAIRS as u64 + 2 {
        let mut changes = Vec::new();
        sky::tick(&mut view, &mut changes, round);
        now.monotonic += Duration::from_millis(100);
        board.apply(&changes, &[]);
        let before = busy(&crowd);
        let flush = board.flush(&view, now);
        let touched = flush.touched.len();
        for id in flush.touched {
            let batch = board.take_batch(id);
            for index in &batch {
                let frame = flush.deliveries[*index as usize].frames.of(Wire::default());
                let header = if frame[1] < 126 { 2 } else { 4 };
                // The queue is longer than a tick's frames.
                lines[id.0 as usize].try_send(frame.slice(header..))?;
            }
            board.return_batch(id, batch);
        }
        until_read(&crowd);
        let cpu = busy(&crowd) - before;
        if round >= 2 {
            costs.push(cpu.as_secs_f64() * 1e6 / touched as f64);
        }
    }
    Ok(median(costs))
}

/// CPU of the process without the crowd's.
fn busy(crowd: &Crowd<Silent>) -> Duration {
    let all = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let all = Duration::new(all.tv_sec.unsigned_abs(), u32::try_from(all.tv_nsec).unwrap_or_default());
    all.saturating_sub(crowd.cpu())
}
