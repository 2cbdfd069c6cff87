//! Who calls.

use std::sync::Arc;

use schemas::DeviceAddress;
use schemas::v1::AircraftKind;

use crate::scope::{Role, Scope, Scopes};

/// What a caller has shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Credential {
    /// An access token of the identity provider.
    Token,
    /// A key of the file of API keys.
    ApiKey,
    /// An access token of a session of our own.
    Session,
    /// A key of the file of position keys.
    PositionKey,
    /// None: the installation lets anyone be an operator.
    OpenOperator,
}

impl Credential {
    /// The name in answers and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::ApiKey => "api_key",
            Self::Session => "session",
            Self::PositionKey => "position_key",
            Self::OpenOperator => "open_operator",
        }
    }
}

/// How the positions of a credential's devices are published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pilot {
    /// The pilot's consent to be shown to all.
    pub public: bool,
    /// The name to show.
    pub name: Option<String>,
    /// What flies.
    pub aircraft_kind: AircraftKind,
}

impl Default for Pilot {
    fn default() -> Self {
        Self { public: false, name: None, aircraft_kind: AircraftKind::Paraglider }
    }
}

/// Whose credentials were accepted, and what they allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Who it is: the subject of a token, the id of a key.
    pub subject: String,
    /// The name of the person, as the identity provider has it. It is for the caller alone, and is in no position.
    pub name: Option<String>,
    /// The roles that the credential names; their scopes are among `scopes`.
    pub roles: Vec<Role>,
    /// What was shown.
    pub credential: Credential,
    /// What it may do.
    pub scopes: Scopes,
    /// The company, club or school that it belongs to.
    pub company: Option<String>,
    /// Its devices: whose positions it may send, and which it may manage.
    pub devices: Vec<DeviceAddress>,
    /// How those positions are published.
    pub pilot: Pilot,
    /// The session of our own that its token is of.
    pub session: Option<Arc<str>>,
    /// When the credential expires, seconds since the epoch; `None`: never.
    pub expires_at_s: Option<u64>,
    /// Until when it is accepted: a token is, for the leeway between clocks, a little longer.
    pub accepted_until_s: Option<u64>,
}

/// What a caller sees of a fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FleetSight {
    /// The scope that permits it.
    pub scope: Scope,
    /// Its hidden devices too.
    pub sees_hidden: bool,
}

impl Caller {
    /// Nobody that is known, for records of what was refused.
    pub fn unknown(credential: Credential) -> Self {
        Self {
            subject: "unknown".to_owned(),
            name: None,
            roles: Vec::new(),
            credential,
            scopes: Scopes::PUBLIC,
            company: None,
            devices: Vec::new(),
            pilot: Pilot::default(),
            session: None,
            expires_at_s: None,
            accepted_until_s: None,
        }
    }

    /// Its name as an owner of devices: with the kind before it, since a subject of the identity provider may be the id of a
    /// key. `None`: it owns none.
    pub fn user_id(&self) -> Option<String> {
        match self.credential {
            Credential::Token => Some(format!("token/{}", self.subject)),
            Credential::ApiKey | Credential::Session => Some(format!("key/{}", self.subject)),
            Credential::PositionKey | Credential::OpenOperator => None,
        }
    }

    /// Whether the credential is still accepted.
    pub fn is_accepted(&self, now_s: u64) -> bool {
        self.accepted_until_s.is_none_or(|until| now_s < until)
    }

    /// The scope by which it may hide, show, erase and export a device. `None`: it may not.
    pub fn manages(&self, device: DeviceAddress) -> Option<Scope> {
        self.may(device, Scope::DeviceManage, Scope::DeviceManageAny)
    }

    /// The scope by which it may manage every device: deny and allow it, and see which ones are restricted. `None`: it may
    /// not.
    pub fn manages_all(&self) -> Option<Scope> {
        let has_both = self.scopes.has(Scope::DeviceManage) && self.scopes.has(Scope::DeviceManageAny);
        has_both.then_some(Scope::DeviceManageAny)
    }

    /// The scope by which it may acknowledge and resolve alerts of a device. `None`: it may not.
    pub fn handles_alerts_of(&self, device: DeviceAddress) -> Option<Scope> {
        self.may(device, Scope::AlertHandle, Scope::AlertHandleAny)
    }

    /// The scope by which it may replace and remove a set of zones. `imported_by`: the caller and the company that have
    /// imported it; `None`: there is no such set. `None`: it may not.
    pub fn changes_zones_of(&self, imported_by: Option<(&str, Option<&str>)>) -> Option<Scope> {
        if !self.scopes.has(Scope::ZoneWrite) {
            return None;
        }
        let is_own = imported_by.is_none_or(|(subject, company)| {
            subject == self.subject || company.is_some_and(|company| self.company.as_deref() == Some(company))
        });
        let any = self.scopes.has(Scope::ZoneWriteAny).then_some(Scope::ZoneWriteAny);
        is_own.then_some(Scope::ZoneWrite).or(any)
    }

    /// The scope by which it may change the fleets of a company. `None`: it may not.
    pub fn manages_fleets_of(&self, company: &str) -> Option<Scope> {
        if !self.scopes.has(Scope::FleetManage) {
            return None;
        }
        let is_own = self.company.as_deref() == Some(company);
        let any = self.scopes.has(Scope::FleetManageAny).then_some(Scope::FleetManageAny);
        is_own.then_some(Scope::FleetManage).or(any)
    }

