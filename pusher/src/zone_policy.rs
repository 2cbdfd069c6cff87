//! Who may change a set of zones, and how many zones there may be: each core holds them all.

use access::{Caller, Scope};
use zones::limits::{OWN_SETS, OWN_VERTICES, OWN_ZONES, SETS, VERTICES, ZONES};

use crate::zone_view::{Totals, ZoneView};

/// A set that a caller wants to replace or, without zones, to remove.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    pub(crate) caller: &'a Caller,
    pub(crate) set: &'a str,
    pub(crate) zones: usize,
    pub(crate) vertices: usize,
}

/// Why a set is not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    /// Others have imported it.
    #[error("the set was imported by others: choose another name")]
    NotYours,
    /// The sets of all together would be too large.
    #[error("with this set there were {count} {what}: expected at most {most}; remove other sets")]
    Full { what: &'static str, count: usize, most: usize },
    /// The sets of the caller and its company would be.
    #[error(
        "with this set you had {count} {what}: expected at most {most}; remove other sets, or ask an operator to import it"
    )]
    OwnFull { what: &'static str, count: usize, most: usize },
}

impl Wanted<'_> {
    /// The scope by which the caller may replace the set.
    ///
    /// # Errors
    /// As [`Refused`].
    pub(crate) fn check(&self, view: &ZoneView) -> Result<Scope, Refused> {
        let owner = view.sets().importer(self.set);
        let scope = self.caller.changes_zones_of(owner).ok_or(Refused::NotYours)?;
        if self.zones == 0 {
            return Ok(scope);
        }
        let beside = view.totals(|set, _| set != self.set);
        if let Some((what, count, most)) = self.excess(beside, [SETS, ZONES, VERTICES]) {
            return Err(Refused::Full { what, count, most });
        }
        if !self.caller.scopes.has(Scope::ZoneWriteAny) {
            let beside =
                view.totals(|set, importer| set != self.set && self.caller.changes_zones_of(importer).is_some());
            if let Some((what, count, most)) = self.excess(beside, [OWN_SETS, OWN_ZONES, OWN_VERTICES]) {
                return Err(Refused::OwnFull { what, count, most });
            }
        }
        Ok(scope)
    }

    /// The first limit that is exceeded: what, how much, and the limit.
    fn excess(&self, beside: Totals, limits: [usize; 3]) -> Option<(&'static str, usize, usize)> {
        let names = ["sets", "zones", "points of outlines"];
        let counts = [beside.sets + 1, beside.zones + self.zones, beside.vertices + self.vertices];
        let all = names.into_iter().zip(counts).zip(limits).map(|((what, count), most)| (what, count, most));
        all.into_iter().find(|(_, count, most)| count > most)
    }
}

#[cfg(test)]
mod tests {
    use access::{Credential, Pilot, Role};
    use schemas::v1::ZoneSetPart;

    use super::*;

    fn caller(role: Role, company: Option<&str>) -> Caller {
        Caller {
            subject: "ada".to_owned(),
            credential: Credential::Token,
            name: None,
            roles: vec![role],
            scopes: role.scopes(),
            company: company.map(str::to_owned),
            devices: Vec::new(),
            pilot: Pilot::default(),
            expires_at_s: None,
            accepted_until_s: None,
            session: None,
        }
    }

    /// Sets of two zones each, with the importer and its company.
    fn view(sets: &[(&str, &str, Option<&str>)]) -> ZoneView {
        let circle = "AC R\nAN a\nV X=46:00:00 N 008:00:00 E\nDC 1\n";
        let mut view = ZoneView::default();
        for (set, by, company) in sets {
            let zones = zones::openair::parse(&circle.repeat(2)).expect("zones").zones;
            let part = zones::split(set, 1, by, zones).remove(0);
            view.take(ZoneSetPart { company: company.map(str::to_owned), ..part }).expect("a part");
        }
        view
    }

    fn check(caller: &Caller, view: &ZoneView, set: &str, zones: usize) -> Result<Scope, Refused> {
        Wanted { caller, set, zones, vertices: zones * 72 }.check(view)
    }

    #[test]
    fn sets_of_others_are_for_operators() {
        let view = view(&[("own", "ada", None), ("club", "bob", Some("club")), ("school", "eve", Some("school"))]);
        let manager = caller(Role::FleetManager, Some("club"));
        for (set, expected) in [
            ("own", Ok(Scope::ZoneWrite)),
            ("club", Ok(Scope::ZoneWrite)),
            ("new", Ok(Scope::ZoneWrite)),
            ("school", Err(Refused::NotYours)),
        ] {
            assert_eq!(check(&manager, &view, set, 1), expected, "{set}");
            assert_eq!(check(&manager, &view, set, 0), expected, "{set}, removal");
        }
        assert_eq!(check(&caller(Role::Operator, None), &view, "school", 0), Ok(Scope::ZoneWriteAny));
    }

    #[test]
    fn one_company_does_not_take_all_the_room() {
        let names: Vec<String> = (0..OWN_SETS).map(|number| format!("s{number}")).collect();
        let sets: Vec<_> = names.iter().map(|name| (name.as_str(), "bob", Some("club"))).collect();
        let view = view(&sets);
        let manager = caller(Role::FleetManager, Some("club"));
        let full = |what, count, most| Err(Refused::OwnFull { what, count, most });
        assert_eq!(check(&manager, &view, "new", 1), full("sets", OWN_SETS + 1, OWN_SETS));
        assert_eq!(check(&manager, &view, "s0", OWN_ZONES), full("zones", OWN_ZONES + 2 * (OWN_SETS - 1), OWN_ZONES));
        assert_eq!(check(&manager, &view, "s0", 100), Ok(Scope::ZoneWrite), "it replaces itself");
        assert_eq!(check(&caller(Role::FleetManager, Some("school")), &view, "new", 1), Ok(Scope::ZoneWrite));
        let operator = caller(Role::Operator, None);
        assert_eq!(check(&operator, &view, "new", OWN_ZONES + 1), Ok(Scope::ZoneWrite));
        let most = ZONES - 2 * OWN_SETS;
        let refused = Err(Refused::Full { what: "zones", count: ZONES + 1, most: ZONES });
        assert_eq!(check(&operator, &view, "new", most + 1), refused);
    }
}
