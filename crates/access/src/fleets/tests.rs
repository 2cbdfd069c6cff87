//! Companies and fleets, record by record.

use schemas::DeviceAddress;
use schemas::v1::account::Entity;
use schemas::v1::{Company, CompanyLimits, Group, SavedView, UserSettings};

use super::*;
use crate::{Caller, Credential, Role, Scope};

const OWN: u32 = 0x11_0B90;
const OF_COMPANY: u32 = 0x07_AB12;
const FOREIGN: u32 = 0x20_0001;

fn caller(subject: &str, role: Role, company: Option<&str>) -> Caller {
    let unknown = Caller::unknown(Credential::Token);
    let devices = vec![DeviceAddress(OWN)];
    Caller {
        subject: subject.to_owned(),
        scopes: role.scopes(),
        company: company.map(str::to_owned),
        devices,
        ..unknown
    }
}

fn company(devices: &[u32]) -> Entity {
    Entity::Company(Company { name: "Club".to_owned(), devices: devices.to_vec(), ..Company::default() })
}

fn fleet(devices: &[u32], users: &[&str]) -> Entity {
    Entity::Group(Group {
        company_id: "club".to_owned(),
        name: "Fleet".to_owned(),
        devices: devices.to_vec(),
        user_ids: users.iter().map(|user| (*user).to_owned()).collect(),
        ..Group::default()
    })
}

fn directory() -> Directory {
    let mut directory = Directory::default();
    directory.apply("company/club", 1, Some(&company(&[OF_COMPANY])));
    directory.apply("group/red", 1, Some(&fleet(&[OF_COMPANY], &["token/ada"])));
    directory
}

fn wish<'a>(caller: &'a Caller, devices: &'a [DeviceAddress], user_ids: &'a [String]) -> FleetWish<'a> {
    FleetWish { caller, id: "blue", company: "club", name: "Blue", devices, user_ids }
}

#[test]
fn a_device_is_in_the_fleet_of_members_alone() {
    let mut directory = directory();
    let red = ["red".to_owned()];
    assert!(directory.is_in_fleet_of("token/ada", &red, OF_COMPANY));
    assert!(!directory.is_in_fleet_of("token/bob", &red, OF_COMPANY));
    assert!(!directory.is_in_fleet_of("token/ada", &["blue".to_owned()], OF_COMPANY));
    assert!(!directory.is_in_fleet_of("token/ada", &red, OF_COMPANY + 1));
    directory.apply("group/red", 9, Some(&fleet(&[OF_COMPANY], &["token/bob"])));
    assert!(!directory.is_in_fleet_of("token/ada", &red, OF_COMPANY), "left out");
}

#[test]
fn a_member_sees_the_fleet_until_it_is_left_out() {
    let (ada, bob) = (caller("ada", Role::Pilot, None), caller("bob", Role::Pilot, None));
    let mut directory = directory();
    let look = directory.look(&ada, "red").expect("a member");
    assert_eq!((&*look.devices, look.sight.sees_hidden, &*look.company), (&[OF_COMPANY][..], true, "club"));
    assert_eq!((directory.look(&bob, "red"), directory.look(&ada, "blue")), (None, None));
    assert_eq!(directory.fleets_of(&ada)[0].user_ids.len(), 0, "members do not see each other");
    assert_eq!(*directory.apply("group/red", 2, Some(&fleet(&[OF_COMPANY], &["token/bob"]))), ["red".into()]);
    assert_eq!(directory.look(&ada, "red"), None);
    assert_eq!(directory.look(&bob, "red").map(|look| look.number), Some(look.number));
    assert!(directory.apply("group/red", 1, Some(&fleet(&[OF_COMPANY], &["token/ada"]))).is_empty(), "older");
    assert_eq!(*directory.apply("group/red", 3, None), ["red".into()]);
    assert_eq!(directory.look(&bob, "red"), None);
    assert!(directory.apply("group/red", 2, Some(&fleet(&[], &["token/bob"]))).is_empty(), "older than its end");
    assert!(directory.apply("group/red", 4, Some(&fleet(&[], &["token/bob"]))).len() == 1);
    assert_ne!(directory.look(&bob, "red").map(|look| look.number), Some(look.number), "another fleet of that name");
}

