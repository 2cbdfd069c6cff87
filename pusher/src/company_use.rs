//! How many WebSockets and subscriptions to fleets the companies have: here, and at the other instances as they last wrote it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use parking_lot::Mutex;

/// Counts by company. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct CompanyUse(Arc<Mutex<Instances>>);

/// The counts of this instance, and the sums of the others.
#[derive(Debug, Default)]
struct Instances {
    here: Counts,
    elsewhere: Counts,
}

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

/// What one instance writes for the others: connections and subscriptions by company.
pub(crate) type WrittenUse = BTreeMap<String, (usize, usize)>;

/// One of a company's uses; dropping it ends it.
#[derive(Debug)]
pub(crate) struct UsePermit {
    company_use: CompanyUse,
    key: (Arc<str>, Use),
}

impl CompanyUse {
    /// Counts one more. `None`: all instances together have `most` already.
    pub(crate) fn take(&self, company: &str, what: Use, most: usize) -> Option<UsePermit> {
        let key = (Arc::from(company), what);
        let mut instances = self.0.lock();
        let Instances { here, elsewhere } = &mut *instances;
        let others = elsewhere.get(&key).copied().unwrap_or_default();
        let count = here.entry(key.clone()).or_default();
        if count.saturating_add(others) >= most {
            if *count == 0 {
                here.remove(&key);
            }
            return None;
        }
        *count += 1;
        drop(instances);
        Some(UsePermit { company_use: self.clone(), key })
    }

    /// What this instance has.
    pub(crate) fn here(&self) -> WrittenUse {
        let mut written = WrittenUse::new();
        for ((company, what), count) in &self.0.lock().here {
            let (connections, subscriptions) = written.entry(company.to_string()).or_default();
            match what {
                Use::Connection => *connections = *count,
                Use::Subscription => *subscriptions = *count,
            }
        }
        written
    }

    /// Takes what the other instances have, in place of what they had.
    pub(crate) fn set_elsewhere(&self, others: impl IntoIterator<Item = WrittenUse>) {
        let mut elsewhere = Counts::new();
        for (company, (connections, subscriptions)) in others.into_iter().flatten() {
            let company: Arc<str> = company.into();
            for (what, count) in [(Use::Connection, connections), (Use::Subscription, subscriptions)] {
                let sum: &mut usize = elsewhere.entry((company.clone(), what)).or_default();
                *sum = sum.saturating_add(count);
            }
        }
        self.0.lock().elsewhere = elsewhere;
    }
}

impl Drop for UsePermit {
    fn drop(&mut self) {
        let mut instances = self.company_use.0.lock();
        let here = &mut instances.here;
        if let Some(count) = here.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                here.remove(&self.key);
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
        assert!(company_use.here().is_empty(), "nothing is held");
    }

    #[test]
    fn all_instances_share_a_limit() {
        let (one, two, three) = (CompanyUse::default(), CompanyUse::default(), CompanyUse::default());
        let _held = [one.take("club", Use::Connection, 3), two.take("club", Use::Connection, 3)];
        let _also = two.take("club", Use::Subscription, 1);
        three.set_elsewhere([one.here(), two.here()]);
        assert!(three.take("club", Use::Subscription, 1).is_none() && three.here().is_empty());
        let last = three.take("club", Use::Connection, 3);
        assert!(last.is_some() && three.take("club", Use::Connection, 3).is_none());
        // While they do not write, each has the limit for itself.
        three.set_elsewhere([]);
        assert!(three.take("club", Use::Connection, 3).is_some());
    }
}
