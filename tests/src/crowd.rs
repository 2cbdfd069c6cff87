//! Thousands of WebSocket clients on one thread, for load and fault tests: they connect at a pace, read, answer pings, and
//! tell an [`Audience`] what they heard. What nobody wants to hear is counted and not copied, so that the crowd costs little
//! beside the server that it looks at.

mod frames;
mod guest;
mod seat;

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
use guest::{Guest, Step};

pub use seat::{Ending, Seat};

const WAKE: Token = Token(usize::MAX);
const READ_BUFFER_BYTES: usize = 256 << 10;

/// What the crowd's clients tell. Called on the crowd's thread.
pub trait Audience: Send + 'static {
    /// Whether the messages of this client are wanted.
    fn wants(&self, client: usize) -> bool;
    /// So many bytes came to a client.
    fn read(&mut self, _client: usize, _bytes: usize) {}
    /// A message came: text or binary, inflated.
    fn heard(&mut self, client: usize, body: &[u8]);
    /// A connection ended. `Some`: it is made again, there, after so long.
    fn ended(&mut self, client: usize, how: Ending) -> Option<(Seat, Duration)>;
}

/// What all clients did so far.
#[derive(Debug, Default)]
pub struct Counts {
    /// Open WebSockets now.
    pub open: AtomicUsize,
    /// Data messages.
    pub messages: AtomicU64,
    /// Bytes of all frames, headers included.
    pub bytes: AtomicU64,
    /// Handshakes that were refused.
    pub refused: AtomicU64,
    /// CPU of the crowd's thread, nanoseconds; told after each turn.
    pub cpu_ns: AtomicU64,
}

/// A running crowd. Dropping it closes all connections.
pub struct Crowd<A: Audience> {
    counts: Arc<Counts>,
    orders: SyncSender<Order>,
    waker: Arc<Waker>,
    thread: Option<JoinHandle<Result<A>>>,
}

enum Order {
    /// These read no more, or read again.
    Read(Range<usize>, bool),
    Stop,
}

impl<A: Audience> Crowd<A> {
    /// Starts to connect, so many per second.
    ///
    /// # Errors
    /// No epoll or no thread can be had.
    pub fn start(seats: Vec<Seat>, per_second: u32, audience: A) -> Result<Self> {
        let poll = Poll::new().context("open epoll")?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKE)?);
        let (orders, inbox) = sync_channel(64);
        let counts = Arc::<Counts>::default();
        let pace = Duration::from_secs(1) / per_second.max(1);
        let room = Room {
            poll,
            watch: Stopwatch::start(),
            guests: (0..seats.len()).map(|_| None).collect(),
            queue: seats
                .into_iter()
                .enumerate()
                .map(|(index, seat)| (pace * index as u32, index, seat))
                .map(Due::new)
                .collect(),
            deaf: Vec::new(),
            buffer: vec![0; READ_BUFFER_BYTES],
            counts: counts.clone(),
            audience,
            inbox,
        };
        let thread = std::thread::Builder::new().name("crowd".into()).spawn(move || room.run())?;
        Ok(Self { counts, orders, waker, thread: Some(thread) })
    }

    /// Counters, read at any time.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// How many are open.
    pub fn open(&self) -> usize {
        self.counts.open.load(Ordering::Relaxed)
    }

    /// CPU that the crowd's thread took so far.
    pub fn cpu(&self) -> Duration {
        Duration::from_nanos(self.counts.cpu_ns.load(Ordering::Relaxed))
    }

    /// Lets some clients read no more (their kernel's buffer fills), or read again.
    pub fn read(&self, clients: Range<usize>, reads: bool) {
        self.tell(Order::Read(clients, reads));
    }

    /// Closes all connections without a word, and gives the audience back.
    ///
    /// # Errors
    /// What the thread failed with.
    pub fn stop(mut self) -> Result<A> {
        self.tell(Order::Stop);
        let thread = self.thread.take().context("stopped once")?;
        thread.join().map_err(|_| anyhow!("the crowd panicked"))?
    }

    fn tell(&self, order: Order) {
        // A thread that has ended says why where it is joined.
        let _ = self.orders.send(order);
        let _ = self.waker.wake();
    }
}

