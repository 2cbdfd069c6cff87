//! The sending half of a shard.

use std::net;
use std::time::Duration;

use bytes::Bytes;
use runtime::trace::{Batch, SpanKind};
use smallvec::SmallVec;

use super::{CLOSE_TIMEOUT, Shard};
use crate::metrics::{Reason, Since};
use fanout::dispatcher::{Flush, Now};
use fanout::hub::{ClientId, Delivery};
use fanout::wire::Wire;

/// Frames that one client gets per turn; most are pages of a snapshot.
const FRAMES_PER_TURN: usize = 8;

impl Shard {
    /// Sends the pending frames of a client until its socket buffer is full.
    pub(super) fn send_pending(&mut self, id: ClientId) {
        let now = self.now();
        let Some(connection) = self.connections.get_mut(id.0 as usize).and_then(Option::as_mut) else { return };
        for frames in 0.. {
            let outcome = connection.write_unsent();
            self.parts.metrics.send_calls.inc_by(connection.take_send_calls());
            match outcome {
                Err(_) => return self.remove(id),
                Ok(false) => return self.dispatcher.took(id, true, now),
                Ok(true) => self.dispatcher.took(id, false, now),
            }
            let is_turn_over = frames >= FRAMES_PER_TURN || self.turn.is_over();
            if is_turn_over && self.dispatcher.closing(id).is_none() && !self.dispatcher.is_clear(id) {
                return self.queue_send(id);
            }
            let Some(frame) = self.dispatcher.next_frame(id, &self.parts.view.read(), now) else { break };
            self.turn.spend(self.dispatcher.take_work());
            self.parts.metrics.frames_sent.inc();
            self.parts.metrics.bytes_sent.inc_by(frame.len() as u64);
            connection.set_unsent(frame);
        }
        if self.dispatcher.closing(id).is_none() {
            return;
        }
        if connection.peer_closed {
            return self.remove(id);
        }
        let is_first = connection.close_deadline.is_none();
        // Half closed: the client can still read the last frames, which a reset would discard.
        if is_first && connection.stream_mut().shutdown(net::Shutdown::Write).is_err() {
            return self.remove(id);
        }
        self.start_close_timeout(id, now);
    }

    /// Starts the time in which a client that is being closed has to close its side.
    pub(super) fn start_close_timeout(&mut self, id: ClientId, now: Now) {
        let Some(code) = self.dispatcher.closing(id) else { return };
        let is_first = self.with(id, |connection| {
            let is_first = connection.close_deadline.is_none();
            connection.close_deadline.get_or_insert(now.monotonic + CLOSE_TIMEOUT);
            is_first
        });
        if is_first == Some(true) {
            self.parts.metrics.closed.get_or_create(&Reason { reason: code.reason() }).inc();
        }
    }

    pub(super) fn remove(&mut self, id: ClientId) {
        if let Some(mut connection) = self.connections.get_mut(id.0 as usize).and_then(Option::take) {
            // May fail: closing the socket removes it from epoll in any case.
            let _ = self.poll.registry().deregister(connection.stream_mut());
            self.dispatcher.remove(id);
            self.parts.metrics.connections.dec();
        }
    }

    pub(super) fn flush_if_due(&mut self) {
        let now = self.now();
        if !self.dispatcher.is_due(now) || !(self.dispatcher.is_urgent() || self.pace.is_due(now.monotonic)) {
            return;
        }
        let flush = self.dispatcher.flush(&self.parts.view.read(), now);
        self.send_flush(flush, now);
    }

