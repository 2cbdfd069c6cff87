//! Notifications of alerts and zone events: webhooks that are called, browsers that show them.
//!
//! ```text
//! alerts, zone events --member--> messages (fanet.notification.v1) --deliverer--> targets
//!                        |                                            |
//!                        +- commit                                    +- outcome: audit trail, fanet.notification.v1
//! ```
//!
//! All instances are members of one consumer group: the owner of a partition makes its messages and delivers them. A message
//! is in the log before the offset of its event is committed, and its outcome is after the attempt: a process that ends
//! loses none, and may send one twice, with the same id. [`notify::Outbox`] decides when which one is tried.

mod address;
mod client;
mod deliverer;
mod key_file;
mod member;
mod metrics;
mod public_picture;
mod request;
mod targets;

use std::sync::Arc;

use runtime::{Clock, Tasks};
use schemas::v1::Account;

pub(crate) use self::deliverer::{Deliverer, Parts};
pub(crate) use self::member::NotifyMember;
pub(crate) use self::metrics::NotifyMetrics;
pub(crate) use self::public_picture::PublicPicture;
pub(crate) use self::targets::{Target, Targets, browser_key, webhook_key};

/// Who gets notifications, and what delivers them.
pub(crate) struct Notifications {
    pub(crate) targets: Arc<Targets>,
    /// `None`: no keys are set.
    pub(crate) deliverer: Option<Arc<Deliverer>>,
}

impl Notifications {
    /// Applies a record of `fanet.account.v1`.
    pub(crate) fn apply(&self, record: &Account) {
        self.targets.apply(record);
        self.measure();
    }

    /// Applies a tombstone of it.
    pub(crate) fn end(&self, key: &str) {
        self.targets.remove(key);
        self.measure();
    }

    fn measure(&self) {
        if let Some(deliverer) = &self.deliverer {
            deliverer.parts().metrics.targets.set(self.targets.len() as i64);
        }
    }

    /// Reads the file of keys again when it changes.
    pub(crate) fn spawn(&self, tasks: &mut Tasks, clock: &Clock) {
        if let Some(deliverer) = &self.deliverer {
            let (keys, clock) = (deliverer.keys().clone(), clock.clone());
            tasks.spawn("notify-keys", |stop| keys.run(clock, stop));
        }
    }
}

/// Whether the file of keys can be used.
///
/// # Errors
/// Why not.
#[cfg(feature = "services")]
pub(crate) fn check(file: &std::path::Path) -> anyhow::Result<()> {
    key_file::open(file).map(drop)
}
