//! Thousands of WebSocket clients on one thread, for load and fault tests: they connect at a rate, read, answer pings,
//! and pass messages to an [`Observer`]. Unwanted messages are counted without a copy, so that the crowd uses little
//! CPU beside the server under test.

mod connection;
mod frames;
mod options;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use mio::{Events, Interest, Poll, Token, Waker};

use crate::clock::Stopwatch;
use connection::{Connection, Step};

pub use options::{ConnectOptions, Ending};

const WAKE: Token = Token(usize::MAX);
const READ_BUFFER_BYTES: usize = 256 << 10;

/// Observes the crowd's clients. Called on the crowd's thread.
pub trait Observer: Send + 'static {
    /// Whether the messages of this client are wanted.
    fn wants(&self, client: usize) -> bool;
    /// A client has received bytes.
    fn read(&mut self, _client: usize, _bytes: usize) {}
    /// A client has received a message: text or binary, inflated.
    fn received(&mut self, client: usize, body: &[u8]);
    /// A connection has ended. `Some`: connect again with these options, after this time.
    fn ended(&mut self, client: usize, how: Ending) -> Option<(ConnectOptions, Duration)>;
}

/// The sums over all clients.
#[derive(Debug, Default)]
pub struct Counts {
    /// Open WebSockets.
    pub open: AtomicUsize,
    /// Data messages.
    pub messages: AtomicU64,
    /// Bytes of all frames, headers included.
    pub bytes: AtomicU64,
    /// Handshakes that were refused.
    pub refused: AtomicU64,
    /// CPU of the crowd's thread, nanoseconds; updated after each round.
    pub cpu_ns: AtomicU64,
}

/// A running crowd. Dropping it closes all connections.
pub struct Crowd<A: Observer> {
    counts: Arc<Counts>,
    commands: SyncSender<Command>,
    waker: Arc<Waker>,
    thread: Option<JoinHandle<Result<A>>>,
}

enum Command {
    /// These clients stop reading, or read again.
    Read(Range<usize>, bool),
    Stop,
}

impl<A: Observer> Crowd<A> {
    /// Starts to connect, `per_second` clients per second.
    ///
    /// # Errors
    /// Epoll or the thread cannot be created.
    pub fn start(clients: Vec<ConnectOptions>, per_second: u32, observer: A) -> Result<Self> {
        let poll = Poll::new().context("open epoll")?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKE)?);
        let (commands, inbox) = sync_channel(64);
        let counts = Arc::<Counts>::default();
        let pace = Duration::from_secs(1) / per_second.max(1);
        let event_loop = EventLoop {
            poll,
            watch: Stopwatch::start(),
            connections: (0..clients.len()).map(|_| None).collect(),
            queue: clients
                .into_iter()
                .enumerate()
                .map(|(index, options)| (pace * index as u32, index, options))
                .map(Due::new)
                .collect(),
            not_reading: Vec::new(),
            buffer: vec![0; READ_BUFFER_BYTES],
            counts: counts.clone(),
            observer,
            inbox,
        };
        let thread = std::thread::Builder::new().name("crowd".into()).spawn(move || event_loop.run())?;
        Ok(Self { counts, commands, waker, thread: Some(thread) })
    }

    /// The sums, readable at any time.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The number of open connections.
    pub fn open(&self) -> usize {
        self.counts.open.load(Ordering::Relaxed)
    }

    /// CPU of the crowd's thread so far.
    pub fn cpu(&self) -> Duration {
        Duration::from_nanos(self.counts.cpu_ns.load(Ordering::Relaxed))
    }

    /// Makes some clients stop reading, so that the kernel's buffers fill, or read again.
    pub fn read(&self, clients: Range<usize>, reads: bool) {
        self.send(Command::Read(clients, reads));
    }

    /// Closes all connections without a close frame, and returns the observer.
    ///
    /// # Errors
    /// The thread's error.
    pub fn stop(mut self) -> Result<A> {
        self.send(Command::Stop);
        let thread = self.thread.take().context("stopped once")?;
        thread.join().map_err(|_| anyhow!("the crowd panicked"))?
    }

    fn send(&self, command: Command) {
        // The error of a thread that has ended is reported when it is joined.
        let _ = self.commands.send(command);
        let _ = self.waker.wake();
    }
}

impl<A: Observer> Drop for Crowd<A> {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            self.send(Command::Stop);
            let _ = thread.join();
        }
    }
}

