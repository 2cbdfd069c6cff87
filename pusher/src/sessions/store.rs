//! Where sessions are kept: in Redis for all instances, or, without one, in this process.

use std::sync::Arc;

use access::session::Session;

use super::memory::Memory;
use super::no_store::NoStore;
use super::shared::Shared;

/// Sessions that one key may have; the oldest makes room.
pub(super) const MAX_OF_KEY: usize = 100;

/// Sessions, and one-time secrets that were used.
pub(super) enum Store {
    Memory(Memory),
    Shared(Shared),
}

impl Store {
    /// Adds a new session, and answers with those that made room for it.
    ///
    /// # Errors
    /// [`NoStore`].
    pub(super) async fn add(&self, id: &Arc<str>, session: &Session, now_s: u64) -> Result<Vec<Arc<str>>, NoStore> {
        match self {
            Self::Memory(memory) => Ok(memory.add(id, session, now_s)),
            Self::Shared(shared) => shared.add(id, session, now_s).await,
        }
    }

    /// A session that has not ended.
    ///
    /// # Errors
    /// [`NoStore`].
    pub(super) async fn find(&self, id: &str) -> Result<Option<Session>, NoStore> {
        match self {
            Self::Memory(memory) => Ok(memory.find(id)),
            Self::Shared(shared) => shared.find(id).await,
        }
    }

    /// Replaces a session. False: it is another one by now, or has ended.
    ///
    /// # Errors
    /// [`NoStore`].
    pub(super) async fn replace(
        &self,
        id: &str,
        before: &Session,
        after: &Session,
        now_s: u64,
    ) -> Result<bool, NoStore> {
        match self {
            Self::Memory(memory) => Ok(memory.replace(id, before, after)),
            Self::Shared(shared) => shared.replace(id, before, after, now_s).await,
        }
    }

    /// Ends a session of a key, for all instances.
    ///
    /// # Errors
    /// [`NoStore`].
    pub(super) async fn end(&self, id: &str, key_id: &str) -> Result<(), NoStore> {
        match self {
            Self::Memory(memory) => {
                memory.end(id);
                Ok(())
            }
            Self::Shared(shared) => shared.end(id, key_id).await,
        }
    }

    /// Whether a one-time secret was used.
    ///
    /// # Errors
    /// [`NoStore`].
    pub(super) async fn is_spent(&self, key_id: &str) -> Result<bool, NoStore> {
        match self {
            Self::Memory(memory) => Ok(memory.is_spent(key_id)),
            Self::Shared(shared) => shared.is_spent(key_id).await,
        }
    }

    /// Marks a one-time secret as used. False: it was.
    ///
    /// # Errors
    /// [`NoStore`].
    pub(super) async fn spend(&self, key_id: &str, until_s: u64, now_s: u64) -> Result<bool, NoStore> {
        match self {
            Self::Memory(memory) => Ok(memory.spend(key_id)),
            Self::Shared(shared) => shared.spend(key_id, until_s, now_s).await,
        }
    }

    /// Sessions that any instance has ended since the last look.
    ///
    /// # Errors
    /// [`NoStore`].
    pub(super) async fn ended(&self) -> Result<Vec<Arc<str>>, NoStore> {
        match self {
            Self::Memory(_) => Ok(Vec::new()),
            Self::Shared(shared) => shared.ended().await,
        }
    }
}