    /// Writes the frames of a flush to the sockets. `now`: when the flush began.
    pub(super) fn send_flush(&mut self, flush: Flush, now: Now) {
        let Flush { deliveries, touched } = flush;
        self.parts.metrics.frames_encoded.inc_by(deliveries.len() as u64);
        let encoded_at = self.parts.clock.monotonic();
        let mut sent = Sent::default();
        if !self.traced.is_empty() {
            sent.written = vec![false; deliveries.len()];
        }
        for id in touched {
            let batch = self.dispatcher.take_batch(id);
            self.deliver(id, &batch, &deliveries, &mut sent);
            self.dispatcher.return_batch(id, batch);
        }
        let after = self.now();
        let took = after.monotonic.saturating_sub(now.monotonic);
        self.trace(&deliveries, &sent.written, now.monotonic, after.monotonic);
        if !deliveries.is_empty() {
            let encoded: usize = deliveries.iter().map(|delivery| delivery.frames.encoded_bytes()).sum();
            self.count(&sent, encoded as u64);
            self.parts.metrics.send_seconds.observe(after.monotonic.saturating_sub(encoded_at).as_secs_f64());
            self.parts.metrics.flush_seconds.observe(took.as_secs_f64());
            let since = now.monotonic.saturating_sub(self.flushed_at);
            if since <= Duration::from_secs(1) {
                self.parts.metrics.tick_seconds.observe(since.as_secs_f64());
            }
            self.flushed_at = now.monotonic;
        }
        for (since, at_us) in std::mem::take(&mut self.hop_times).times() {
            let label = Since { since };
            let seconds = after.us.saturating_sub(at_us) as f64 / 1e6;
            self.parts.metrics.latency_seconds.get_or_create(&label).observe(seconds);
        }
        self.pace.flushed(now.monotonic, took);
    }

    /// Continues the traces of the states that at least one client got: one span each, which link to each other.
    fn trace(&mut self, deliveries: &[Delivery], written: &[bool], began: Duration, ended: Duration) {
        if written.is_empty() {
            return;
        }
        let start = self.parts.clock.timestamp().at(began);
        let mut flush = Batch::default();
        let sent = deliveries.iter().zip(written).filter(|(_, written)| **written);
        for object in sent.flat_map(|(delivery, _)| &delivery.objects) {
            let Some(fold) = self.traced.take_written(object.id) else { continue };
            flush.extend(self.parts.tracer.span("flush", SpanKind::Producer, Some(fold), start));
        }
        let states = flush.len() as i64;
        for mut span in flush.into_spans() {
            span.set("updraft.flush.traced_states", states);
            span.end_at(ended);
        }
    }

    fn count(&self, sent: &Sent, encoded_bytes: u64) {
        let metrics = &self.parts.metrics;
        metrics.frames_sent.inc_by(sent.frames);
        metrics.bytes_sent.inc_by(sent.bytes);
        metrics.updates_sent.inc_by(sent.updates);
        metrics.send_calls.inc_by(sent.calls);
        metrics.deflate_saved_bytes.inc_by(sent.deflated_away);
        metrics.sharing_saved_bytes.inc_by(sent.bytes.saturating_sub(encoded_bytes));
    }

    /// Sends a client its deliveries with one gathered write. Where its socket buffer is full, the objects are
    /// remembered instead.
    fn deliver(&mut self, id: ClientId, batch: &[u32], deliveries: &[Delivery], sent: &mut Sent) {
        let wire = self.dispatcher.wire(id);
        let Some(connection) = self.connections.get_mut(id.0 as usize).and_then(Option::as_mut) else { return };
        let mut begun = 0;
        if connection.is_clear() && self.dispatcher.is_clear(id) {
            let frames: SmallVec<[&Bytes; 64]> =
                batch.iter().map(|index| deliveries[*index as usize].frames.of(wire)).collect();
            match connection.write_all(&frames) {
                Ok(count) => begun = count,
                Err(_) => return self.remove(id),
            }
            sent.calls += connection.take_send_calls();
            for index in &batch[..begun] {
                sent.add(&deliveries[*index as usize], wire);
            }
            if !sent.written.is_empty() {
                batch[..begun].iter().for_each(|index| sent.written[*index as usize] = true);
            }
        }
        let done = begun == batch.len() && connection.is_clear();
        for index in &batch[begun..] {
            self.dispatcher.miss(id, &deliveries[*index as usize]);
            self.parts.metrics.frames_missed.inc();
        }
        if !done {
            self.send_pending(id);
        }
    }
}

/// Counts what a flush wrote to sockets; added to the metrics at its end.
#[derive(Default)]
struct Sent {
    frames: u64,
    bytes: u64,
    updates: u64,
    calls: u64,
    deflated_away: u64,
    /// Whether each delivery was written to a client; empty while nothing is traced.
    written: Vec<bool>,
}

impl Sent {
    fn add(&mut self, delivery: &Delivery, wire: Wire) {
        self.frames += 1;
        self.bytes += delivery.frames.of(wire).len() as u64;
        self.updates += delivery.objects.len() as u64;
        self.deflated_away += delivery.frames.saved_bytes(wire) as u64;
    }
}
