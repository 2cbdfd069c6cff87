//! The same hub over axum's own WebSocket: a task and a bounded queue per client, the usual design.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Result;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::any;
use fanout::dispatcher::{Dispatcher, Now, Opening};
use fanout::view::Offsets;
use fanout::wire::Wire;
use futures::SinkExt as _;
use harness::Crowd;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::{Count, PAIRS, clients_at, median, scenario, until_read};

type Queues = Arc<Mutex<Vec<mpsc::Sender<Bytes>>>>;

async fn upgrade(State(queues): State<Queues>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.read_buffer_size(4096).write_buffer_size(0).on_upgrade(async move |mut socket| {
        let (sender, mut inbox) = mpsc::channel::<Bytes>(256);
        queues.lock().expect("not poisoned").push(sender);
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

/// CPU time of this process without the thread of the clients, microseconds per client and tick.
pub(crate) fn cost(clients: usize) -> Result<f64> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let queues = Queues::default();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let address = listener.local_addr()?;
    let router = Router::new().route("/", any(upgrade)).with_state(queues.clone());
    runtime.spawn(async move { axum::serve(listener, router).await });
    let crowd = Crowd::start(clients_at(address, clients), 3_000, Count)?;
    while queues.lock().expect("not poisoned").len() < clients {
        std::thread::sleep(Duration::from_millis(20));
    }
    let queues = queues.lock().expect("not poisoned").clone();
    let (mut view, mut now) = (scenario::view(), Now { monotonic: Duration::from_secs(10), us: 10_000_000 });
    let mut dispatcher = Dispatcher::new(Arc::new(scenario::settings()), Offsets::new(1));
    for client in 0..clients {
        let subscription = Some(scenario::subscription(u32::try_from(client)?));
        let id = dispatcher.open(Opening { wire: Wire::default(), subscription, resume: None }, &view, now);
        while dispatcher.next_frame(id, &view, now).is_some() {}
    }
    let mut costs = Vec::new();
    for round in 0..PAIRS as u64 + 2 {
        let mut changes = Vec::new();
        scenario::tick(&mut view, &mut changes, round);
        now.monotonic += Duration::from_millis(100);
        dispatcher.apply(&changes, &[]);
        let before = server_cpu(&crowd);
        let flush = dispatcher.flush(&view, now);
        let touched = flush.touched.len();
        for id in flush.touched {
            let batch = dispatcher.take_batch(id);
            for index in &batch {
                let frame = flush.deliveries[*index as usize].frames.of(Wire::default());
                let header = if frame[1] < 126 { 2 } else { 4 };
                // The queue has room for the frames of a tick.
                queues[id.0 as usize].try_send(frame.slice(header..))?;
            }
            dispatcher.return_batch(id, batch);
        }
        until_read(&crowd);
        let cpu = server_cpu(&crowd) - before;
        if round >= 2 {
            costs.push(cpu.as_secs_f64() * 1e6 / touched as f64);
        }
    }
    Ok(median(costs))
}

/// CPU time of this process without the thread of the clients.
fn server_cpu(crowd: &Crowd<Count>) -> Duration {
    let all = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let all = Duration::new(all.tv_sec.unsigned_abs(), u32::try_from(all.tv_nsec).unwrap_or_default());
    all.saturating_sub(crowd.cpu())
}
