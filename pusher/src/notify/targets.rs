//! To whom notifications go, as `fanet.account.v1` has it.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use bytes::Bytes;
use notify::Language;
use parking_lot::RwLock;
use schemas::v1::{Account, EventFilter, PushSubscription, Webhook, account};

/// Targets in all: more than there are.
const MAX_TARGETS: usize = 100_000;
const WEBHOOK: &str = "webhook/";
const BROWSER: &str = "push/";

/// The key of a webhook.
pub(crate) fn webhook_key(webhook_id: &str) -> String {
    format!("{WEBHOOK}{webhook_id}")
}

/// The key of a browser.
pub(crate) fn browser_key(subscription_id: &str) -> String {
    format!("{BROWSER}{subscription_id}")
}

/// The targets of all users.
#[derive(Debug, Default)]
pub(crate) struct Targets(RwLock<Known>);

#[derive(Debug, Default)]
struct Known {
    by_key: HashMap<Arc<str>, Arc<Target>>,
    by_user: HashMap<String, BTreeSet<Arc<str>>>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Target {
    /// Its key in the topic.
    pub(crate) key: Arc<str>,
    /// Whose it is.
    pub(crate) user_id: String,
    /// Which events it gets.
    pub(crate) filter: EventFilter,
    pub(crate) language: Language,
    /// Events before it are not sent.
    pub(crate) created_at_us: u64,
    pub(crate) address: Address,
}

/// How it is reached.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Address {
    Webhook { url: String },
    Browser { endpoint: String, p256dh: Bytes, auth: Bytes },
}

impl Target {
    fn of(entity: &account::Entity) -> Option<Self> {
        match entity {
            account::Entity::Webhook(webhook) => Some(Self::of_webhook(webhook.clone())),
            account::Entity::PushSubscription(browser) => Some(Self::of_browser(browser.clone())),
            _ => None,
        }
    }

    fn of_webhook(webhook: Webhook) -> Self {
        Self {
            key: webhook_key(&webhook.webhook_id).into(),
            user_id: webhook.user_id,
            filter: webhook.filter.unwrap_or_default(),
            language: Language::named(&webhook.language).unwrap_or_default(),
            created_at_us: webhook.created_at_us,
            address: Address::Webhook { url: webhook.url },
        }
    }

    fn of_browser(browser: PushSubscription) -> Self {
        let PushSubscription { endpoint, p256dh, auth, .. } = browser;
        Self {
            key: browser_key(&browser.subscription_id).into(),
            user_id: browser.user_id,
            filter: browser.filter.unwrap_or_default(),
            language: Language::named(&browser.language).unwrap_or_default(),
            created_at_us: browser.created_at_us,
            address: Address::Browser { endpoint, p256dh, auth },
        }
    }

    /// Its id, without the kind.
    pub(crate) fn id(&self) -> &str {
        self.key.split_once('/').map_or("", |(_, id)| id)
    }

    /// The subject of its user, for the audit trail.
    pub(crate) fn user(&self) -> &str {
        self.user_id.split_once('/').map_or("", |(_, subject)| subject)
    }

    /// Where requests go.
    pub(crate) fn url(&self) -> &str {
        match &self.address {
            Address::Webhook { url } => url,
            Address::Browser { endpoint, .. } => endpoint,
        }
    }

    pub(crate) fn is_webhook(&self) -> bool {
        matches!(self.address, Address::Webhook { .. })
    }
}

impl Targets {
    /// Applies a record of the topic; those of other entities are ignored.
    pub(crate) fn apply(&self, record: &Account) {
        let Some(target) = record.entity.as_ref().and_then(Target::of) else { return };
        self.remove(&target.key);
        let mut known = self.0.write();
        if known.by_key.len() >= MAX_TARGETS {
            return;
        }
        known.by_user.entry(target.user_id.clone()).or_default().insert(target.key.clone());
        known.by_key.insert(target.key.clone(), Arc::new(target));
    }

    /// Applies a tombstone of the topic.
    pub(crate) fn remove(&self, key: &str) {
        let mut known = self.0.write();
        let Some(target) = known.by_key.remove(key) else { return };
        if let Some(keys) = known.by_user.get_mut(&target.user_id) {
            keys.remove(key);
            if keys.is_empty() {
                known.by_user.remove(&target.user_id);
            }
        }
    }

    /// The target of a key.
    pub(crate) fn find(&self, key: &str) -> Option<Arc<Target>> {
        self.0.read().by_key.get(key).cloned()
    }

    /// Those of a user, by key.
    pub(crate) fn of_user(&self, user_id: &str) -> Vec<Arc<Target>> {
        let known = self.0.read();
        let keys = known.by_user.get(user_id).into_iter().flatten();
        keys.filter_map(|key| known.by_key.get(key).cloned()).collect()
    }

    /// Those for which it is true.
    pub(crate) fn matching(&self, is_wanted: impl Fn(&Target) -> bool) -> Vec<Arc<Target>> {
        self.0.read().by_key.values().filter(|target| is_wanted(target)).cloned().collect()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.read().by_key.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(webhook_id: &str, user_id: &str) -> Account {
        let webhook = Webhook { webhook_id: webhook_id.to_owned(), user_id: user_id.to_owned(), ..Webhook::default() };
        Account { changed_at_us: 1, entity: Some(account::Entity::Webhook(webhook)) }
    }

    #[test]
    fn a_target_is_there_until_its_tombstone() {
        let targets = Targets::default();
        for (id, user) in [("1", "token/ada"), ("2", "token/ada"), ("3", "key/ada"), ("2", "key/ada")] {
            targets.apply(&record(id, user));
        }
        let keys = |user| targets.of_user(user).iter().map(|target| target.key.to_string()).collect::<Vec<_>>();
        assert_eq!(keys("token/ada"), ["webhook/1"]);
        assert_eq!(keys("key/ada"), ["webhook/2", "webhook/3"]);
        let found = targets.find("webhook/1").expect("known");
        assert_eq!((found.id(), found.user(), found.is_webhook()), ("1", "ada", true));
        targets.remove("webhook/1");
        targets.remove("device/110B90");
        assert!(keys("token/ada").is_empty() && targets.find("webhook/1").is_none());
        assert_eq!((targets.len(), targets.matching(|target| target.user_id == "key/ada").len()), (2, 2));
    }

    #[test]
    fn a_browser_is_a_target_too() {
        let targets = Targets::default();
        let browser =
            PushSubscription { subscription_id: "7".to_owned(), language: "it".to_owned(), ..Default::default() };
        targets.apply(&Account { changed_at_us: 1, entity: Some(account::Entity::PushSubscription(browser)) });
        let found = targets.find("push/7").expect("known");
        assert_eq!((found.language.as_str(), found.is_webhook()), ("it", false));
    }
}
