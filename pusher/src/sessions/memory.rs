//! Sessions of one process. They end with it.

use std::collections::HashMap;
use std::sync::Arc;

use access::session::Session;
use parking_lot::Mutex;
use rate::Lru;

/// Sessions in all. The one that ends first makes room.
const MAX_SESSIONS: usize = 10_000;
/// One-time secrets that are remembered as used.
const MAX_SPENT: usize = 10_000;

/// Sessions, and one-time secrets that were used.
pub(super) struct Memory {
    sessions: Mutex<HashMap<Arc<str>, Session>>,
    spent: Mutex<Lru<bool>>,
    /// Sessions that one key may have.
    max_per_key: usize,
}

impl Memory {
    pub(super) fn new(max_per_key: usize) -> Self {
        Self { sessions: Mutex::default(), spent: Mutex::new(Lru::new(MAX_SPENT)), max_per_key }
    }

    pub(super) fn add(&self, id: &Arc<str>, session: &Session, now_s: u64) -> Vec<Arc<str>> {
        let mut sessions = self.sessions.lock();
        sessions.retain(|_, known| known.ends_at_s() > now_s);
        sessions.insert(id.clone(), session.clone());
        let mut ended = Vec::new();
        let of_key = |known: &Session| known.key_id == session.key_id;
        if sessions.values().filter(|known| of_key(known)).count() > self.max_per_key {
            ended.extend(first_to_end(&sessions, id, of_key));
        } else if sessions.len() > MAX_SESSIONS {
            ended.extend(first_to_end(&sessions, id, |_| true));
        }
        for id in &ended {
            sessions.remove(id);
        }
        ended
    }

    pub(super) fn find(&self, id: &str) -> Option<Session> {
        self.sessions.lock().get(id).cloned()
    }

    pub(super) fn replace(&self, id: &str, before: &Session, after: &Session) -> bool {
        match self.sessions.lock().get_mut(id).filter(|known| *known == before) {
            Some(known) => {
                *known = after.clone();
                true
            }
            None => false,
        }
    }

    pub(super) fn end(&self, id: &str) {
        self.sessions.lock().remove(id);
    }

    pub(super) fn is_spent(&self, key_id: &str) -> bool {
        self.spent.lock().get(key_id.as_bytes()).is_some()
    }

    pub(super) fn spend(&self, key_id: &str) -> bool {
        !std::mem::replace(self.spent.lock().touch(key_id.as_bytes()).0, true)
    }
}

/// The one among others than `new` that ends first.
fn first_to_end(
    sessions: &HashMap<Arc<str>, Session>,
    new: &Arc<str>,
    is_among: impl Fn(&Session) -> bool,
) -> Option<Arc<str>> {
    let others = sessions.iter().filter(|(id, session)| *id != new && is_among(session));
    others.min_by_key(|(_, session)| session.ends_at_s()).map(|(id, _)| id.clone())
}

#[cfg(test)]
mod tests {
    use access::session::{RefreshToken, session_id};

    use super::*;

    const NOW_S: u64 = 1_800_000_000;

    fn session(number: u8, key_id: &str, at_s: u64) -> (Arc<str>, Session) {
        let id = session_id(&[number; 16]);
        let (_, first) = RefreshToken::make(id.clone(), &[number; 32]);
        (id, Session::new(key_id, &first, at_s))
    }

    #[test]
    fn the_oldest_session_of_a_key_makes_room() {
        let memory = Memory::new(2);
        let (other, of_other) = session(9, "bob", NOW_S);
        assert!(memory.add(&other, &of_other, NOW_S).is_empty());
        let ids: Vec<_> = (1..=3_u8)
            .map(|number| {
                let at_s = NOW_S + u64::from(number);
                let (id, session) = session(number, "ada", at_s);
                (id.clone(), memory.add(&id, &session, at_s))
            })
            .collect();
        assert_eq!((ids[0].1.len(), ids[1].1.len()), (0, 0));
        assert_eq!(ids[2].1, [ids[0].0.clone()]);
        assert!(memory.find(&ids[0].0).is_none() && memory.find(&ids[2].0).is_some() && memory.find(&other).is_some());
    }

    #[test]
    fn a_session_is_replaced_once() {
        let memory = Memory::new(2);
        let (id, before) = session(1, "ada", NOW_S);
        memory.add(&id, &before, NOW_S);
        let after = before.refreshed(&RefreshToken::make(id.clone(), &[7; 32]).1, NOW_S + 1);
        assert!(memory.replace(&id, &before, &after) && !memory.replace(&id, &before, &after));
        memory.end(&id);
        assert!(!memory.replace(&id, &after, &before) && memory.find(&id).is_none());
    }

    #[test]
    fn a_secret_is_spent_once() {
        let memory = Memory::new(2);
        assert!(!memory.is_spent("ada") && memory.spend("ada") && !memory.spend("ada") && memory.is_spent("ada"));
    }
}
