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
/// The read buffer grows when it has less room than this.
const MIN_READ_BYTES: usize = 8 << 10;
/// Maximum length of a packet without its fixed header. A little more than we allow the broker to send, so that only one that
/// ignores our limit exceeds it.
const MAX_REMAINING_LENGTH: u32 = MAX_PACKET_BYTES + 5;

/// Why the connection ended, or was not made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectionError {
    #[error("the broker closed the connection")]
    Closed,
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("the broker sends invalid MQTT: {0}")]
    Protocol(#[from] mqttbytes::Error),
    #[error("the broker has been silent for {0:?}")]
    Timeout(Duration),
    #[error("the broker refuses this client: {0:?}")]
    Refused(ConnectReturnCode),
    #[error("the broker ends the connection: {0:?}")]
    Disconnected(DisconnectReasonCode),
    #[error("the broker sends an unexpected packet: {0}")]
    Unexpected(String),
    #[error("{0:#}")]
    Tls(#[from] anyhow::Error),
}

impl ConnectionError {
    /// `expected`: what the broker might have sent at this time.
    pub(crate) fn unexpected(packet: &Packet, expected: &str) -> Self {
        let packet = format!("{packet:?}");
        let kind = packet.split(['(', ' ', '{']).next().unwrap_or_default();
        Self::Unexpected(format!("{kind}, expected {expected}"))
    }
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
    keep_alive_timer: KeepAlive,
    /// When bytes were read last (monotonic).
    read_at: Duration,
}

impl Connection {
    pub(super) fn new(stream: impl Stream + 'static, clock: Clock, keep_alive: Duration) -> Self {
        let read_at = clock.monotonic();
        let keep_alive_timer = KeepAlive::new(keep_alive, read_at);
        let (inbox, outbox) = (BytesMut::with_capacity(READ_BYTES), BytesMut::new());
        Self { stream: Box::new(stream), inbox, outbox, unflushed: false, clock, keep_alive_timer, read_at }
    }

    /// Waits for the broker's answer to our first packet.
    pub(super) async fn receive_connack(&mut self) -> Result<ConnAck, ConnectionError> {
        let connected = loop {
            match self.take()? {
                Some(Packet::ConnAck(connected)) => break connected,
                Some(packet) => return Err(ConnectionError::unexpected(&packet, "CONNACK")),
                None => self.exchange(true).await?,
            }
        };
        if connected.code != ConnectReturnCode::Success {
            return Err(ConnectionError::Refused(connected.code));
        }
        let asked_s = connected.properties.as_ref().and_then(|properties| properties.server_keep_alive);
        if let Some(seconds) = asked_s.filter(|seconds| *seconds > 0) {
            self.keep_alive_timer = KeepAlive::new(Duration::from_secs(seconds.into()), self.clock.monotonic());
        }
        Ok(connected)
    }

    /// Removes the next complete packet from the read buffer.
    pub(crate) fn take(&mut self) -> Result<Option<Packet>, ConnectionError> {
        match Packet::read(&mut self.inbox, Some(MAX_REMAINING_LENGTH)) {
            Ok(Packet::Disconnect(reason)) => Err(ConnectionError::Disconnected(reason.reason_code)),
            Ok(packet) => Ok(Some(packet)),
            Err(mqttbytes::Error::InsufficientBytes(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// When the bytes of what [`Connection::take`] gives were read (monotonic).
    pub(crate) fn read_at(&self) -> Duration {
        self.read_at
    }

    /// Queues a packet: the next [`Connection::exchange`] writes it.
    pub(crate) fn send(&mut self, packet: &Packet) -> Result<(), ConnectionError> {
        packet.write(&mut self.outbox, None)?;
        Ok(())
    }

    /// Queues the acknowledgement of a message: the next [`Connection::exchange`] writes all of them at once.
    pub(crate) fn acknowledge(&mut self, packet_id: u16) -> Result<(), ConnectionError> {
        PubAck::new(packet_id, None).write(&mut self.outbox)?;
        Ok(())
    }

    /// Whether all packets have been written.
    pub(crate) fn is_flushed(&self) -> bool {
        self.outbox.is_empty() && !self.unflushed
    }

    /// Writes the queued packets. When `reading`, returns after a read; otherwise once they are written, where an empty queue
    /// waits for the next ping. Cancel-safe.
    pub(crate) async fn exchange(&mut self, reading: bool) -> Result<(), ConnectionError> {
        loop {
            let clock = self.clock.clone();
            let due = clock.sleep(self.keep_alive_timer.until_due(clock.monotonic()));
            tokio::select! {
                biased;
                moved = std::future::poll_fn(|task| self.poll_exchange(task, reading)) => return moved,
                () = due => {}
            }
            self.keep_alive_timer.on_interval(self.clock.monotonic(), reading)?;
            PingReq::write(&mut self.outbox)?;
        }
    }

    fn poll_exchange(&mut self, task: &mut Context<'_>, reading: bool) -> Poll<Result<(), ConnectionError>> {
        let waiting = !self.is_flushed();
        let written = self.poll_write(task)?;
        if reading {
            ready!(self.poll_read(task))?;
            self.keep_alive_timer.received();
            self.read_at = self.clock.monotonic();
            return Poll::Ready(Ok(()));
        }
        if waiting && written.is_ready() { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    fn poll_write(&mut self, task: &mut Context<'_>) -> Poll<Result<(), ConnectionError>> {
        while !self.outbox.is_empty() {
            match ready!(Pin::new(&mut self.stream).poll_write(task, &self.outbox))? {
                0 => return Poll::Ready(Err(ConnectionError::Closed)),
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

    fn poll_read(&mut self, task: &mut Context<'_>) -> Poll<Result<(), ConnectionError>> {
        if self.inbox.capacity() - self.inbox.len() < MIN_READ_BYTES {
            self.inbox.reserve(READ_BYTES);
        }
        // Made again for each poll: bytes that it has read are in the inbox, so nothing is lost.
        let reading = pin!(self.stream.read_buf(&mut self.inbox));
        match ready!(reading.poll(task))? {
            0 => Poll::Ready(Err(ConnectionError::Closed)),
            _ => Poll::Ready(Ok(())),
        }
    }

    /// Disconnects; the session stays.
    pub(crate) async fn close(mut self) -> Result<(), ConnectionError> {
        self.send(&Packet::Disconnect(Disconnect::new(DisconnectReasonCode::NormalDisconnection)))?;
        self.exchange(false).await
    }
}

/// When to ping the broker, and when to close the connection. Pure.
struct KeepAlive {
    interval: Duration,
    next_due: Duration,
    received: bool,
    ping_pending: bool,
}

impl KeepAlive {
    /// Two pings within the keep-alive of the broker.
    fn new(keep_alive: Duration, now: Duration) -> Self {
        let interval = keep_alive / 2;
        Self { interval, next_due: now + interval, received: false, ping_pending: false }
    }

    fn until_due(&self, now: Duration) -> Duration {
        self.next_due.saturating_sub(now)
    }

    fn received(&mut self) {
        self.received = true;
    }

    /// To be called when the interval ends; then a ping is due.
    ///
    /// # Errors
    /// The last ping has no answer. While we do not read, that proves nothing.
    fn on_interval(&mut self, now: Duration, reading: bool) -> Result<(), ConnectionError> {
        if self.ping_pending && !self.received && reading {
            return Err(ConnectionError::Timeout(2 * self.interval));
        }
        self.next_due = now + self.interval;
        (self.received, self.ping_pending) = (!reading, true);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
