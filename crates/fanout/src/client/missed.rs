//! What a client was not told while its line was full: names, not messages, so that it gets the newest state and the
//! memory has a bound.

use rustc_hash::FxHashMap;

use crate::compose::News;
use crate::view::ObjectId;

/// Beyond so many objects it is cheaper, and bounded, to tell everything again.
const MAX_OBJECTS: usize = 512;

#[derive(Debug, Default)]
pub(super) struct Missed {
    news: FxHashMap<ObjectId, bool>,
    too_much: bool,
}

impl Missed {
    pub(super) fn add(&mut self, news: impl IntoIterator<Item = News>) {
        for News { id, named } in news {
            if self.too_much {
                return;
            }
            *self.news.entry(id).or_default() |= named;
            if self.news.len() > MAX_OBJECTS {
                self.too_much = true;
                self.news = FxHashMap::default();
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.news.is_empty() && !self.too_much
    }

    pub(super) fn is_too_much(&self) -> bool {
        self.too_much
    }

    /// Takes all news out, and gives their memory back: a client is rarely behind.
    pub(super) fn take(&mut self) -> impl Iterator<Item = News> + use<> {
        std::mem::take(&mut self.news).into_iter().map(|(id, named)| News { id, named })
    }
}