#[test]
fn records_may_come_in_any_order() {
    let ada = caller("ada", Role::Pilot, None);
    let mut directory = Directory::default();
    directory.apply("group/red", 7, Some(&fleet(&[OF_COMPANY], &["token/ada"])));
    assert_eq!(directory.look(&ada, "red"), None, "the company is not known");
    assert_eq!(*directory.apply("company/club", 1, Some(&company(&[OF_COMPANY, OWN]))), ["red".into()]);
    assert_eq!(&*directory.look(&ada, "red").expect("known").devices, [OF_COMPANY]);
    for (key, entity) in [("device/110B90", None), ("group", None), ("company/club", Some(fleet(&[], &[])))] {
        assert!(directory.apply(key, 9, entity.as_ref()).is_empty(), "{key}");
    }
}

#[test]
fn a_device_that_the_company_loses_leaves_its_fleets() {
    let ada = caller("ada", Role::Pilot, None);
    let mut directory = directory();
    assert_eq!(*directory.apply("company/club", 2, Some(&company(&[]))), ["red".into()]);
    assert!(directory.look(&ada, "red").expect("a member").devices.is_empty());
    let suspended = Entity::Company(Company { suspended: true, ..Company::default() });
    directory.apply("company/club", 3, Some(&suspended));
    assert_eq!((directory.look(&ada, "red"), directory.fleets_of(&ada).len()), (None, 0));
    let operator = caller("op", Role::Operator, None);
    assert_eq!(directory.look(&operator, "red"), None, "nobody sees it");
    assert!(!directory.fleets_of(&operator)[0].active);
}

#[test]
fn managers_put_in_what_is_vouched_for() {
    let directory = directory();
    let manager = caller("eva", Role::FleetManager, Some("club"));
    let devices = [OWN, OF_COMPANY].map(DeviceAddress);
    let (scope, record) = wish(&manager, &devices, &["key/a1".to_owned()]).check(&directory).expect("allowed");
    assert_eq!((scope, &record.vouched_devices[..]), (Scope::FleetManage, &[OWN][..]));
    let foreign = [DeviceAddress(FOREIGN)];
    let refused = wish(&manager, &foreign, &[]).check(&directory);
    assert_eq!(refused, Err(Refused::ForeignDevice(DeviceAddress(FOREIGN))));
    let operator = caller("op", Role::Operator, None);
    let (scope, by_operator) = wish(&operator, &foreign, &[]).check(&directory).expect("an operator's word");
    assert_eq!(scope, Scope::FleetManageAny);
    let mut later = directory;
    later.apply("group/blue", 1, Some(&Entity::Group(by_operator)));
    let (_, kept) = wish(&manager, &foreign, &[]).check(&later).expect("in it already");
    assert_eq!(kept.vouched_devices, [FOREIGN]);
}

#[test]
fn others_change_nothing() {
    let directory = directory();
    for (role, company) in [
        (Role::Pilot, Some("club")),
        (Role::Rescue, Some("club")),
        (Role::FleetManager, Some("school")),
        (Role::FleetManager, None),
    ] {
        let other = caller("eva", role, company);
        assert_eq!(wish(&other, &[], &[]).check(&directory), Err(Refused::NotYours), "{role:?} {company:?}");
        assert_eq!(directory.check_removal(&other, "red"), Err(Refused::NotYours));
        assert_eq!(directory.check_removal(&other, "blue"), Ok(None));
    }
    let manager = caller("eva", Role::FleetManager, Some("school"));
    let taken = FleetWish { id: "red", company: "school", ..wish(&manager, &[], &[]) };
    assert_eq!(taken.check(&directory), Err(Refused::NotYours), "the fleet of another company");
    let operator = caller("op", Role::Operator, None);
    let unknown = FleetWish { company: "school", ..wish(&operator, &[], &[]) };
    assert_eq!(unknown.check(&directory), Err(Refused::UnknownCompany("school".to_owned())));
    assert_eq!(directory.check_company_removal("club"), Err(Refused::HasFleets(1)));
}