    /// What it sees of a fleet: those who may change it see everything, its members what their scopes allow. `None`: nothing.
    pub fn sees_fleet(&self, company: &str, is_member: bool) -> Option<FleetSight> {
        if let Some(scope) = self.manages_fleets_of(company) {
            return Some(FleetSight { scope, sees_hidden: true });
        }
        let sees_hidden = self.scopes.has(Scope::FleetRead);
        let scope = if sees_hidden { Scope::FleetRead } else { Scope::PictureRead };
        is_member.then_some(FleetSight { scope, sees_hidden })
    }

    /// `own` allows it for the devices of the credential, `any` for all of them.
    fn may(&self, device: DeviceAddress, own: Scope, any: Scope) -> Option<Scope> {
        if !self.scopes.has(own) {
            return None;
        }
        let is_own = self.devices.contains(&device).then_some(own);
        is_own.or_else(|| self.scopes.has(any).then_some(any))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Role;

    const OWN: DeviceAddress = DeviceAddress(0x11_0B90);
    const OTHER: DeviceAddress = DeviceAddress(0x07_AB12);

    fn caller(scopes: Scopes, devices: &[DeviceAddress]) -> Caller {
        Caller {
            subject: "ada".to_owned(),
            credential: Credential::Token,
            name: None,
            roles: Vec::new(),
            scopes,
            company: None,
            devices: devices.to_vec(),
            pilot: Pilot::default(),
            session: None,
            expires_at_s: None,
            accepted_until_s: None,
        }
    }

    #[test]
    fn owners_manage_their_devices_and_operators_all() {
        use Scope::{AlertHandle, AlertHandleAny, DeviceManage, DeviceManageAny};
        for (role, manages_own, manages_other, handles_own, handles_other) in [
            (Role::Viewer, None, None, None, None),
            (Role::Pilot, Some(DeviceManage), None, None, None),
            (Role::FleetManager, Some(DeviceManage), None, Some(AlertHandle), None),
            (Role::Rescue, None, None, Some(AlertHandle), Some(AlertHandleAny)),
            (Role::Operator, Some(DeviceManage), Some(DeviceManageAny), Some(AlertHandle), Some(AlertHandleAny)),
        ] {
            let caller = caller(role.scopes(), &[OWN]);
            assert_eq!((caller.manages(OWN), caller.manages(OTHER)), (manages_own, manages_other), "{role:?}");
            assert_eq!(caller.manages_all(), manages_other, "{role:?}");
            let handles = (caller.handles_alerts_of(OWN), caller.handles_alerts_of(OTHER));
            assert_eq!(handles, (handles_own, handles_other), "{role:?}");
        }
    }

    #[test]
    fn only_their_company_and_operators_change_zones() {
        use Scope::{ZoneWrite, ZoneWriteAny};
        let of = |role: Role, company: Option<&str>| Caller {
            company: company.map(str::to_owned),
            ..caller(role.scopes(), &[])
        };
        let (own, of_club, of_other) = (("ada", None), ("bob", Some("club")), ("bob", Some("school")));
        for (caller, new, own_set, of_the_club, of_others) in [
            (of(Role::Pilot, Some("club")), None, None, None, None),
            (of(Role::FleetManager, None), Some(ZoneWrite), Some(ZoneWrite), None, None),
            (of(Role::FleetManager, Some("club")), Some(ZoneWrite), Some(ZoneWrite), Some(ZoneWrite), None),
            (of(Role::Operator, None), Some(ZoneWrite), Some(ZoneWrite), Some(ZoneWriteAny), Some(ZoneWriteAny)),
        ] {
            let may = |set| caller.changes_zones_of(set);
            assert_eq!((may(None), may(Some(own))), (new, own_set), "{caller:?}");
            assert_eq!((may(Some(of_club)), may(Some(of_other))), (of_the_club, of_others), "{caller:?}");
        }
    }

    #[test]
    fn company_managers_and_members_see_a_fleet() {
        use Scope::{FleetManage, FleetManageAny, FleetRead, PictureRead};
        let sees = |role: Role, company: Option<&str>, is_member| {
            let caller = Caller { company: company.map(str::to_owned), ..caller(role.scopes(), &[]) };
            caller.sees_fleet("club", is_member).map(|sight| (sight.scope, sight.sees_hidden))
        };
        for (role, company, of_others, as_member) in [
            (Role::Viewer, None, None, Some((PictureRead, false))),
            (Role::Viewer, Some("club"), None, Some((PictureRead, false))),
            (Role::Rescue, Some("club"), None, Some((PictureRead, false))),
            (Role::Pilot, Some("club"), None, Some((FleetRead, true))),
            (Role::FleetManager, None, None, Some((FleetRead, true))),
            (Role::FleetManager, Some("school"), None, Some((FleetRead, true))),
            (Role::FleetManager, Some("club"), Some((FleetManage, true)), Some((FleetManage, true))),
            (Role::Operator, None, Some((FleetManageAny, true)), Some((FleetManageAny, true))),
        ] {
            assert_eq!(sees(role, company, false), of_others, "{role:?} {company:?}");
            assert_eq!(sees(role, company, true), as_member, "{role:?} {company:?}");
        }
    }

    #[test]
    fn the_wider_scope_alone_allows_nothing() {
        let caller = caller(Scopes::PUBLIC.with(Scope::DeviceManageAny).with(Scope::AlertHandleAny), &[OWN]);
        assert_eq!(
            Caller { scopes: caller.scopes.with(Scope::FleetManageAny), ..caller.clone() }.sees_fleet("x", false),
            None
        );
        assert_eq!((caller.manages(OWN), caller.handles_alerts_of(OWN), caller.manages_all()), (None, None, None));
    }
}
