//! The sessions of connected and absent clients, by client id.
//!
//! A session holds little: the QoS 2 packet ids in use ([`Deliveries`]). But a client whose session has ended must
//! discard its unacknowledged messages (MQTT 5, section 3.2.2.1.1), so sessions
//! outlive their connections.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bridge::AckHandler;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::deliveries::{Ack, AckedQos, Deliveries, MessageId, Offer};
use super::limits::Limits;

/// The state that consecutive connections of one client share.
#[derive(Debug)]
pub(super) struct Session(Mutex<State>);

#[derive(Debug)]
struct State {
    deliveries: Deliveries,
    /// Wakes the present connection's task.
    wake: Arc<Notify>,
}

impl Session {
    fn new(in_flight: usize) -> Self {
        Self(Mutex::new(State { deliveries: Deliveries::new(in_flight), wake: Arc::default() }))
    }

    /// Makes a new connection the present one; the last one's task finds that out and ends.
    fn take_over(&self) -> (u32, Arc<Notify>) {
        let mut state = self.0.lock();
        let wake = Arc::<Notify>::default();
        std::mem::replace(&mut state.wake, wake.clone()).notify_one();
        (state.deliveries.take_over(), wake)
    }

    /// As [`Deliveries::offer`], and whether there is room for another message.
    pub(super) fn offer(&self, generation: u32, qos: AckedQos, packet_id: u16) -> (Offer, bool) {
        let mut state = self.0.lock();
        (state.deliveries.offer(generation, qos, packet_id), !state.deliveries.is_full())
    }

    /// As [`Deliveries::release`].
    pub(super) fn release(&self, packet_id: u16) {
        self.0.lock().deliveries.release(packet_id);
    }

    /// Moves what may be sent now, and says whether there is room for more. `None`: another connection has the session.
    pub(super) fn take_acks(&self, generation: u32, into: &mut Vec<Ack>) -> Option<bool> {
        let mut state = self.0.lock();
        if !state.deliveries.is_current(generation) {
            return None;
        }
        state.deliveries.take_acks(into);
        Some(!state.deliveries.is_full())
    }
}

impl AckHandler for Session {
    fn on_acknowledged(&self, message_id: u64) {
        let mut state = self.0.lock();
        state.deliveries.on_acknowledged(MessageId::unpack(message_id));
        // Also where no ack waits: there may be room again.
        state.wake.notify_one();
    }
}

/// A client's hold on its session.
#[derive(Debug)]
pub(super) struct Attached {
    pub(super) session: Arc<Session>,
    pub(super) generation: u32,
    pub(super) wake: Arc<Notify>,
    /// Whether the session was there before.
    pub(super) is_resumed: bool,
}

/// All sessions.
#[derive(Debug)]
pub(super) struct Sessions {
    capacity: usize,
    in_flight: usize,
    by_client: HashMap<String, Entry>,
}

#[derive(Debug)]
struct Entry {
    session: Arc<Session>,
    generation: u32,
    /// `None`: connected.
    expires_at: Option<Duration>,
}

impl Sessions {
    pub(super) fn new(limits: &Limits) -> Self {
        Self { capacity: limits.sessions, in_flight: limits.in_flight, by_client: HashMap::new() }
    }

    /// A client connects. Where it is connected already, or was, it takes its session over; a clean start gives it a new
    /// one. The older connection ends in any case.
    pub(super) fn attach(&mut self, client_id: &str, is_clean: bool, now: Duration) -> Attached {
        let found = self.by_client.remove(client_id);
        let kept = found.and_then(|Entry { session, expires_at, .. }| {
            let is_expired = expires_at.is_some_and(|at| at <= now);
            if is_clean || is_expired {
                session.take_over();
                return None;
            }
            Some(session)
        });
        let is_resumed = kept.is_some();
        let session = kept.unwrap_or_else(|| Arc::new(Session::new(self.in_flight)));
        let (generation, wake) = session.take_over();
        self.make_room(now);
        let entry = Entry { session: session.clone(), generation, expires_at: None };
        self.by_client.insert(client_id.to_owned(), entry);
        Attached { session, generation, wake, is_resumed }
    }

    /// A connection has ended; its session is kept for `expiry`. Does nothing where another connection has it.
    pub(super) fn detach(&mut self, client_id: &str, attached: &Attached, expiry: Duration, now: Duration) {
        let is_its_own = |entry: &&mut Entry| {
            Arc::ptr_eq(&entry.session, &attached.session) && entry.generation == attached.generation
        };
        let Some(entry) = self.by_client.get_mut(client_id).filter(is_its_own) else { return };
        if expiry.is_zero() {
            self.by_client.remove(client_id);
        } else {
            entry.expires_at = Some(now.saturating_add(expiry));
        }
    }

    /// Discards expired sessions where there are too many, and then the one that would expire first. Connected clients keep
    /// theirs: their number is bounded by the connections.
    fn make_room(&mut self, now: Duration) {
        if self.by_client.len() < self.capacity {
            return;
        }
        self.by_client.retain(|_, entry| entry.expires_at.is_none_or(|at| at > now));
        while self.by_client.len() >= self.capacity {
            let absent = self.by_client.iter().filter_map(|(id, entry)| Some((entry.expires_at?, id)));
            let Some(id) = absent.min().map(|(_, id)| id.clone()) else { return };
            self.by_client.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn sessions(capacity: usize) -> Sessions {
        Sessions::new(&Limits { sessions: capacity, ..Limits::default() })
    }

    fn is_current(attached: &Attached) -> bool {
        attached.session.take_acks(attached.generation, &mut Vec::new()).is_some()
    }

    #[test]
    fn a_second_connection_takes_the_session_over() {
        for is_clean in [false, true] {
            let mut sessions = sessions(10);
            let first = sessions.attach("receiver/+#$", false, Duration::ZERO);
            let second = sessions.attach("receiver/+#$", is_clean, Duration::ZERO);
            assert_eq!((is_current(&first), is_current(&second)), (false, true));
            assert_eq!(second.is_resumed, !is_clean);
            // The older one's end changes nothing for the newer.
            sessions.detach("receiver/+#$", &first, Duration::ZERO, Duration::ZERO);
            assert!(sessions.by_client.contains_key("receiver/+#$"));
        }
    }

    #[test]
    fn a_session_outlives_its_connection_until_it_expires() {
        let mut sessions = sessions(10);
        let first = sessions.attach("a", false, Duration::ZERO);
        sessions.detach("a", &first, HOUR, Duration::ZERO);
        let second = sessions.attach("a", false, HOUR / 2);
        assert!(second.is_resumed);
        sessions.detach("a", &second, HOUR, HOUR);
        assert!(!sessions.attach("a", false, 2 * HOUR).is_resumed, "expired");
        let third = sessions.attach("b", false, Duration::ZERO);
        sessions.detach("b", &third, Duration::ZERO, Duration::ZERO);
        assert!(!sessions.attach("b", false, Duration::ZERO).is_resumed, "without expiry");
    }

    #[test]
    fn absent_sessions_are_bounded_and_present_ones_stay() {
        let mut sessions = sessions(3);
        let present = sessions.attach("present", false, Duration::ZERO);
        for number in 0..100_u32 {
            let name = format!("absent-{number}");
            let attached = sessions.attach(&name, false, Duration::ZERO);
            sessions.detach(&name, &attached, HOUR + Duration::from_secs(number.into()), Duration::ZERO);
        }
        assert!(sessions.by_client.len() <= 3 && is_current(&present));
        assert!(sessions.attach("absent-99", false, Duration::ZERO).is_resumed, "the last to expire is kept");
    }
}
