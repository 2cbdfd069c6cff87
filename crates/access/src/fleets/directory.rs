//! The companies and fleets that there are, who sees which, and the settings of users.
//!
//! Invariants: an entity is that of the highest offset of its key; a fleet whose company is not known is shown to no user; a
//! fleet's devices are those that an operator or an owner vouches for.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use schemas::v1::{Company, CompanyView, FleetView, Group, UserSettings, account};

use super::limits::{Limits, MAX_COMPANIES, MAX_FLEETS};
use super::settings::SettingsTable;
use crate::caller::{Caller, FleetSight};

/// Removed keys that are remembered.
const MAX_ENDED: usize = 256;

/// What `fanet.account.v1` says of companies, fleets and users.
#[derive(Debug, Default)]
pub struct Directory {
    companies: BTreeMap<Arc<str>, CompanyEntry>,
    fleets: BTreeMap<Arc<str>, FleetEntry>,
    /// The fleets of each member.
    of_user: HashMap<Arc<str>, BTreeSet<Arc<str>>>,
    of_company: HashMap<Arc<str>, BTreeSet<Arc<str>>>,
    settings: SettingsTable,
    last_number: u32,
    /// The keys that were removed lately, with the offsets of that: where this instance has removed one, the topic still
    /// brings the records before.
    ended: VecDeque<(Box<str>, u64)>,
}

#[derive(Debug)]
struct CompanyEntry {
    record: Company,
    offset: u64,
}

#[derive(Debug)]
struct FleetEntry {
    record: Group,
    offset: u64,
    /// The same as long as the fleet exists, and of no other one.
    number: u32,
    /// Those that an operator or an owner vouches for, sorted.
    devices: Arc<[u32]>,
    /// Its company is known and not suspended.
    is_active: bool,
}

/// A fleet as one caller sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// The fleet's number in this process.
    pub number: u32,
    /// Its company.
    pub company: Arc<str>,
    /// Sorted.
    pub devices: Arc<[u32]>,
    /// What the caller sees.
    pub sight: FleetSight,
}

