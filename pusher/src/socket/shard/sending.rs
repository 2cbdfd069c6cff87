//! The sending half of a shard.

use std::net;
use std::time::Duration;

use bytes::Bytes;
use runtime::trace::{Batch, SpanKind};
use smallvec::SmallVec;

use super::{CLOSE_PATIENCE, Shard};
use crate::metrics::{Reason, Since};
use fanout::hub::{ClientId, Delivery};
use fanout::switchboard::{Flush, Now};
use fanout::wire::Wire;

/// Frames that one client is sent in a row: pages of a snapshot, mostly.
const FRAMES_PER_TURN: usize = 8;

impl Shard {
    /// Sends what waits for a client, as far as its socket takes it.
    pub(super) fn drain(&mut self, id: ClientId) {
        let now = self.now();
        let Some(connection) = self.connections.get_mut(id.0 as usize).and_then(Option::as_mut) else { return };
        for frames in 0.. {
            let outcome = connection.write_tail();
            self.parts.metrics.send_calls.inc_by(connection.take_calls());
            match outcome {
                Err(_) => return self.remove(id),
                Ok(false) => return self.board.took(id, true, now),
                Ok(true) => self.board.took(id, false, now),
            }
            let had_its_turn = frames >= FRAMES_PER_TURN || self.turn.is_over();
            if had_its_turn && self.board.closing(id).is_none() && !self.board.is_clear(id) {
                return self.send_later(id);
            }
            let Some(frame) = self.board.next_frame(id, &self.parts.view.read(), now) else { break };
            self.turn.spend(self.board.take_work());
            self.parts.metrics.frames_sent.inc();
            self.parts.metrics.bytes_sent.inc_by(frame.len() as u64);
            connection.set_tail(frame);
        }
        if self.board.closing(id).is_none() {
            return;
        }
        if connection.peer_closed {
            return self.remove(id);
        }
        let first_time = connection.cut_at.is_none();
        // Half closed: the client can still read what it was told, and a reset would take that from it.
        if first_time && connection.stream_mut().shutdown(net::Shutdown::Write).is_err() {
            return self.remove(id);
        }
        self.cut_later(id, now);
    }

    /// A client that is being closed has a little time to go by itself.
    pub(super) fn cut_later(&mut self, id: ClientId, now: Now) {
        let Some(code) = self.board.closing(id) else { return };
        let first_time = self.with(id, |connection| {
            let first_time = connection.cut_at.is_none();
            connection.cut_at.get_or_insert(now.monotonic + CLOSE_PATIENCE);
            first_time
        });
        if first_time == Some(true) {
            self.parts.metrics.closed.get_or_create(&Reason { reason: code.reason() }).inc();
        }
    }

    pub(super) fn remove(&mut self, id: ClientId) {
        if let Some(mut connection) = self.connections.get_mut(id.0 as usize).and_then(Option::take) {
            // Closing the socket takes it out of epoll in any case.
            let _ = self.poll.registry().deregister(connection.stream_mut());
            self.board.remove(id);
            self.parts.metrics.connections.dec();
        }
    }

    pub(super) fn flush_if_due(&mut self) {
        let now = self.now();
        if !self.board.is_due(now) || !(self.board.is_urgent() || self.pace.is_due(now.monotonic)) {
            return;
        }
        let flush = self.board.flush(&self.parts.view.read(), now);
        self.send_out(flush, now);
    }

