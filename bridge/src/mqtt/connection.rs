//! One connection to the broker: bytes in, packets out, and the other way; and its keep-alive.
//!
//! All buffers end with the connection, both unread packets and unsent ones. So no acknowledgement can leave on another
//! connection than the one of its message.

use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf as _, BytesMut};
use rumqttc::v5::mqttbytes;
use rumqttc::v5::mqttbytes::v5::{
    ConnAck, ConnectReturnCode, Disconnect, DisconnectReasonCode, Packet, PingReq, PubAck,
};
use runtime::Clock;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};

use super::MAX_PACKET_BYTES;

/// Maximum size of one read: many frames.
const READ_BYTES: usize = 64 << 10;
/// With less room than this a new block is begun.
const MIN_READ_BYTES: usize = 8 << 10;
/// A packet larger than we allow the broker to send; the fixed header counts too.
const REFUSED_BYTES: u32 = MAX_PACKET_BYTES + 5;

/// Why the connection ended, or was not made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Lost {
    #[error("the broker closed the connection")]
    Closed,
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("the broker sends invalid MQTT: {0}")]
    Protocol(#[from] mqttbytes::Error),
    #[error("the broker has been silent for {0:?}")]
    Silent(Duration),
    #[error("the broker refuses this client: {0:?}")]
    Refused(ConnectReturnCode),
    #[error("the broker ends the connection: {0:?}")]
    Dismissed(DisconnectReasonCode),
    #[error("the broker sends an unexpected packet")]
    Unexpected,
    #[error("{0:#}")]
    Tls(#[from] anyhow::Error),
}

pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

pub(crate) struct Connection {
    stream: Box<dyn Stream>,
    inbox: BytesMut,
    outbox: BytesMut,
    /// Written to the stream, which may buffer it (TLS does).
    unflushed: bool,
    clock: Clock,
    pulse: Pulse,
    /// When bytes were read last (monotonic).
    read_at: Duration,
}

impl Connection {
    pub(super) fn new(stream: impl Stream + 'static, clock: Clock, keep_alive: Duration) -> Self {
        let read_at = clock.monotonic();
        let pulse = Pulse::new(keep_alive, read_at);
        let (inbox, outbox) = (BytesMut::with_capacity(READ_BYTES), BytesMut::new());
        Self { stream: Box::new(stream), inbox, outbox, unflushed: false, clock, pulse, read_at }
    }

    /// Waits for the broker's answer to our first packet.
    pub(super) async fn greeting(&mut self) -> Result<ConnAck, Lost> {
        let connected = loop {
            match self.take()? {
                Some(Packet::ConnAck(connected)) => break connected,
                Some(_) => return Err(Lost::Unexpected),
                None => self.exchange(true).await?,
            }
        };
        if connected.code != ConnectReturnCode::Success {
            return Err(Lost::Refused(connected.code));
        }
        let asked_s = connected.properties.as_ref().and_then(|properties| properties.server_keep_alive);
        if let Some(seconds) = asked_s.filter(|seconds| *seconds > 0) {
            self.pulse = Pulse::new(Duration::from_secs(seconds.into()), self.clock.monotonic());
        }
        Ok(connected)
    }

    /// The next packet of what has been read.
    pub(crate) fn take(&mut self) -> Result<Option<Packet>, Lost> {
        match Packet::read(&mut self.inbox, Some(REFUSED_BYTES)) {
            Ok(Packet::Disconnect(reason)) => Err(Lost::Dismissed(reason.reason_code)),
            Ok(packet) => Ok(Some(packet)),
            Err(mqttbytes::Error::InsufficientBytes(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// When the bytes of what [`Connection::take`] gives were read (monotonic).
    pub(crate) fn read_at(&self) -> Duration {
        self.read_at
    }

    /// Leaves with the next [`Connection::exchange`].
    pub(crate) fn send(&mut self, packet: &Packet) -> Result<(), Lost> {
        packet.write(&mut self.outbox, None)?;
        Ok(())
    }

    /// Acknowledges a message: leaves, with all others, in one write of the next [`Connection::exchange`].
    pub(crate) fn acknowledge(&mut self, packet_id: u16) -> Result<(), Lost> {
        PubAck::new(packet_id, None).write(&mut self.outbox)?;
        Ok(())
    }

    /// Whether all packets have been written.
    pub(crate) fn is_flushed(&self) -> bool {
        self.outbox.is_empty() && !self.unflushed
    }

    /// Writes the waiting packets. When `reading`, returns once something was read; otherwise once all is written.
    /// Cancel-safe.
    pub(crate) async fn exchange(&mut self, reading: bool) -> Result<(), Lost> {
        loop {
            let clock = self.clock.clone();
            let beat = clock.sleep(self.pulse.until_beat(clock.monotonic()));
            tokio::select! {
                biased;
                moved = std::future::poll_fn(|task| self.poll_exchange(task, reading)) => return moved,
                () = beat => {}
            }
            if self.pulse.beat(self.clock.monotonic(), reading)? {
                PingReq::write(&mut self.outbox)?;
            }
        }
    }

    fn poll_exchange(&mut self, task: &mut Context<'_>, reading: bool) -> Poll<Result<(), Lost>> {
        let waiting = !self.is_flushed();
        let written = self.poll_write(task)?;
        if reading {
            ready!(self.poll_read(task))?;
            self.pulse.received();
            self.read_at = self.clock.monotonic();
            return Poll::Ready(Ok(()));
        }
        if waiting && written.is_ready() { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    fn poll_write(&mut self, task: &mut Context<'_>) -> Poll<Result<(), Lost>> {
        while !self.outbox.is_empty() {
            match ready!(Pin::new(&mut self.stream).poll_write(task, &self.outbox))? {
                0 => return Poll::Ready(Err(Lost::Closed)),
                written => self.outbox.advance(written),
            }
            self.unflushed = true;
        }
        if self.unflushed {
            ready!(Pin::new(&mut self.stream).poll_flush(task))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_read(&mut self, task: &mut Context<'_>) -> Poll<Result<(), Lost>> {
        if self.inbox.capacity() - self.inbox.len() < MIN_READ_BYTES {
            self.inbox.reserve(READ_BYTES);
        }
        // Made again for each poll: bytes that it has read are in the inbox, so nothing is lost.
        let reading = pin!(self.stream.read_buf(&mut self.inbox));
        match ready!(reading.poll(task))? {
            0 => Poll::Ready(Err(Lost::Closed)),
            _ => Poll::Ready(Ok(())),
        }
    }

    /// Disconnects; the session stays.
    pub(crate) async fn close(mut self) -> Result<(), Lost> {
        self.send(&Packet::Disconnect(Disconnect::new(DisconnectReasonCode::NormalDisconnection)))?;
        self.exchange(false).await
    }
}

/// When to ping the broker, and when to close the connection. Pure.
struct Pulse {
    interval: Duration,
    next_beat: Duration,
    received: bool,
    asked: bool,
}

impl Pulse {
    /// Two pings within the keep-alive of the broker.
    fn new(keep_alive: Duration, now: Duration) -> Self {
        let interval = keep_alive / 2;
        Self { interval, next_beat: now + interval, received: false, asked: false }
    }

    fn until_beat(&self, now: Duration) -> Duration {
        self.next_beat.saturating_sub(now)
    }

    fn received(&mut self) {
        self.received = true;
    }

    /// Whether to ping. While we do not read, silence is no sign of a dead broker.
    fn beat(&mut self, now: Duration, reading: bool) -> Result<bool, Lost> {
        if self.asked && !self.received && reading {
            return Err(Lost::Silent(2 * self.interval));
        }
        self.next_beat = now + self.interval;
        (self.received, self.asked) = (!reading, true);
        Ok(true)
    }
}

#[cfg(test)]
mod tests;