impl Directory {
    /// Applies a record of the topic, which has an entity or is a tombstone. Returns the fleets that it changes; an older
    /// record than the known one changes nothing. Records of other kinds are ignored.
    pub fn apply(&mut self, key: &str, offset: u64, entity: Option<&account::Entity>) -> Vec<Arc<str>> {
        if self.ended.iter().any(|(ended, since)| **ended == *key && *since >= offset) {
            return Vec::new();
        }
        if entity.is_none() {
            self.ended.truncate(MAX_ENDED - 1);
            self.ended.push_front((key.into(), offset));
        }
        match (key.split_once('/'), entity) {
            (Some(("company", id)), Some(account::Entity::Company(record))) => self.set_company(id, offset, record),
            (Some(("company", id)), None) => self.remove_company(id, offset),
            (Some(("group", id)), Some(account::Entity::Group(record))) => self.set_fleet(id, offset, record),
            (Some(("group", id)), None) => self.remove_fleet(id, offset),
            (Some(("user_settings", id)), Some(account::Entity::UserSettings(record))) => {
                self.settings.put(id, offset, record);
                Vec::new()
            }
            (Some(("user_settings", id)), None) => {
                self.settings.remove(id, offset);
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    /// A fleet as a caller sees it. `None`: there is none, or the caller does not see it.
    pub fn look(&self, caller: &Caller, fleet: &str) -> Option<Look> {
        let entry = self.fleets.get(fleet).filter(|entry| entry.is_active)?;
        Some(Look {
            number: entry.number,
            company: entry.record.company_id.as_str().into(),
            devices: entry.devices.clone(),
            sight: self.sight(caller, entry)?,
        })
    }

    /// The fleets that a caller sees or may change, by id; those of a suspended company only for those who may change them.
    pub fn fleets_of(&self, caller: &Caller) -> Vec<FleetView> {
        self.fleet_ids_of(caller).into_iter().filter_map(|id| self.fleet_view(caller, &id)).collect()
    }

    /// A fleet as a caller may read it.
    pub fn fleet_view(&self, caller: &Caller, fleet: &str) -> Option<FleetView> {
        let entry = self.fleets.get(fleet)?;
        let sight = self.sight(caller, entry)?;
        let may_change = caller.manages_fleets_of(&entry.record.company_id).is_some();
        let is_shown = entry.is_active || may_change;
        is_shown.then(|| FleetView {
            fleet_id: entry.record.group_id.clone(),
            company_id: entry.record.company_id.clone(),
            name: entry.record.name.clone(),
            devices: entry.devices.to_vec(),
            user_ids: if may_change { entry.record.user_ids.clone() } else { Vec::new() },
            sees_hidden: sight.sees_hidden,
            may_change,
            active: entry.is_active,
        })
    }

    /// The companies whose fleets a caller may change, by id.
    pub fn companies_of(&self, caller: &Caller) -> Vec<CompanyView> {
        let own = self.companies.values().map(|entry| &entry.record);
        own.filter(|record| caller.manages_fleets_of(&record.company_id).is_some())
            .map(|record| self.company_view(record))
            .collect()
    }

    /// A company.
    pub fn company(&self, id: &str) -> Option<&Company> {
        self.companies.get(id).map(|entry| &entry.record)
    }

    /// The limits of a company; of one that is not known, the defaults.
    pub fn limits(&self, company: &str) -> Limits {
        Limits::of(self.company(company).and_then(|record| record.limits.as_ref()))
    }

    /// A fleet's record, as it was written.
    pub fn fleet(&self, id: &str) -> Option<&Group> {
        self.fleets.get(id).map(|entry| &entry.record)
    }

    /// Whether a user is a member of a fleet.
    pub fn is_member(&self, user_id: &str, fleet: &str) -> bool {
        self.of_user.get(user_id).is_some_and(|fleets| fleets.contains(fleet))
    }

    /// Whether a device is in one of these fleets that a user is a member of.
    pub fn is_in_fleet_of(&self, user_id: &str, fleets: &[String], device: u32) -> bool {
        let has_device = |fleet: &String| {
            let entry = self.fleets.get(fleet.as_str()).filter(|entry| entry.is_active);
            entry.is_some_and(|entry| entry.devices.binary_search(&device).is_ok())
        };
        fleets.iter().any(|fleet| self.is_member(user_id, fleet) && has_device(fleet))
    }

    /// The records of a company's fleets.
    pub fn fleets_of_company(&self, company: &str) -> impl Iterator<Item = &Group> {
        self.of_company.get(company).into_iter().flatten().filter_map(|id| self.fleet(id))
    }

    /// The settings of a user.
    pub fn settings(&self, user_id: &str) -> Option<&UserSettings> {
        self.settings.of(user_id)
    }

    /// Whether there is room for the settings of one more user.
    pub fn has_room_for(&self, settings: &UserSettings) -> bool {
        self.settings.has_room_for(settings)
    }

    /// All members with their companies and, of these, the devices of the fleets that they are members of.
    pub fn members(&self) -> impl Iterator<Item = (&str, BTreeMap<&str, BTreeSet<u32>>)> {
        self.of_user.iter().map(|(user, fleets)| {
            let mut companies: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
            for entry in fleets.iter().filter_map(|id| self.fleets.get(id)).filter(|entry| entry.is_active) {
                companies.entry(&entry.record.company_id).or_default().extend(entry.devices.iter());
            }
            (&**user, companies)
        })
    }

    /// How many companies and fleets there are.
    pub fn counts(&self) -> (usize, usize) {
        (self.companies.len(), self.fleets.len())
    }

    fn sight(&self, caller: &Caller, entry: &FleetEntry) -> Option<FleetSight> {
        let user_id = caller.user_id();
        let fleets = user_id.as_deref().and_then(|user_id| self.of_user.get(user_id));
        let is_member = fleets.is_some_and(|fleets| fleets.contains(entry.record.group_id.as_str()));
        caller.sees_fleet(&entry.record.company_id, is_member)
    }

    fn fleet_ids_of(&self, caller: &Caller) -> BTreeSet<Arc<str>> {
        if caller.scopes.has(crate::Scope::FleetManage) && caller.scopes.has(crate::Scope::FleetManageAny) {
            return self.fleets.keys().cloned().collect();
        }
        let company = caller.company.as_deref().and_then(|company| self.of_company.get(company));
        let user_id = caller.user_id();
        let own = user_id.as_deref().and_then(|user_id| self.of_user.get(user_id));
        company.into_iter().chain(own).flatten().cloned().collect()
    }

    fn company_view(&self, record: &Company) -> CompanyView {
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let fleets = || self.fleets_of_company(&record.company_id);
        CompanyView {
            company_id: record.company_id.clone(),
            name: record.name.clone(),
            suspended: record.suspended,
            limits: Some(Limits::of(record.limits.as_ref()).message()),
            devices: record.devices.clone(),
            fleets: number(fleets().count()),
            fleet_devices: number(fleets().flat_map(|fleet| &fleet.devices).collect::<BTreeSet<_>>().len()),
            users: number(fleets().flat_map(|fleet| &fleet.user_ids).collect::<BTreeSet<_>>().len()),
        }
    }

    fn set_company(&mut self, id: &str, offset: u64, record: &Company) -> Vec<Arc<str>> {
        let known = self.companies.get(id);
        if known.map_or(self.companies.len() >= MAX_COMPANIES, |known| known.offset >= offset) {
            return Vec::new();
        }
        let record = Company { company_id: id.to_owned(), ..record.clone() };
        self.companies.insert(id.into(), CompanyEntry { record, offset });
        self.renew_fleets_of(id)
    }

    fn remove_company(&mut self, id: &str, offset: u64) -> Vec<Arc<str>> {
        if self.companies.get(id).is_none_or(|known| known.offset >= offset) {
            return Vec::new();
        }
        self.companies.remove(id);
        self.renew_fleets_of(id)
    }

    fn renew_fleets_of(&mut self, company: &str) -> Vec<Arc<str>> {
        let fleets: Vec<Arc<str>> = self.of_company.get(company).into_iter().flatten().cloned().collect();
        for id in &fleets {
            if let Some(entry) = self.fleets.get_mut(id) {
                entry.renew(self.companies.get(company).map(|entry| &entry.record));
            }
        }
        fleets
    }

    fn set_fleet(&mut self, id: &str, offset: u64, record: &Group) -> Vec<Arc<str>> {
        let known = self.fleets.get(id);
        if known.map_or(self.fleets.len() >= MAX_FLEETS, |known| known.offset >= offset) {
            return Vec::new();
        }
        let number = self.take_fleet(id).map_or_else(
            || {
                self.last_number += 1;
                self.last_number
            },
            |entry| entry.number,
        );
        let id: Arc<str> = id.into();
        let record = Group { group_id: id.to_string(), ..record.clone() };
        for user in &record.user_ids {
            self.of_user.entry(user.as_str().into()).or_default().insert(id.clone());
        }
        self.of_company.entry(record.company_id.as_str().into()).or_default().insert(id.clone());
        let mut entry = FleetEntry { record, offset, number, devices: Arc::default(), is_active: false };
        entry.renew(self.companies.get(entry.record.company_id.as_str()).map(|company| &company.record));
        self.fleets.insert(id.clone(), entry);
        vec![id]
    }

    fn remove_fleet(&mut self, id: &str, offset: u64) -> Vec<Arc<str>> {
        if self.fleets.get(id).is_none_or(|known| known.offset >= offset) {
            return Vec::new();
        }
        self.take_fleet(id);
        vec![id.into()]
    }

    /// Takes a fleet out, with what points to it.
    fn take_fleet(&mut self, id: &str) -> Option<FleetEntry> {
        let entry = self.fleets.remove(id)?;
        for user in &entry.record.user_ids {
            remove_from(&mut self.of_user, user, id);
        }
        remove_from(&mut self.of_company, &entry.record.company_id, id);
        Some(entry)
    }
}

impl FleetEntry {
    fn renew(&mut self, company: Option<&Company>) {
        self.is_active = company.is_some_and(|company| !company.suspended);
        let vouched: BTreeSet<u32> =
            company.iter().flat_map(|company| &company.devices).chain(&self.record.vouched_devices).copied().collect();
        let devices: BTreeSet<u32> =
            self.record.devices.iter().filter(|device| vouched.contains(device)).copied().collect();
        self.devices = devices.into_iter().collect();
    }
}

fn remove_from(index: &mut HashMap<Arc<str>, BTreeSet<Arc<str>>>, key: &str, fleet: &str) {
    if let Some(fleets) = index.get_mut(key) {
        fleets.remove(fleet);
        if fleets.is_empty() {
            index.remove(key);
        }
    }
}