/// A connection to open.
struct Due {
    at: Reverse<Duration>,
    client: usize,
    options: ConnectOptions,
}

impl Due {
    fn new((at, client, options): (Duration, usize, ConnectOptions)) -> Self {
        Self { at: Reverse(at), client, options }
    }
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}
impl Eq for Due {}
impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Due {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.at.cmp(&other.at)
    }
}

struct EventLoop<A> {
    poll: Poll,
    watch: Stopwatch,
    connections: Vec<Option<Connection>>,
    queue: BinaryHeap<Due>,
    /// Clients that do not read.
    not_reading: Vec<Range<usize>>,
    buffer: Vec<u8>,
    counts: Arc<Counts>,
    observer: A,
    inbox: Receiver<Command>,
}

impl<A: Observer> EventLoop<A> {
    fn run(mut self) -> Result<A> {
        let mut events = Events::with_capacity(4096);
        loop {
            match self.poll.poll(&mut events, Some(self.poll_timeout())) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                outcome => outcome.context("wait for events")?,
            }
            for event in &events {
                if event.token() != WAKE {
                    self.serve(event.token().0, event.is_read_closed() || event.is_error());
                }
            }
            self.connect_due();
            let cpu = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
            let cpu = Duration::new(cpu.tv_sec.unsigned_abs(), u32::try_from(cpu.tv_nsec).unwrap_or_default());
            self.counts.cpu_ns.store(u64::try_from(cpu.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
            while let Ok(command) = self.inbox.try_recv() {
                match command {
                    Command::Stop => return Ok(self.observer),
                    Command::Read(clients, false) => self.not_reading.push(clients),
                    Command::Read(clients, true) => {
                        self.not_reading.retain(|not_reading| *not_reading != clients);
                        clients.for_each(|client| self.serve(client, true));
                    }
                }
            }
        }
    }

    fn poll_timeout(&self) -> Duration {
        let next = self.queue.peek().map(|due| due.at.0.saturating_sub(self.watch.elapsed()));
        next.unwrap_or(Duration::from_secs(1)).min(Duration::from_secs(1))
    }

    fn connect_due(&mut self) {
        while self.queue.peek().is_some_and(|due| due.at.0 <= self.watch.elapsed()) {
            let Some(due) = self.queue.pop() else { return };
            match self.connect(due.client, &due.options) {
                Ok(connection) => self.connections[due.client] = Some(connection),
                Err(_) => self.on_ended(due.client, Ending::Lost),
            }
        }
    }

    fn connect(&mut self, client: usize, options: &ConnectOptions) -> io::Result<Connection> {
        let mut stream = connection::connect(options)?;
        self.poll.registry().register(&mut stream, Token(client), Interest::READABLE | Interest::WRITABLE)?;
        Ok(Connection::new(stream, options))
    }

    /// `to_the_end`: the server may have closed the connection, which only a read of 0 bytes shows.
    fn serve(&mut self, client: usize, to_the_end: bool) {
        if self.not_reading.iter().any(|not_reading| not_reading.contains(&client)) {
            return;
        }
        let Some(connection) = self.connections.get_mut(client).and_then(Option::as_mut) else { return };
        let was_open = connection.is_open();
        let wanted = self.observer.wants(client);
        let (observer, counts) = (&mut self.observer, &self.counts);
        let mut seen = (0, 0);
        let step =
            connection.serve(&mut self.buffer, wanted, to_the_end, &mut seen, |body| observer.received(client, body));
        counts.messages.fetch_add(seen.0, Ordering::Relaxed);
        counts.bytes.fetch_add(seen.1, Ordering::Relaxed);
        if seen.1 > 0 {
            self.observer.read(client, usize::try_from(seen.1).unwrap_or(usize::MAX));
        }
        if connection.is_open() && !was_open {
            counts.open.fetch_add(1, Ordering::Relaxed);
        }
        if let Step::Ended(how) = step {
            if connection.is_open() {
                counts.open.fetch_sub(1, Ordering::Relaxed);
            }
            self.connections[client] = None;
            self.on_ended(client, how);
        }
    }

    fn on_ended(&mut self, client: usize, how: Ending) {
        if matches!(how, Ending::Refused(_)) {
            self.counts.refused.fetch_add(1, Ordering::Relaxed);
        }
        if let Some((options, after)) = self.observer.ended(client, how) {
            self.queue.push(Due::new((self.watch.elapsed() + after, client, options)));
        }
    }
}
