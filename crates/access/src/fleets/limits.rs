//! How much a company may have.

use schemas::v1::CompanyLimits;

/// Companies of an installation.
pub const MAX_COMPANIES: usize = 2_000;
/// Fleets of an installation.
pub const MAX_FLEETS: usize = 10_000;
/// Devices of one fleet: a record of it stays small, and so does the list that its subscribers get.
pub const MAX_FLEET_DEVICES: usize = 1_000;
/// Members of one fleet.
pub const MAX_FLEET_USERS: usize = 1_000;

/// The limits of a company, with the defaults for those that it does not name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// In all of its fleets together.
    pub devices: usize,
    /// Members of its fleets.
    pub users: usize,
    /// Fleets.
    pub fleets: usize,
    /// WebSockets of its people.
    pub connections: usize,
    /// WebSockets that subscribe to one of its fleets.
    pub subscriptions: usize,
}

impl Limits {
    /// Of a company that names none.
    pub const DEFAULT: Self = Self { devices: 500, users: 200, fleets: 50, connections: 200, subscriptions: 200 };
    /// The highest that an operator can set.
    pub const MOST: Self =
        Self { devices: 5_000, users: 5_000, fleets: 500, connections: 10_000, subscriptions: 10_000 };

    /// Those of a record, none above [`Limits::MOST`].
    pub fn of(record: Option<&CompanyLimits>) -> Self {
        let record = record.copied().unwrap_or_default();
        let limit = |value: Option<u32>, default: usize, most: usize| {
            value.map_or(default, |value| usize::try_from(value).unwrap_or(most).min(most))
        };
        let (default, most) = (Self::DEFAULT, Self::MOST);
        Self {
            devices: limit(record.max_devices, default.devices, most.devices),
            users: limit(record.max_users, default.users, most.users),
            fleets: limit(record.max_fleets, default.fleets, most.fleets),
            connections: limit(record.max_connections, default.connections, most.connections),
            subscriptions: limit(record.max_subscriptions, default.subscriptions, most.subscriptions),
        }
    }

    /// All of them, as a message.
    pub fn message(self) -> CompanyLimits {
        let number = |limit: usize| Some(u32::try_from(limit).unwrap_or(u32::MAX));
        CompanyLimits {
            max_devices: number(self.devices),
            max_users: number(self.users),
            max_fleets: number(self.fleets),
            max_connections: number(self.connections),
            max_subscriptions: number(self.subscriptions),
        }
    }
}
