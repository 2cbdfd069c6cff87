//! Verified tokens, so that the signature of each is checked once. Bounded; the tokens themselves are not kept.

use std::sync::Arc;

use rate::Lru;

use crate::caller::Caller;
use crate::key_set::KeySet;
use crate::{Hash, hash};

/// Whose tokens were accepted, by the hash of the token. An entry ends with its token, and all of them end when the keys
/// change: a key that its provider withdrew holds for no token any more.
#[derive(Debug)]
pub struct TokenCache {
    most: usize,
    callers: Lru<Option<Arc<Caller>>>,
    /// The keys that they were verified with.
    keys: Arc<KeySet>,
}

impl TokenCache {
    /// Empty, for at most so many tokens.
    pub fn new(most: usize) -> Self {
        Self { most, callers: Lru::new(most), keys: Arc::default() }
    }

    /// The caller of a token that was verified with these keys and is still accepted.
    pub fn get(&mut self, token: &str, keys: &Arc<KeySet>, now_s: u64) -> Option<Arc<Caller>> {
        self.keep_up_with(keys);
        // A look adds no entry: unknown tokens evict none.
        let slot = self.callers.get(&hash(token))?;
        *slot = slot.take().filter(|caller| caller.is_accepted(now_s));
        slot.clone()
    }

    /// Remembers a token that was verified with these keys.
    pub fn insert(&mut self, token: &str, keys: &Arc<KeySet>, caller: Arc<Caller>) {
        self.keep_up_with(keys);
        let key: Hash = hash(token);
        *self.callers.touch(&key).0 = Some(caller);
    }

    fn keep_up_with(&mut self, keys: &Arc<KeySet>) {
        if !Arc::ptr_eq(&self.keys, keys) {
            self.keys = keys.clone();
            self.callers = Lru::new(self.most);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caller::{Credential, Pilot};
    use crate::scope::Scopes;

    fn caller(subject: &str, accepted_until_s: u64) -> Arc<Caller> {
        Arc::new(Caller {
            subject: subject.to_owned(),
            name: None,
            roles: Vec::new(),
            credential: Credential::Token,
            scopes: Scopes::PUBLIC,
            company: None,
            devices: Vec::new(),
            pilot: Pilot::default(),
            session: None,
            expires_at_s: Some(accepted_until_s),
            accepted_until_s: Some(accepted_until_s),
        })
    }

    #[test]
    fn a_token_is_remembered_until_it_expires() {
        let (mut cache, keys) = (TokenCache::new(10), Arc::new(KeySet::default()));
        cache.insert("token", &keys, caller("ada", 100));
        assert_eq!(cache.get("token", &keys, 99).unwrap().subject, "ada");
        assert!(cache.get("other", &keys, 99).is_none());
        assert!(cache.get("token", &keys, 100).is_none(), "expired");
        assert!(cache.get("token", &keys, 50).is_none(), "and not accepted again when a clock is set back");
    }

    #[test]
    fn other_keys_end_all_entries() {
        let (mut cache, keys) = (TokenCache::new(10), Arc::new(KeySet::default()));
        cache.insert("token", &keys, caller("ada", 100));
        let rotated = Arc::new(KeySet::default());
        assert!(cache.get("token", &rotated, 1).is_none());
        assert!(cache.get("token", &keys, 1).is_none(), "also where the old keys come back");
    }

    #[test]
    fn unknown_tokens_evict_none() {
        let (mut cache, keys) = (TokenCache::new(2), Arc::new(KeySet::default()));
        cache.insert("one", &keys, caller("one", 100));
        cache.insert("two", &keys, caller("two", 100));
        assert!((0..100).all(|number| cache.get(&format!("made up {number}"), &keys, 1).is_none()));
        assert!(cache.get("one", &keys, 1).is_some());
        cache.insert("three", &keys, caller("three", 100));
        assert!(cache.get("two", &keys, 1).is_none(), "the least recently used made room");
        assert!(cache.get("one", &keys, 1).is_some());
    }
}
