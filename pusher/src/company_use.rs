//! How many WebSockets and subscriptions to fleets the companies have.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

/// Counts by company. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct CompanyUse(Arc<Mutex<Counts>>);

/// By company and kind of use.
type Counts = HashMap<(Arc<str>, Use), usize>;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Use {
    /// WebSockets of its people.
    Connection,
    /// WebSockets that subscribe to one of its fleets.
    Subscription,
}

/// One of a company's uses; dropping it ends it.
#[derive(Debug)]
pub(crate) struct UsePermit {
    company_use: CompanyUse,
    key: (Arc<str>, Use),
}

impl CompanyUse {
    /// Counts one more. `None`: there are `most` already.
    pub(crate) fn take(&self, company: &str, what: Use, most: usize) -> Option<UsePermit> {
        let key = (Arc::from(company), what);
        let mut counts = self.0.lock();
        let count = counts.get(&key).copied().unwrap_or_default();
        if count >= most {
            return None;
        }
        counts.insert(key.clone(), count + 1);
        drop(counts);
        Some(UsePermit { company_use: self.clone(), key })
    }
}

impl Drop for UsePermit {
    fn drop(&mut self) {
        let mut counts = self.company_use.0.lock();
        if let Some(count) = counts.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_use_counts_until_it_is_dropped() {
        let company_use = CompanyUse::default();
        let take = |company, what| company_use.take(company, what, 2);
        let held = [take("club", Use::Connection), take("club", Use::Connection)];
        assert!(held.iter().all(Option::is_some) && take("club", Use::Connection).is_none());
        assert!(take("club", Use::Subscription).is_some() && take("school", Use::Connection).is_some());
        drop(held);
        assert!(take("club", Use::Connection).is_some());
        assert!(company_use.0.lock().is_empty(), "nothing is held");
    }
}
