//! What connections hold in memory for their clients: bounded for each and for all. Pure.
//!
//! A client that does not read its answers makes the server hold them. Each connection may hold so much, and all of them so
//! much. When that is used up, the connections that hold most and took nothing for a while are closed, so that clients that read
//! are answered. The number of connections is bounded in the same way: the one that has been idle longest makes room.

use std::time::Duration;

use slab::Slab;

/// A connection that took nothing for so long is cut when its memory is needed.
const STALLED: Duration = Duration::from_secs(1);

/// Bounds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HolderLimits {
    /// Open connections.
    pub(crate) connections: usize,
    /// Held for all connections.
    pub(crate) bytes: u64,
    /// Held for one connection with more than one request; a single answer may be larger.
    pub(crate) connection_bytes: u64,
}

/// Why there is no room.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Full {
    /// There are too many connections, and all of them are busy.
    #[error("all connections that this server may hold are busy: connect again later")]
    Connections,
    /// The connection holds too much.
    #[error("this connection holds too many unread answers: read them, then ask again")]
    Connection,
    /// All together hold too much.
    #[error("this server holds as many unread answers as it may: ask again after the seconds of Retry-After")]
    All,
}

impl Full {
    /// The code: metric label, and code of the problem.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Connections => "connections",
            Self::Connection => "unread_answers",
            Self::All => "busy",
        }
    }
}

/// All connections; each with what cuts it.
#[derive(Debug)]
pub(super) struct Holders<C> {
    limits: HolderLimits,
    holders: Slab<Holder<C>>,
    bytes: u64,
}

#[derive(Debug)]
struct Holder<C> {
    bytes: u64,
    requests: usize,
    /// When it last took something, or asked for something while it held nothing.
    moved_at: Duration,
    is_cut: bool,
    cut: C,
}

impl<C: Clone> Holders<C> {
    pub(super) fn new(limits: HolderLimits) -> Self {
        Self { limits, holders: Slab::new(), bytes: 0 }
    }

    /// Takes a connection in; also given: the one to cut for it.
    ///
    /// # Errors
    /// All are busy.
    pub(super) fn join(&mut self, cut: C, now: Duration) -> Result<(usize, Option<C>), Full> {
        let mut makes_room = None;
        if self.holders.iter().filter(|(_, holder)| !holder.is_cut).count() >= self.limits.connections {
            let may_go = |holder: &Holder<C>| !holder.is_cut && (holder.requests == 0 || holder.is_stalled(now));
            let longest = self.holders.iter().filter(|(_, holder)| may_go(holder));
            let (key, _) =
                longest.min_by_key(|(_, holder)| (holder.requests > 0, holder.moved_at)).ok_or(Full::Connections)?;
            makes_room = Some(self.cut(key));
        }
        let key = self.holders.insert(Holder { bytes: 0, requests: 0, moved_at: now, is_cut: false, cut });
        Ok((key, makes_room))
    }

    /// A connection has ended.
    pub(super) fn leave(&mut self, key: usize) {
        if let Some(holder) = self.holders.try_remove(key)
            && !holder.is_cut
        {
            self.bytes -= holder.bytes;
        }
    }

    /// A request begins (true) or is done.
    pub(super) fn request(&mut self, key: usize, begins: bool) {
        if let Some(holder) = self.holders.get_mut(key) {
            holder.requests = if begins { holder.requests + 1 } else { holder.requests.saturating_sub(1) };
        }
    }

