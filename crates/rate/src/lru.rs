//! The most recently used of many keys, with a value each. Bounded: beyond that the least recently used is evicted.

use std::collections::HashMap;

/// No slot.
const NONE: usize = usize::MAX;

/// An evicted key and its value.
pub type Dropped<V> = (Box<[u8]>, V);

/// A map of at most so many keys.
#[derive(Debug)]
pub struct Lru<V> {
    most: usize,
    /// Hashed with random keys: unauthenticated clients choose the keys.
    slots: HashMap<Box<[u8]>, usize>,
    entries: Vec<Entry<V>>,
    newest: usize,
    oldest: usize,
}

#[derive(Debug)]
struct Entry<V> {
    key: Box<[u8]>,
    value: V,
    newer: usize,
    older: usize,
}

impl<V: Default> Lru<V> {
    /// Empty; `most` is at least one.
    pub fn new(most: usize) -> Self {
        Self { most: most.max(1), slots: HashMap::new(), entries: Vec::new(), newest: NONE, oldest: NONE }
    }

    /// The value of a key, which is the most recently used now; and the key and value that were evicted for it.
    pub fn touch(&mut self, key: &[u8]) -> (&mut V, Option<Dropped<V>>) {
        if let Some(&slot) = self.slots.get(key) {
            if slot != self.newest {
                self.unlink(slot);
                self.link_newest(slot);
            }
            return (&mut self.entries[slot].value, None);
        }
        let fresh = Entry { key: key.into(), value: V::default(), newer: NONE, older: NONE };
        let (slot, dropped) = if self.entries.len() < self.most {
            self.entries.push(fresh);
            (self.entries.len() - 1, None)
        } else {
            let slot = self.oldest;
            self.unlink(slot);
            let Entry { key, value, .. } = std::mem::replace(&mut self.entries[slot], fresh);
            self.slots.remove(&key);
            (slot, Some((key, value)))
        };
        self.slots.insert(key.into(), slot);
        self.link_newest(slot);
        (&mut self.entries[slot].value, dropped)
    }

    /// The value of a key that is there, which is the most recently used now.
    pub fn get(&mut self, key: &[u8]) -> Option<&mut V> {
        if self.slots.contains_key(key) { Some(self.touch(key).0) } else { None }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    fn unlink(&mut self, slot: usize) {
        let (newer, older) = (self.entries[slot].newer, self.entries[slot].older);
        match newer {
            NONE => self.newest = older,
            newer => self.entries[newer].older = older,
        }
        match older {
            NONE => self.oldest = newer,
            older => self.entries[older].newer = newer,
        }
    }

    fn link_newest(&mut self, slot: usize) {
        (self.entries[slot].newer, self.entries[slot].older) = (NONE, self.newest);
        match self.newest {
            NONE => self.oldest = slot,
            newest => self.entries[newest].newer = slot,
        }
        self.newest = slot;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_least_recently_used_is_evicted() {
        let mut lru = Lru::<u32>::new(2);
        *lru.touch(b"a").0 = 1;
        *lru.touch(b"b").0 = 2;
        assert_eq!(*lru.touch(b"a").0, 1);
        let (value, dropped) = lru.touch(b"c");
        assert_eq!((*value, dropped), (0, Some((b"b".as_slice().into(), 2))));
        assert_eq!((*lru.touch(b"a").0, lru.len()), (1, 2));
    }

    #[test]
    fn a_look_adds_no_key() {
        let mut lru = Lru::<u32>::new(2);
        assert!(lru.get(b"a").is_none() && lru.is_empty());
        *lru.touch(b"a").0 = 1;
        lru.touch(b"b");
        assert_eq!(lru.get(b"a"), Some(&mut 1));
        assert_eq!(lru.touch(b"c").1, Some((b"b".as_slice().into(), 0)), "the look was a use");
    }

    proptest! {
        #[test]
        fn it_is_a_list_of_latest_uses(most in 1..6_usize, uses in prop::collection::vec(0..9_u8, 0..200)) {
            let mut lru = Lru::<u32>::new(most);
            // The newest last.
            let mut model: Vec<(u8, u32)> = Vec::new();
            for key in uses {
                let known = model.iter().position(|(other, _)| *other == key).map(|at| model.remove(at).1);
                let evicted = (known.is_none() && model.len() == most).then(|| model.remove(0));
                let (value, dropped) = lru.touch(&[key]);
                prop_assert_eq!(*value, known.unwrap_or_default());
                *value += 1;
                model.push((key, *value));
                let evicted = evicted.map(|(key, value)| ([key].as_slice().into(), value));
                prop_assert_eq!(dropped, evicted);
                prop_assert_eq!(lru.len(), model.len());
            }
        }
    }
}
