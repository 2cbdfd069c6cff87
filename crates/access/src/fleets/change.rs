//! What callers want to change, and why they may not.

use std::collections::BTreeSet;

use schemas::DeviceAddress;
use schemas::v1::{Company, CompanyLimits, Group};

use super::directory::Directory;
use super::limits::{Limits, MAX_COMPANIES, MAX_FLEET_DEVICES, MAX_FLEET_USERS, MAX_FLEETS};
use super::{NAME_CHARS, is_user};
use crate::Scope;
use crate::caller::Caller;

/// A fleet that a caller wants to write. Its id is one.
#[derive(Clone, Copy, Debug)]
pub struct FleetWish<'a> {
    /// Who wants it.
    pub caller: &'a Caller,
    /// The fleet's id.
    pub id: &'a str,
    /// The company whose fleet it is to be.
    pub company: &'a str,
    /// What people call it.
    pub name: &'a str,
    /// Its devices.
    pub devices: &'a [DeviceAddress],
    /// Its members.
    pub user_ids: &'a [String],
}

/// A company that an operator wants to write. Its id is one.
#[derive(Clone, Copy, Debug)]
pub struct CompanyWish<'a> {
    /// The company's id.
    pub id: &'a str,
    /// What people call it.
    pub name: &'a str,
    /// Whether its fleets are shown to no user.
    pub suspended: bool,
    /// `None`: the defaults.
    pub limits: Option<CompanyLimits>,
    /// Its devices.
    pub devices: &'a [DeviceAddress],
}

/// Why something is not written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The company is not the caller's.
    #[error("the fleet is of another company")]
    NotYours,
    /// There is no such company.
    #[error("there is no company {0:?}: an operator makes it with PUT /api/v1/companies")]
    UnknownCompany(String),
    /// An operator has suspended it.
    #[error("the company is suspended: ask an operator")]
    Suspended,
    /// Neither the company nor the credentials of the caller have the device.
    #[error(
        "the device {0} is not of the company: an operator adds it to the company's devices, or its owner puts it in"
    )]
    ForeignDevice(DeviceAddress),
    /// A value that cannot be one.
    #[error("invalid {what}: expected {expected}")]
    Invalid {
        /// The field.
        what: &'static str,
        /// What it has to be.
        expected: String,
    },
    /// A limit of the company, or of all.
    #[error("there would be {count} {what}: expected at most {most}; {advice}")]
    Full {
        /// What there would be too many of.
        what: &'static str,
        /// How many there would be.
        count: usize,
        /// The limit.
        most: usize,
        /// What can be done.
        advice: &'static str,
    },
    /// A company that still has fleets.
    #[error("the company has {0} fleets: remove them first")]
    HasFleets(usize),
}

const ASK: &str = "remove some, or ask an operator for a higher limit of the company";

impl FleetWish<'_> {
    /// The record to write.
    ///
    /// # Errors
    /// As [`Refused`].
    pub fn check(&self, directory: &Directory) -> Result<(Scope, Group), Refused> {
        let known = directory.fleet(self.id);
        let scope = self.caller.manages_fleets_of(self.company).ok_or(Refused::NotYours)?;
        if known.is_some_and(|known| self.caller.manages_fleets_of(&known.company_id).is_none()) {
            return Err(Refused::NotYours);
        }
        let company =
            directory.company(self.company).ok_or_else(|| Refused::UnknownCompany(self.company.to_owned()))?;
        if company.suspended && scope != Scope::FleetManageAny {
            return Err(Refused::Suspended);
        }
        check_name(self.name)?;
        if self.user_ids.len() > MAX_FLEET_USERS || !self.user_ids.iter().all(|user_id| is_user(user_id)) {
            let expected =
                format!("at most {MAX_FLEET_USERS} members as /api/v1/me names them in user_id, for example token/ada");
            return Err(Refused::Invalid { what: "user_ids", expected });
        }
        let devices: BTreeSet<u32> = self.devices.iter().map(|device| device.0).collect();
        if devices.len() > MAX_FLEET_DEVICES {
            let expected = format!("at most {MAX_FLEET_DEVICES} devices in one fleet");
            return Err(Refused::Invalid { what: "devices", expected });
        }
        let vouched = self.vouched(&devices, company, known)?;
        let user_ids: BTreeSet<&String> = self.user_ids.iter().collect();
        self.check_limits(directory, &devices, &user_ids)?;
        let record = Group {
            group_id: self.id.to_owned(),
            company_id: self.company.to_owned(),
            name: self.name.to_owned(),
            devices: devices.into_iter().collect(),
            user_ids: user_ids.into_iter().cloned().collect(),
            vouched_devices: vouched,
        };
        Ok((scope, record))
    }

    /// The devices that are not the company's, and that the caller's credentials have, or those of who put them in before.
    fn vouched(&self, devices: &BTreeSet<u32>, company: &Company, known: Option<&Group>) -> Result<Vec<u32>, Refused> {
        let of_company: BTreeSet<u32> = company.devices.iter().copied().collect();
        let known = known.filter(|known| known.company_id == self.company);
        let before: BTreeSet<u32> = known.iter().flat_map(|known| &known.vouched_devices).copied().collect();
        let others = devices.difference(&of_company).copied();
        let check = |device: u32| {
            let is_vouched = before.contains(&device) || self.caller.manages(DeviceAddress(device)).is_some();
            is_vouched.then_some(device).ok_or(Refused::ForeignDevice(DeviceAddress(device)))
        };
        others.map(check).collect()
    }

    fn check_limits(
        &self,
        directory: &Directory,
        devices: &BTreeSet<u32>,
        user_ids: &BTreeSet<&String>,
    ) -> Result<(), Refused> {
        let limits = directory.limits(self.company);
        let beside = || directory.fleets_of_company(self.company).filter(|fleet| fleet.group_id != self.id);
        let all_devices: BTreeSet<u32> = beside().flat_map(|fleet| &fleet.devices).chain(devices).copied().collect();
        let all_users: BTreeSet<&String> =
            beside().flat_map(|fleet| &fleet.user_ids).chain(user_ids.iter().copied()).collect();
        let fleets = beside().count() + 1;
        full("fleets of the company", fleets, limits.fleets, ASK)?;
        full("devices in fleets of the company", all_devices.len(), limits.devices, ASK)?;
        full("members of fleets of the company", all_users.len(), limits.users, ASK)?;
        let (_, all) = directory.counts();
        let is_new = directory.fleet(self.id).is_none();
        full("fleets", all + usize::from(is_new), MAX_FLEETS.max(all), "remove others")
    }
}

