//! Scopes and roles.

use std::fmt;

/// One thing that a caller may do.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Scope {
    /// See the public air picture, live and recorded. Everyone has it, also without credentials.
    PictureRead,
    /// Send positions of the devices that the credential names.
    PositionWrite,
    /// See how far devices are believed.
    ValidationRead,
    /// Make the score of a device begin again.
    ValidationReset,
    /// Hide, show, erase and export the devices that the credential names.
    DeviceManage,
    /// The same of every device; only together with [`Scope::DeviceManage`].
    DeviceManageAny,
    /// Acknowledge and resolve alerts of the devices that the credential names.
    AlertHandle,
    /// The same of every device; only together with [`Scope::AlertHandle`].
    AlertHandleAny,
    /// Read who changed what, and who looked at private data.
    AuditRead,
    /// Read the newest dead letters.
    DeadLetterRead,
    /// Read which API keys there are, without their secrets.
    KeyRead,
    /// Import sets of zones, and replace and remove those of the credential's company.
    ZoneWrite,
    /// The same of every set; only together with [`Scope::ZoneWrite`].
    ZoneWriteAny,
    /// See the hidden devices of the fleets whose member one is.
    FleetRead,
    /// See and change the fleets of the credential's company.
    FleetManage,
    /// The same of every fleet, and change companies; only together with [`Scope::FleetManage`].
    FleetManageAny,
    /// Read which WebSockets are open, and what they subscribe to.
    ConnectionRead,
    /// Have alerts and zone events sent to oneself.
    NotificationWrite,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 18] = [
        Self::PictureRead,
        Self::PositionWrite,
        Self::ValidationRead,
        Self::ValidationReset,
        Self::DeviceManage,
        Self::DeviceManageAny,
        Self::AlertHandle,
        Self::AlertHandleAny,
        Self::AuditRead,
        Self::DeadLetterRead,
        Self::KeyRead,
        Self::ZoneWrite,
        Self::ZoneWriteAny,
        Self::FleetRead,
        Self::FleetManage,
        Self::FleetManageAny,
        Self::ConnectionRead,
        Self::NotificationWrite,
    ];

    /// The name in tokens and key files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PictureRead => "picture:read",
            Self::PositionWrite => "position:write",
            Self::ValidationRead => "validation:read",
            Self::ValidationReset => "validation:reset",
            Self::DeviceManage => "device:manage",
            Self::DeviceManageAny => "device:manage_any",
            Self::AlertHandle => "alert:handle",
            Self::AlertHandleAny => "alert:handle_any",
            Self::AuditRead => "audit:read",
            Self::DeadLetterRead => "dead_letter:read",
            Self::KeyRead => "key:read",
            Self::ZoneWrite => "zone:write",
            Self::ZoneWriteAny => "zone:write_any",
            Self::FleetRead => "fleet:read",
            Self::FleetManage => "fleet:manage",
            Self::FleetManageAny => "fleet:manage_any",
            Self::ConnectionRead => "connection:read",
            Self::NotificationWrite => "notification:write",
        }
    }

    const fn bit(self) -> u32 {
        1 << self as u16
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a person or machine is, as an identity provider knows it: a set of scopes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Role {
    /// Looks at the map.
    Viewer,
    /// Flies: sends positions of the own devices, and decides who sees them.
    Pilot,
    /// Cares for the devices of a company as their pilots do, handles their alerts, and has fleets and zones of its own.
    FleetManager,
    /// Coordinates rescues: handles the alerts of all devices.
    Rescue,
    /// Runs the installation.
    Operator,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Viewer, Self::Pilot, Self::FleetManager, Self::Rescue, Self::Operator];

    /// The name in tokens and key files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Pilot => "pilot",
            Self::FleetManager => "fleet_manager",
            Self::Rescue => "rescue",
            Self::Operator => "operator",
        }
    }

    /// The role of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }

    /// The roles among names, each once and in their order.
    pub fn among<'a>(names: impl Iterator<Item = &'a str>) -> Vec<Self> {
        let named: Vec<Self> = names.filter_map(Self::named).collect();
        Self::ALL.into_iter().filter(|role| named.contains(role)).collect()
    }

    /// The scopes that it grants.
    pub fn scopes(self) -> Scopes {
        match self {
            Self::Viewer => Scopes::PUBLIC.with(Scope::NotificationWrite),
            Self::Pilot => {
                Self::Viewer.scopes().with(Scope::PositionWrite).with(Scope::DeviceManage).with(Scope::FleetRead)
            }
            Self::FleetManager => {
                Self::Pilot.scopes().with(Scope::AlertHandle).with(Scope::ZoneWrite).with(Scope::FleetManage)
            }
            Self::Rescue => Self::Viewer.scopes().with(Scope::AlertHandle).with(Scope::AlertHandleAny),
            Self::Operator => Scopes::ALL,
        }
    }
}

/// A set of scopes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct Scopes(u32);

impl Scopes {
    /// What everyone has.
    pub const PUBLIC: Self = Self(Scope::PictureRead.bit());
    /// Every scope.
    pub const ALL: Self = Self((1 << Scope::ALL.len()) - 1);

    /// With one more.
    #[must_use]
    pub const fn with(self, scope: Scope) -> Self {
        Self(self.0 | scope.bit())
    }

    /// Those of both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether a scope is among them.
    pub const fn has(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// The scopes of one name: a scope, or a role with all that it grants. `None` for any other name.
    pub fn named(name: &str) -> Option<Self> {
        let scope = Scope::ALL.into_iter().find(|scope| scope.as_str() == name);
        scope.map(|scope| Self::PUBLIC.with(scope)).or_else(|| Role::named(name).map(Role::scopes))
    }

    /// The scopes of names as a token has them. Unknown names are for other programs, and are ignored.
    pub fn of_names<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        names.filter_map(Self::named).fold(Self::PUBLIC, Self::and)
    }

    /// One after the other.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.has(*scope))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_scope_or_a_role() {
        assert_eq!(Scopes::named("position:write"), Some(Scopes::PUBLIC.with(Scope::PositionWrite)));
        assert_eq!(Scopes::named("operator"), Some(Scopes::ALL));
        for other in ["", "openid", "Operator", "position", "position:write "] {
            assert_eq!(Scopes::named(other), None, "{other:?}");
        }
    }

    #[test]
    fn unknown_names_grant_nothing() {
        let granted = Scopes::of_names(["openid", "profile", "position:write", "offline_access"].into_iter());
        assert!(granted.iter().eq([Scope::PictureRead, Scope::PositionWrite]));
        assert_eq!(Scopes::of_names(std::iter::empty()), Scopes::PUBLIC);
        assert_eq!(Role::among(["operator", "openid", "pilot", "operator"].into_iter()), [Role::Pilot, Role::Operator]);
    }

    #[test]
    fn every_scope_is_in_one_role_at_least() {
        for scope in Scope::ALL {
            assert!(Role::ALL.iter().any(|role| role.scopes().has(scope)), "{scope}");
        }
        assert!(Scopes::ALL.iter().eq(Scope::ALL));
        for scope in [
            Scope::ValidationReset,
            Scope::DeviceManageAny,
            Scope::AuditRead,
            Scope::DeadLetterRead,
            Scope::KeyRead,
            Scope::ZoneWriteAny,
        ] {
            assert!(
                Role::ALL.iter().all(|role| *role == Role::Operator || !role.scopes().has(scope)),
                "operators only"
            );
        }
    }
}
