//! The open WebSockets of this instance, as operators and other instances read them.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, OnceLock};

use schemas::v1::ConnectionView;

use crate::socket::Shards;

/// Connections of one instance in a list.
const MOST: usize = 1_000;

/// The connections of this instance.
#[derive(Clone)]
pub(crate) struct ConnectionLister {
    /// The name of this process, new at each start.
    pub(crate) instance: Arc<str>,
    shards: Arc<OnceLock<Arc<Shards>>>,
}

impl ConnectionLister {
    /// There are none yet.
    pub(crate) fn new() -> Self {
        let random = RandomState::new().hash_one(std::process::id());
        Self { instance: format!("{random:016x}").into(), shards: Arc::default() }
    }

    /// From now on these shards have them.
    pub(crate) fn begin(&self, shards: Arc<Shards>) {
        // They are started once.
        let _ = self.shards.set(shards);
    }

    /// The connections, those with credentials first, at most 1,000.
    pub(crate) async fn list(&self) -> Vec<ConnectionView> {
        let Some(shards) = self.shards.get() else { return Vec::new() };
        let mut connections = shards.list(MOST).await;
        for connection in &mut connections {
            connection.instance = self.instance.to_string();
        }
        connections
    }
}