impl CompanyWish<'_> {
    /// The record to write.
    ///
    /// # Errors
    /// [`Refused::Invalid`] and [`Refused::Full`].
    pub fn check(&self, directory: &Directory) -> Result<Company, Refused> {
        check_name(self.name)?;
        let most = Limits::MOST.message();
        let asked = self.limits.unwrap_or_default();
        for (name, asked, most) in [
            ("limits.max_devices", asked.max_devices, most.max_devices),
            ("limits.max_users", asked.max_users, most.max_users),
            ("limits.max_fleets", asked.max_fleets, most.max_fleets),
            ("limits.max_connections", asked.max_connections, most.max_connections),
            ("limits.max_subscriptions", asked.max_subscriptions, most.max_subscriptions),
        ] {
            let most = most.unwrap_or_default();
            if asked.is_some_and(|asked| asked > most) {
                return Err(Refused::Invalid { what: name, expected: format!("at most {most}") });
            }
        }
        let devices: BTreeSet<u32> = self.devices.iter().map(|device| device.0).collect();
        let most = Limits::of(self.limits.as_ref()).devices;
        full("devices of the company", devices.len(), most, "raise limits.max_devices")?;
        let (companies, _) = directory.counts();
        let is_new = directory.company(self.id).is_none();
        full("companies", companies + usize::from(is_new), MAX_COMPANIES.max(companies), "remove others")?;
        Ok(Company {
            company_id: self.id.to_owned(),
            name: self.name.to_owned(),
            suspended: self.suspended,
            limits: self.limits,
            devices: devices.into_iter().collect(),
        })
    }
}

impl Directory {
    /// The scope by which a caller may remove a fleet; `None`: there is no such fleet that the caller knows of.
    ///
    /// # Errors
    /// [`Refused::Suspended`].
    pub fn check_removal(&self, caller: &Caller, fleet: &str) -> Result<Option<Scope>, Refused> {
        let Some(known) = self.fleet(fleet) else { return Ok(None) };
        let Some(scope) = caller.manages_fleets_of(&known.company_id) else { return Err(Refused::NotYours) };
        let is_suspended = self.company(&known.company_id).is_some_and(|company| company.suspended);
        if is_suspended && scope != Scope::FleetManageAny { Err(Refused::Suspended) } else { Ok(Some(scope)) }
    }

    /// Whether a company can be removed.
    ///
    /// # Errors
    /// [`Refused::HasFleets`].
    pub fn check_company_removal(&self, company: &str) -> Result<(), Refused> {
        match self.fleets_of_company(company).count() {
            0 => Ok(()),
            fleets => Err(Refused::HasFleets(fleets)),
        }
    }
}

fn check_name(name: &str) -> Result<(), Refused> {
    let chars = name.chars().count();
    let is_name = chars > 0 && chars <= NAME_CHARS && !name.contains(char::is_control) && name.trim() == name;
    let expected = || format!("1 to {NAME_CHARS} characters in one line, without spaces at the ends");
    is_name.then_some(()).ok_or_else(|| Refused::Invalid { what: "name", expected: expected() })
}

fn full(what: &'static str, count: usize, most: usize, advice: &'static str) -> Result<(), Refused> {
    if count > most { Err(Refused::Full { what, count, most, advice }) } else { Ok(()) }
}
