//! HTTP connections and the memory that each holds for its client, limited per connection and in total. Pure.
//!
//! A server has to buffer the responses that its clients do not read. When the memory limit is reached, the table
//! evicts the connections that hold the most memory and have made no progress for a while, so that clients that read
//! are served. The number of connections is limited too: beyond the limit, the table evicts the connection that was
//! idle longest.

use std::time::Duration;

use slab::Slab;

/// A connection without progress for this time may be evicted when its memory is needed.
const STALLED: Duration = Duration::from_secs(1);

/// Limits of a process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConnectionLimits {
    /// Open connections.
    pub(crate) connections: usize,
    /// Memory of all connections.
    pub(crate) bytes: u64,
    /// Memory of one connection that has several requests; a single response may be larger.
    pub(crate) connection_bytes: u64,
}

/// Which limit is reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum LimitError {
    /// The number of connections, and all of them are busy.
    #[error("this server has as many connections as it may have, and all are busy: connect again later")]
    Connections,
    /// The memory of this connection.
    #[error("this connection has too many unread responses: read them, then repeat the request")]
    ConnectionMemory,
    /// The memory of all connections.
    #[error("this server has too many unread responses: repeat the request after the seconds of Retry-After")]
    TotalMemory,
}

impl LimitError {
    /// Metric label and code of the problem document.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Connections => "connections",
            Self::ConnectionMemory => "unread_answers",
            Self::TotalMemory => "busy",
        }
    }
}

/// All connections. `C` is the handle with which the caller closes an evicted connection.
#[derive(Debug)]
pub(super) struct ConnectionTable<C> {
    limits: ConnectionLimits,
    entries: Slab<Entry<C>>,
    bytes: u64,
}

#[derive(Debug)]
struct Entry<C> {
    bytes: u64,
    requests: usize,
    /// When the client last read something, or sent a request while it held no memory.
    progressed_at: Duration,
    is_evicted: bool,
    handle: C,
}

impl<C: Clone> ConnectionTable<C> {
    pub(super) fn new(limits: ConnectionLimits) -> Self {
        Self { limits, entries: Slab::new(), bytes: 0 }
    }

    /// Adds a connection. Returns its key, and the connection that is evicted for it.
    ///
    /// # Errors
    /// [`LimitError::Connections`].
    pub(super) fn insert(&mut self, handle: C, now: Duration) -> Result<(usize, Option<C>), LimitError> {
        let mut evicted = None;
        if self.entries.iter().filter(|(_, entry)| !entry.is_evicted).count() >= self.limits.connections {
            let is_evictable = |entry: &Entry<C>| !entry.is_evicted && (entry.requests == 0 || entry.is_stalled(now));
            let evictable = self.entries.iter().filter(|(_, entry)| is_evictable(entry));
            let longest_idle = evictable.min_by_key(|(_, entry)| (entry.requests > 0, entry.progressed_at));
            let (key, _) = longest_idle.ok_or(LimitError::Connections)?;
            evicted = Some(self.evict(key));
        }
        let entry = Entry { bytes: 0, requests: 0, progressed_at: now, is_evicted: false, handle };
        Ok((self.entries.insert(entry), evicted))
    }

    /// Removes a connection that has ended.
    pub(super) fn remove(&mut self, key: usize) {
        if let Some(entry) = self.entries.try_remove(key)
            && !entry.is_evicted
        {
            self.bytes -= entry.bytes;
        }
    }

    /// Counts a request that begins.
    pub(super) fn start_request(&mut self, key: usize) {
        if let Some(entry) = self.entries.get_mut(key) {
            entry.requests += 1;
        }
    }

    /// Counts a request whose response is sent.
    pub(super) fn end_request(&mut self, key: usize) {
        if let Some(entry) = self.entries.get_mut(key) {
            entry.requests = entry.requests.saturating_sub(1);
        }
    }

