//! A shard without its thread, for benches: the caller flushes it, and compares its cost with that of a plain loop of
//! gathered writes over the same sockets and with the same buffers.

use std::io::{self, IoSlice, Write as _};
use std::net::{self, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::RwLock;
use runtime::Context;
use tokio::sync::mpsc;

use super::{Shard, ShardParts};
use crate::metrics::PusherMetrics;
use crate::socket::admission::{Admission, AdmissionLimits};
use crate::socket::connection::configure;
use crate::socket::message::NewConnection;
use crate::socket::turn::Turn;
use fanout::dispatcher::Opening;
use fanout::hub::ClientId;
use fanout::session::SessionSettings;
use fanout::view::{Change, View};

/// One shard and its view.
pub struct BareShard {
    shard: Shard,
    view: Arc<RwLock<View>>,
    admission: Admission,
    /// The frames of the last flush, by client.
    sent: Vec<(ClientId, Vec<Bytes>)>,
}

/// The cost of a flush or of its repetition.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// By the given clock, for example CPU time.
    pub time: Duration,
    /// Clients that got frames.
    pub clients: usize,
    /// Bytes of these frames.
    pub bytes: usize,
}

impl BareShard {
    /// A shard of this view, without clients.
    ///
    /// # Errors
    /// The operating system gives no epoll instance.
    pub fn new(settings: SessionSettings, view: View, context: &Context) -> io::Result<Self> {
        let offsets = view.offsets().clone();
        let view = Arc::new(RwLock::new(view));
        // Unused: `change` applies the changes.
        let (own_inbox, inbox) = mpsc::channel(1);
        let (fleet_requests, _) = mpsc::channel(1);
        let (shard, _) = Shard::new(ShardParts {
            settings: Arc::new(settings),
            view: view.clone(),
            offsets,
            clock: context.clock.clone(),
            metrics: PusherMetrics::register(&context.metrics),
            inbox,
            tick: Duration::from_millis(1),
            tracer: context.tracer.clone(),
            fleets: Arc::default(),
            fleet_requests,
            own_inbox,
        })?;
        let admission = Admission::new(AdmissionLimits {
            max_connections: usize::MAX,
            max_connections_per_address: 0,
            max_handshakes_per_second: u32::MAX / 60,
        });
        Ok(Self { shard, view, admission, sent: Vec::new() })
    }

    /// Adds a socket after its handshake, as the pusher does.
    ///
    /// # Errors
    /// The operating system refuses an option of the socket.
    pub fn open(&mut self, stream: net::TcpStream, opening: Opening) -> io::Result<()> {
        stream.set_nonblocking(true)?;
        configure(&stream)?;
        let now = self.shard.now().monotonic;
        let permit = self.admission.admit(Ipv4Addr::LOCALHOST.into(), now).map_err(io::Error::other)?;
        self.shard.turn = Turn::new();
        self.shard.open(NewConnection {
            stream,
            early: Bytes::new(),
            opening,
            permit,
            expires_at: None,
            session: None,
            requester: None,
            company_use: None,
            fleet: None,
        });
        while self.shard.has_work() {
            self.shard.turn = Turn::new();
            self.shard.continue_sending();
            self.shard.continue_reading();
        }
        Ok(())
    }

    /// Changes the view, and applies the changes to the shard.
    pub fn change(&mut self, change: impl FnOnce(&mut View, &mut Vec<Change>)) {
        let mut changes = Vec::new();
        change(&mut self.view.write(), &mut changes);
        self.shard.dispatcher.apply(&changes, &[]);
    }

    /// One flush as the shard does it: encode, compress, assign to clients, send. `clock` measures the cost.
    pub fn flush(&mut self, clock: impl Fn() -> Duration) -> Cost {
        self.shard.turn = Turn::new();
        let now = self.shard.now();
        let began = clock();
        let flush = self.shard.dispatcher.flush(&self.view.read(), now);
        let flushed = clock();
        // Recorded for the repetition and not measured.
        let dispatcher = &self.shard.dispatcher;
        let frames = |id: &ClientId| {
            let wire = dispatcher.wire(*id);
            let batch = dispatcher.batch(*id).iter();
            (*id, batch.map(|index| flush.deliveries[*index as usize].frames.of(wire).clone()).collect::<Vec<_>>())
        };
        self.sent = flush.touched.iter().map(frames).collect();
        let resumed = clock();
        self.shard.send_flush(flush, now);
        let time = (flushed - began) + (clock() - resumed);
        Cost {
            time,
            clients: self.sent.len(),
            bytes: self.sent.iter().flat_map(|(_, frames)| frames).map(Bytes::len).sum(),
        }
    }

    /// Repeats the sends of the last flush in a plain loop: the same buffers to the same sockets.
    pub fn repeat(&mut self, clock: impl Fn() -> Duration) -> Cost {
        let began = clock();
        let mut bytes = 0;
        for (id, frames) in &self.sent {
            let slot = self.shard.connections.get_mut(id.0 as usize).and_then(Option::as_mut);
            let Some(connection) = slot else { continue };
            let mut slices = [IoSlice::new(&[]); 64];
            let count = frames.len().min(slices.len());
            frames.iter().zip(&mut slices).for_each(|(frame, slice)| *slice = IoSlice::new(frame));
            bytes += connection.stream_mut().write_vectored(&slices[..count]).unwrap_or_default();
        }
        Cost { time: clock() - began, clients: self.sent.len(), bytes }
    }

    /// Clients whose socket buffers are full.
    pub fn slow_clients(&self) -> usize {
        self.shard.dispatcher.behind()
    }
}