#[test]
fn company_limits_hold_for_all_its_fleets_together() {
    let mut directory = directory();
    let limits = CompanyLimits { max_devices: Some(2), max_users: Some(1), max_fleets: Some(2), ..Default::default() };
    let limited = Company { devices: vec![1, 2, OF_COMPANY], limits: Some(limits), ..Company::default() };
    directory.apply("company/club", 2, Some(&Entity::Company(limited)));
    let manager = caller("eva", Role::FleetManager, Some("club"));
    let what = |refused: Result<(Scope, Group), Refused>| match refused {
        Err(Refused::Full { what, count, most, .. }) => (what, count, most),
        other => panic!("{other:?}"),
    };
    let three = [1, 2].map(DeviceAddress);
    assert_eq!(what(wish(&manager, &three, &[]).check(&directory)), ("devices in fleets of the company", 3, 2));
    assert!(FleetWish { id: "red", ..wish(&manager, &three, &[]) }.check(&directory).is_ok(), "it replaces its own");
    let two = ["token/ada", "token/bob"].map(str::to_owned);
    assert_eq!(what(wish(&manager, &[], &two).check(&directory)), ("members of fleets of the company", 2, 1));
    directory.apply("group/green", 1, Some(&fleet(&[], &[])));
    assert_eq!(what(wish(&manager, &[], &[]).check(&directory)), ("fleets of the company", 3, 2));
}

#[test]
fn invalid_values_are_named() {
    let directory = directory();
    let operator = caller("op", Role::Operator, None);
    for (name, user) in [("", "token/a"), ("a\nb", "token/a"), (" a", "token/a"), ("ok", "ada"), ("ok", "token/")] {
        let users = [user.to_owned()];
        let refused = FleetWish { name, ..wish(&operator, &[], &users) }.check(&directory);
        assert!(matches!(refused, Err(Refused::Invalid { .. })), "{name:?} {user:?}");
    }
    let company = CompanyWish { id: "x", name: "X", suspended: false, limits: None, devices: &[] };
    assert!(company.check(&directory).is_ok());
    let too_many = CompanyLimits { max_devices: Some(5_001), ..Default::default() };
    assert!(CompanyWish { limits: Some(too_many), ..company }.check(&directory).is_err());
    let devices: Vec<_> = (0..501).map(DeviceAddress).collect();
    assert!(CompanyWish { devices: &devices, ..company }.check(&directory).is_err());
    for (id, is_one) in [("a-1", true), ("", false), ("A", false), ("a/b", false), (&*"x".repeat(49), false)] {
        assert_eq!(is_id(id), is_one, "{id}");
    }
}

#[test]
fn settings_are_kept_by_user_and_bounded() {
    let view = |name: &str| SavedView {
        name: name.to_owned(),
        south_deg: 46.0,
        west_deg: 7.0,
        north_deg: 47.0,
        east_deg: 8.0,
        ..SavedView::default()
    };
    let settings = |views: Vec<SavedView>| UserSettings { views, ..UserSettings::default() };
    assert_eq!(check_settings(&settings(vec![view("Alps"), view("Jura")])), Ok(()));
    let bad_bounds = SavedView { south_deg: 48.0, ..view("x") };
    let long = [("x".repeat(65), String::new())].into_iter().collect();
    for bad in [
        settings(vec![view("Alps"), view("Alps")]),
        settings(vec![view("")]),
        settings(vec![bad_bounds]),
        settings((0..=MAX_VIEWS).map(|number| view(&number.to_string())).collect()),
        settings(vec![SavedView { filters: long, ..view("x") }]),
    ] {
        assert!(check_settings(&bad).is_err(), "{bad:?}");
    }
    let mut directory = Directory::default();
    let entity = |name: &str| Entity::UserSettings(settings(vec![view(name)]));
    directory.apply("user_settings/token/ada", 4, Some(&entity("Alps")));
    directory.apply("user_settings/token/ada", 3, Some(&entity("older")));
    assert_eq!(directory.settings("token/ada").map(|settings| &*settings.views[0].name), Some("Alps"));
    directory.apply("user_settings/token/ada", 5, None);
    assert_eq!(directory.settings("token/ada"), None);
}
