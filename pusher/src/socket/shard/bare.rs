//! A shard without its thread, flushed by hand: so that a bench can compare what it costs with what a plain loop of gathered
//! writes costs, over the same sockets and with the same buffers.

use std::io::{self, IoSlice, Write as _};
use std::net::{self, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::RwLock;
use runtime::Context;
use tokio::sync::mpsc;

use super::{Changes, NewConnection, Shard, ShardParts};
use crate::metrics::PusherMetrics;
use crate::socket::turn::Turn;
use crate::socket::{Admission, AdmissionLimits, Way};
use fanout::hub::ClientId;
use fanout::session::SessionSettings;
use fanout::switchboard::Opening;
use fanout::view::{Change, View};

/// One shard and its view.
pub struct BareShard {
    shard: Shard,
    view: Arc<RwLock<View>>,
    admission: Admission,
    /// What the last flush sent, by client.
    sent: Vec<(ClientId, Vec<Bytes>)>,
}

/// What a flush, or its repetition, did.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// CPU, or whatever the given clock measures.
    pub time: Duration,
    /// Clients that were sent something.
    pub clients: usize,
    /// Bytes that the kernel was given.
    pub bytes: usize,
}

impl BareShard {
    /// Looks at this view; nobody is connected yet.
    ///
    /// # Errors
    /// No epoll can be had.
    pub fn new(settings: SessionSettings, view: View, context: &Context) -> io::Result<Self> {
        let positions = view.positions().clone();
        let view = Arc::new(RwLock::new(view));
        // What a feed would tell is applied by hand.
        let (_, inbox) = mpsc::channel(1);
        let (shard, _) = Shard::new(ShardParts {
            settings: Arc::new(settings),
            view: view.clone(),
            positions,
            clock: context.clock.clone(),
            metrics: PusherMetrics::register(&context.metrics),
            inbox,
            tick: Duration::from_millis(1),
            tracer: context.tracer.clone(),
        })?;
        let admission = Admission::new(AdmissionLimits {
            max_connections: usize::MAX,
            max_connections_per_address: 0,
            max_handshakes_per_second: u32::MAX / 60,
        });
        Ok(Self { shard, view, admission, sent: Vec::new() })
    }

    /// Takes a socket whose handshake is done, as the pusher takes it.
    ///
    /// # Errors
    /// The socket cannot be set up.
    pub fn open(&mut self, stream: net::TcpStream, opening: Opening) -> io::Result<()> {
        stream.set_nonblocking(true)?;
        let socket = socket2::SockRef::from(&stream);
        socket.set_send_buffer_size(crate::socket::SEND_BUFFER_BYTES)?;
        socket.set_tcp_nodelay(true)?;
        let now = self.shard.now().monotonic;
        let admitted = self.admission.admit(Ipv4Addr::LOCALHOST.into(), now).map_err(io::Error::other)?;
        self.shard.turn = Turn::new();
        self.shard.open(NewConnection { stream, early: Bytes::new(), opening, admitted });
        while self.shard.has_work() {
            self.shard.turn = Turn::new();
            self.shard.send_on();
            self.shard.read_on();
        }
        Ok(())
    }

    /// Changes the view and tells the shard.
    pub fn change(&mut self, change: impl FnOnce(&mut View, &mut Vec<Change>)) {
        let mut changes = Vec::new();
        change(&mut self.view.write(), &mut changes);
        let batch = Changes { changes, read: Vec::new(), way: Way::default(), traced: Vec::new() };
        self.shard.board.apply(&batch.changes, &batch.read);
    }

    /// One flush as the shard does it: encode, compress, sort out by client, send. `clock` tells time as it is to be measured.
    pub fn flush(&mut self, clock: impl Fn() -> Duration) -> Cost {
        self.shard.turn = Turn::new();
        let now = self.shard.now();
        let began = clock();
        let flush = self.shard.board.flush(&self.view.read(), now);
        let made = clock();
        // Noted for the repetition, and not measured: a shard has no need of it.
        let board = &self.shard.board;
        let frames = |id: &ClientId| {
            let wire = board.wire(*id);
            let batch = board.batch(*id).iter();
            (*id, batch.map(|index| flush.deliveries[*index as usize].frames.of(wire).clone()).collect::<Vec<_>>())
        };
        self.sent = flush.touched.iter().map(frames).collect();
        let again = clock();
        self.shard.send_out(flush, now);
        let time = (made - began) + (clock() - again);
        Cost {
            time,
            clients: self.sent.len(),
            bytes: self.sent.iter().flat_map(|(_, frames)| frames).map(Bytes::len).sum(),
        }
    }

    /// The sends of the last flush once more, with the same buffers to the same sockets, by a plain loop.
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

    /// Clients whose sockets could not take all of it.
    pub fn behind(&self) -> usize {
        self.shard.board.behind()
    }
}