    /// Hands what a flush made to the sockets; `now`: when the flush began.
    pub(super) fn send_out(&mut self, flush: Flush, now: Now) {
        let Flush { deliveries, touched } = flush;
        self.parts.metrics.frames_encoded.inc_by(deliveries.len() as u64);
        let encoded_at = self.parts.clock.monotonic();
        let mut sent = Sent::default();
        if !self.traced.is_empty() {
            sent.written = vec![false; deliveries.len()];
        }
        for id in touched {
            let batch = self.board.take_batch(id);
            self.deliver(id, &batch, &deliveries, &mut sent);
            self.board.return_batch(id, batch);
        }
        let after = self.now();
        let took = after.monotonic.saturating_sub(now.monotonic);
        self.trace(&deliveries, &sent.written, now.monotonic, after.monotonic);
        if !deliveries.is_empty() {
            let made: usize = deliveries.iter().map(|delivery| delivery.frames.made()).sum();
            self.count(&sent, made as u64);
            self.parts.metrics.send_seconds.observe(after.monotonic.saturating_sub(encoded_at).as_secs_f64());
            self.parts.metrics.flush_seconds.observe(took.as_secs_f64());
            let since = now.monotonic.saturating_sub(self.made_at);
            if since <= Duration::from_secs(1) {
                self.parts.metrics.tick_seconds.observe(since.as_secs_f64());
            }
            self.made_at = now.monotonic;
        }
        for (since, at_us) in std::mem::take(&mut self.way).times() {
            let label = Since { since };
            let seconds = after.us.saturating_sub(at_us) as f64 / 1e6;
            self.parts.metrics.latency_seconds.get_or_create(&label).observe(seconds);
        }
        self.pace.flushed(now.monotonic, took);
    }

    /// Continues the traces of the states that at least one client was sent, in one span each, which link each other.
    fn trace(&mut self, deliveries: &[Delivery], written: &[bool], began: Duration, ended: Duration) {
        if written.is_empty() {
            return;
        }
        let start = self.parts.clock.timestamp().at(began);
        let mut flush = Batch::default();
        let reached = deliveries.iter().zip(written).filter(|(_, written)| **written);
        for news in reached.flat_map(|(delivery, _)| &delivery.news) {
            let Some(fold) = self.traced.written(news.id) else { continue };
            flush.extend(self.parts.tracer.span("flush", SpanKind::Producer, Some(fold), start));
        }
        let states = flush.len() as i64;
        for mut span in flush.into_spans() {
            span.set("updraft.flush.traced_states", states);
            span.end_at(ended);
        }
    }

    fn count(&self, sent: &Sent, made_bytes: u64) {
        let metrics = &self.parts.metrics;
        metrics.frames_sent.inc_by(sent.frames);
        metrics.bytes_sent.inc_by(sent.bytes);
        metrics.updates_sent.inc_by(sent.updates);
        metrics.send_calls.inc_by(sent.calls);
        metrics.deflate_saved_bytes.inc_by(sent.deflated_away);
        metrics.sharing_saved_bytes.inc_by(sent.bytes.saturating_sub(made_bytes));
    }

    /// One gathered send of a client's deliveries; what its socket cannot take is remembered by object.
    fn deliver(&mut self, id: ClientId, batch: &[u32], deliveries: &[Delivery], sent: &mut Sent) {
        let wire = self.board.wire(id);
        let Some(connection) = self.connections.get_mut(id.0 as usize).and_then(Option::as_mut) else { return };
        let mut begun = 0;
        if connection.is_clear() && self.board.is_clear(id) {
            let frames: SmallVec<[&Bytes; 64]> =
                batch.iter().map(|index| deliveries[*index as usize].frames.of(wire)).collect();
            match connection.write_all(&frames) {
                Ok(count) => begun = count,
                Err(_) => return self.remove(id),
            }
            sent.calls += connection.take_calls();
            for index in &batch[..begun] {
                sent.add(&deliveries[*index as usize], wire);
            }
            if !sent.written.is_empty() {
                batch[..begun].iter().for_each(|index| sent.written[*index as usize] = true);
            }
        }
        let done = begun == batch.len() && connection.is_clear();
        for index in &batch[begun..] {
            self.board.miss(id, &deliveries[*index as usize]);
            self.parts.metrics.frames_missed.inc();
        }
        if !done {
            self.drain(id);
        }
    }
}

/// What a flush handed to sockets, counted once at its end.
#[derive(Default)]
struct Sent {
    frames: u64,
    bytes: u64,
    updates: u64,
    calls: u64,
    deflated_away: u64,
    /// Which deliveries a client was sent; empty while nothing is traced.
    written: Vec<bool>,
}

impl Sent {
    fn add(&mut self, delivery: &Delivery, wire: Wire) {
        self.frames += 1;
        self.bytes += delivery.frames.of(wire).len() as u64;
        self.updates += delivery.news.len() as u64;
        self.deflated_away += delivery.frames.deflated_away(wire) as u64;
    }
}