    /// Holds more for a connection; given: the connections to cut for it.
    ///
    /// # Errors
    /// The connection holds too much, or all do and none is stalled.
    pub(super) fn hold(&mut self, key: usize, bytes: u64, now: Duration) -> Result<Vec<C>, Full> {
        let holder = self.holders.get(key).filter(|holder| !holder.is_cut).ok_or(Full::All)?;
        if holder.requests > 1 && holder.bytes + bytes > self.limits.connection_bytes {
            return Err(Full::Connection);
        }
        let mut missing = (self.bytes + bytes).saturating_sub(self.limits.bytes);
        let mut cut = Vec::new();
        if missing > 0 {
            let stalled = |(other, holder): &(usize, &Holder<C>)| {
                *other != key && !holder.is_cut && holder.bytes > 0 && holder.is_stalled(now)
            };
            let mut stalled: Vec<(usize, u64)> =
                self.holders.iter().filter(stalled).map(|(other, holder)| (other, holder.bytes)).collect();
            if stalled.iter().map(|(_, bytes)| bytes).sum::<u64>() < missing {
                return Err(Full::All);
            }
            stalled.sort_unstable_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
            for (other, bytes) in stalled {
                cut.push(self.cut(other));
                missing = missing.saturating_sub(bytes);
                if missing == 0 {
                    break;
                }
            }
        }
        let holder = &mut self.holders[key];
        if holder.bytes == 0 {
            holder.moved_at = now;
        }
        holder.bytes += bytes;
        self.bytes += bytes;
        Ok(cut)
    }

    /// A connection took something.
    pub(super) fn moved(&mut self, key: usize, now: Duration) {
        if let Some(holder) = self.holders.get_mut(key) {
            holder.moved_at = now;
        }
    }

    /// A connection holds less.
    pub(super) fn release(&mut self, key: usize, bytes: u64) {
        if let Some(holder) = self.holders.get_mut(key)
            && !holder.is_cut
        {
            holder.bytes -= bytes;
            self.bytes -= bytes;
        }
    }

    /// How many there are, and what they hold.
    pub(super) fn totals(&self) -> (usize, u64) {
        (self.holders.len(), self.bytes)
    }

    /// What it holds counts no more: it is on its way out.
    fn cut(&mut self, key: usize) -> C {
        let holder = &mut self.holders[key];
        holder.is_cut = true;
        self.bytes -= holder.bytes;
        holder.cut.clone()
    }
}

impl<C> Holder<C> {
    fn is_stalled(&self, now: Duration) -> bool {
        now.saturating_sub(self.moved_at) >= STALLED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: HolderLimits = HolderLimits { connections: 3, bytes: 100, connection_bytes: 60 };

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    /// Three connections, 0 to 2.
    fn three() -> Holders<usize> {
        let mut holders = Holders::new(LIMITS);
        (0..3).for_each(|key| assert_eq!(holders.join(key, at(key as u64)), Ok((key, None))));
        holders
    }

    #[test]
    fn one_connection_cannot_take_all() {
        let mut holders = three();
        holders.request(0, true);
        assert_eq!(holders.hold(0, 70, at(10)), Ok(vec![]), "a single answer may be larger");
        holders.request(0, true);
        assert_eq!(holders.hold(0, 1, at(10)), Err(Full::Connection));
        holders.release(0, 70);
        assert_eq!(holders.hold(0, 60, at(10)), Ok(vec![]));
    }

    #[test]
    fn who_holds_most_and_takes_nothing_is_cut() {
        let mut holders = three();
        assert_eq!(holders.hold(0, 40, at(0)), Ok(vec![]));
        assert_eq!(holders.hold(1, 50, at(0)), Ok(vec![]));
        assert_eq!(holders.hold(2, 20, at(999)), Err(Full::All), "nobody is stalled yet");
        assert_eq!(holders.hold(2, 20, at(1_000)), Ok(vec![1]));
        assert_eq!(holders.totals(), (3, 60));
        holders.release(1, 50);
        holders.leave(1);
        assert_eq!(holders.totals(), (2, 60), "what was cut is given back once");
        holders.moved(0, at(1_500));
        holders.release(2, 20);
        assert_eq!(holders.hold(2, 61, at(2_000)), Err(Full::All), "the other one takes what it asked for");
    }

    #[test]
    fn the_longest_idle_connection_makes_room() {
        let mut holders = three();
        holders.request(0, true);
        assert_eq!(holders.join(3, at(500)), Ok((3, Some(1))));
        (2..4).for_each(|key| holders.request(key, true));
        assert_eq!(holders.join(4, at(600)), Err(Full::Connections), "all are busy");
        assert_eq!(holders.join(4, at(1_000)), Ok((4, Some(0))), "one of them is stalled");
        holders.leave(1);
        holders.leave(0);
        assert_eq!(holders.totals(), (3, 0));
    }
}
