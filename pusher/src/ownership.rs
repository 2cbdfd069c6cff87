//! Whose devices are whose, as `fanet.account.v1` has it: proven by radio, or said by an operator.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use access::Caller;
use parking_lot::RwLock;
use schemas::DeviceAddress;
use schemas::v1::{Account, account};

/// Devices of one owner.
pub(crate) const MAX_DEVICES: usize = 100;
/// Devices in all: more than there are.
const MAX_OWNED: usize = 1_000_000;

/// Owners of devices.
#[derive(Debug, Default)]
pub(crate) struct Ownership(RwLock<Owners>);

#[derive(Debug, Default)]
struct Owners {
    by_device: HashMap<DeviceAddress, Arc<str>>,
    by_user: HashMap<Arc<str>, BTreeSet<DeviceAddress>>,
}

impl Ownership {
    /// Applies a record of the topic. The newest one of a device holds; one without a user takes its owner away.
    pub(crate) fn apply(&self, record: &Account) {
        let Some(account::Entity::UserDevice(owned)) = &record.entity else { return };
        let device = DeviceAddress(owned.device);
        let mut owners = self.0.write();
        if let Some(before) = owners.by_device.remove(&device)
            && let Some(devices) = owners.by_user.get_mut(&before)
        {
            devices.remove(&device);
            if devices.is_empty() {
                owners.by_user.remove(&before);
            }
        }
        if owned.user_id.is_empty() || owners.by_device.len() >= MAX_OWNED {
            return;
        }
        let user: Arc<str> = owned.user_id.as_str().into();
        owners.by_device.insert(device, user.clone());
        owners.by_user.entry(user).or_default().insert(device);
    }

    /// The owner of a device.
    pub(crate) fn owner(&self, device: DeviceAddress) -> Option<Arc<str>> {
        self.0.read().by_device.get(&device).cloned()
    }

    /// How many devices an owner has.
    pub(crate) fn count(&self, user_id: &str) -> usize {
        self.0.read().by_user.get(user_id).map_or(0, BTreeSet::len)
    }

    /// The caller with the devices that it owns, beside those of its credentials.
    pub(crate) fn with_devices(&self, caller: Arc<Caller>) -> Arc<Caller> {
        let Some(user_id) = caller.user_id() else { return caller };
        let owners = self.0.read();
        let Some(owned) = owners.by_user.get(user_id.as_str()) else { return caller };
        let more: Vec<_> = owned.iter().filter(|device| !caller.devices.contains(device)).copied().collect();
        if more.is_empty() {
            return caller;
        }
        let mut caller = (*caller).clone();
        caller.devices.extend(more);
        Arc::new(caller)
    }
}

#[cfg(test)]
mod tests {
    use access::{Credential, Scope};
    use schemas::v1::UserDevice;

    use super::*;

    const DEVICE: DeviceAddress = DeviceAddress(0x11_0B90);

    fn record(user_id: &str) -> Account {
        let owned = UserDevice { user_id: user_id.to_owned(), device: DEVICE.0, ..UserDevice::default() };
        Account { changed_at_us: 1, entity: Some(account::Entity::UserDevice(owned)) }
    }

    fn caller(credential: Credential) -> Arc<Caller> {
        let unknown = Caller::unknown(credential);
        Arc::new(Caller { subject: "ada".to_owned(), scopes: unknown.scopes.with(Scope::DeviceManage), ..unknown })
    }

    #[test]
    fn an_owner_has_the_device_until_another_one_has() {
        let ownership = Ownership::default();
        let manages = |credential| ownership.with_devices(caller(credential)).manages(DEVICE).is_some();
        assert!(!manages(Credential::Token));
        ownership.apply(&record("token/ada"));
        assert_eq!((manages(Credential::Token), ownership.count("token/ada")), (true, 1));
        for other in [Credential::ApiKey, Credential::Session, Credential::PositionKey, Credential::OpenOperator] {
            assert!(!manages(other), "a subject of another kind is someone else: {other:?}");
        }
        ownership.apply(&record("key/ada"));
        assert!(!manages(Credential::Token) && manages(Credential::ApiKey) && manages(Credential::Session));
        ownership.apply(&record(""));
        assert!(!manages(Credential::ApiKey) && ownership.owner(DEVICE).is_none());
        assert_eq!((ownership.count("token/ada"), ownership.count("key/ada")), (0, 0));
    }
}