impl<A: Audience> Drop for Crowd<A> {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            self.tell(Order::Stop);
            let _ = thread.join();
        }
    }
}

/// A connection to be made.
struct Due {
    at: Reverse<Duration>,
    client: usize,
    seat: Seat,
}

impl Due {
    fn new((at, client, seat): (Duration, usize, Seat)) -> Self {
        Self { at: Reverse(at), client, seat }
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

struct Room<A> {
    poll: Poll,
    watch: Stopwatch,
    guests: Vec<Option<Guest>>,
    queue: BinaryHeap<Due>,
    /// Clients that do not read.
    deaf: Vec<Range<usize>>,
    buffer: Vec<u8>,
    counts: Arc<Counts>,
    audience: A,
    inbox: Receiver<Order>,
}

impl<A: Audience> Room<A> {
    fn run(mut self) -> Result<A> {
        let mut events = Events::with_capacity(4096);
        loop {
            match self.poll.poll(&mut events, Some(self.patience())) {
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
            while let Ok(order) = self.inbox.try_recv() {
                match order {
                    Order::Stop => return Ok(self.audience),
                    Order::Read(clients, false) => self.deaf.push(clients),
                    Order::Read(clients, true) => {
                        self.deaf.retain(|deaf| *deaf != clients);
                        clients.for_each(|client| self.serve(client, true));
                    }
                }
            }
        }
    }

    fn patience(&self) -> Duration {
        let next = self.queue.peek().map(|due| due.at.0.saturating_sub(self.watch.elapsed()));
        next.unwrap_or(Duration::from_secs(1)).min(Duration::from_secs(1))
    }

    fn connect_due(&mut self) {
        while self.queue.peek().is_some_and(|due| due.at.0 <= self.watch.elapsed()) {
            let Some(due) = self.queue.pop() else { return };
            match self.connect(due.client, &due.seat) {
                Ok(guest) => self.guests[due.client] = Some(guest),
                Err(_) => self.gone(due.client, Ending::Lost),
            }
        }
    }

    fn connect(&mut self, client: usize, seat: &Seat) -> io::Result<Guest> {
        let mut stream = guest::dial(seat)?;
        self.poll.registry().register(&mut stream, Token(client), Interest::READABLE | Interest::WRITABLE)?;
        Ok(Guest::new(stream, seat))
    }

    /// `to_the_end`: its other side may be gone, which only a read that finds nothing tells.
    fn serve(&mut self, client: usize, to_the_end: bool) {
        if self.deaf.iter().any(|deaf| deaf.contains(&client)) {
            return;
        }
        let Some(guest) = self.guests.get_mut(client).and_then(Option::as_mut) else { return };
        let was_open = guest.is_open();
        let wanted = self.audience.wants(client);
        let (audience, counts) = (&mut self.audience, &self.counts);
        let mut seen = (0, 0);
        let step = guest.serve(&mut self.buffer, wanted, to_the_end, &mut seen, |body| audience.heard(client, body));
        counts.messages.fetch_add(seen.0, Ordering::Relaxed);
        counts.bytes.fetch_add(seen.1, Ordering::Relaxed);
        if seen.1 > 0 {
            self.audience.read(client, usize::try_from(seen.1).unwrap_or(usize::MAX));
        }
        if guest.is_open() && !was_open {
            counts.open.fetch_add(1, Ordering::Relaxed);
        }
        if let Step::Ended(how) = step {
            if guest.is_open() {
                counts.open.fetch_sub(1, Ordering::Relaxed);
            }
            self.guests[client] = None;
            self.gone(client, how);
        }
    }

    fn gone(&mut self, client: usize, how: Ending) {
        if matches!(how, Ending::Refused(_)) {
            self.counts.refused.fetch_add(1, Ordering::Relaxed);
        }
        if let Some((seat, after)) = self.audience.ended(client, how) {
            self.queue.push(Due::new((self.watch.elapsed() + after, client, seat)));
        }
    }
}