    /// Reserves memory for a connection. Returns the connections that are evicted for it.
    ///
    /// # Errors
    /// [`LimitError::ConnectionMemory`]; [`LimitError::TotalMemory`] where too few connections are stalled.
    pub(super) fn reserve(&mut self, key: usize, bytes: u64, now: Duration) -> Result<Vec<C>, LimitError> {
        let entry = self.entries.get(key).filter(|entry| !entry.is_evicted).ok_or(LimitError::TotalMemory)?;
        if entry.requests > 1 && entry.bytes + bytes > self.limits.connection_bytes {
            return Err(LimitError::ConnectionMemory);
        }
        let mut missing = (self.bytes + bytes).saturating_sub(self.limits.bytes);
        let mut evicted = Vec::new();
        if missing > 0 {
            let is_evictable = |(other, entry): &(usize, &Entry<C>)| {
                *other != key && !entry.is_evicted && entry.bytes > 0 && entry.is_stalled(now)
            };
            let mut stalled: Vec<(usize, u64)> =
                self.entries.iter().filter(is_evictable).map(|(other, entry)| (other, entry.bytes)).collect();
            if stalled.iter().map(|(_, bytes)| bytes).sum::<u64>() < missing {
                return Err(LimitError::TotalMemory);
            }
            stalled.sort_unstable_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
            for (other, bytes) in stalled {
                evicted.push(self.evict(other));
                missing = missing.saturating_sub(bytes);
                if missing == 0 {
                    break;
                }
            }
        }
        let entry = &mut self.entries[key];
        if entry.bytes == 0 {
            entry.progressed_at = now;
        }
        entry.bytes += bytes;
        self.bytes += bytes;
        Ok(evicted)
    }

    /// Records that the client of a connection read something.
    pub(super) fn record_progress(&mut self, key: usize, now: Duration) {
        if let Some(entry) = self.entries.get_mut(key) {
            entry.progressed_at = now;
        }
    }

    /// Releases reserved memory of a connection.
    pub(super) fn release(&mut self, key: usize, bytes: u64) {
        if let Some(entry) = self.entries.get_mut(key)
            && !entry.is_evicted
        {
            entry.bytes -= bytes;
            self.bytes -= bytes;
        }
    }

    /// The number of connections and their memory.
    pub(super) fn totals(&self) -> (usize, u64) {
        (self.entries.len(), self.bytes)
    }

    /// The memory of an evicted connection does not count any more: the connection is about to close.
    fn evict(&mut self, key: usize) -> C {
        let entry = &mut self.entries[key];
        entry.is_evicted = true;
        self.bytes -= entry.bytes;
        entry.handle.clone()
    }
}

impl<C> Entry<C> {
    fn is_stalled(&self, now: Duration) -> bool {
        now.saturating_sub(self.progressed_at) >= STALLED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: ConnectionLimits = ConnectionLimits { connections: 3, bytes: 100, connection_bytes: 60 };

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    /// Three connections, 0 to 2.
    fn three() -> ConnectionTable<usize> {
        let mut table = ConnectionTable::new(LIMITS);
        (0..3).for_each(|key| assert_eq!(table.insert(key, at(key as u64)), Ok((key, None))));
        table
    }

    #[test]
    fn one_connection_cannot_take_all_memory() {
        let mut table = three();
        table.start_request(0);
        assert_eq!(table.reserve(0, 70, at(10)), Ok(vec![]), "a single response may be larger");
        table.start_request(0);
        assert_eq!(table.reserve(0, 1, at(10)), Err(LimitError::ConnectionMemory));
        table.release(0, 70);
        assert_eq!(table.reserve(0, 60, at(10)), Ok(vec![]));
    }

    #[test]
    fn the_largest_stalled_connection_is_evicted() {
        let mut table = three();
        assert_eq!(table.reserve(0, 40, at(0)), Ok(vec![]));
        assert_eq!(table.reserve(1, 50, at(0)), Ok(vec![]));
        assert_eq!(table.reserve(2, 20, at(999)), Err(LimitError::TotalMemory), "no connection is stalled yet");
        assert_eq!(table.reserve(2, 20, at(1_000)), Ok(vec![1]));
        assert_eq!(table.totals(), (3, 60));
        table.release(1, 50);
        table.remove(1);
        assert_eq!(table.totals(), (2, 60), "the memory of an evicted connection is released once");
        table.record_progress(0, at(1_500));
        table.release(2, 20);
        assert_eq!(table.reserve(2, 61, at(2_000)), Err(LimitError::TotalMemory), "the other connection progresses");
    }

    #[test]
    fn the_longest_idle_connection_is_evicted() {
        let mut table = three();
        table.start_request(0);
        assert_eq!(table.insert(3, at(500)), Ok((3, Some(1))));
        (2..4).for_each(|key| table.start_request(key));
        assert_eq!(table.insert(4, at(600)), Err(LimitError::Connections), "all are busy");
        assert_eq!(table.insert(4, at(1_000)), Ok((4, Some(0))), "one of them is stalled");
        table.remove(1);
        table.remove(0);
        assert_eq!(table.totals(), (3, 0));
    }
}
