//! Who gets an event.

use schemas::v1::EventFilter;

use crate::event::Event;

/// Devices in a filter.
pub const MAX_DEVICES: usize = 100;
/// Sets of zones in a filter.
pub const MAX_SETS: usize = 32;

/// Fleets in a filter.
pub const MAX_FLEETS: usize = 20;

/// What a user has to do with the device of an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ties {
    /// It is the user's own.
    pub owns: bool,
    /// It is in one of the filter's fleets, and the user is a member of that.
    pub is_in_fleet: bool,
}

/// Whether a filter wants an event and may have it.
pub fn wants(filter: &EventFilter, event: &Event, now_us: u64, ties: Ties) -> bool {
    let device = event.device().0;
    let is_named = ties.is_in_fleet || filter.devices.contains(&device);
    match event {
        Event::Alert { hidden, .. } => {
            (filter.all_alerts || (filter.alerts_of_devices && is_named))
                && (!hidden || may_see_hidden(filter, device, now_us, ties))
        }
        Event::Zone(event) => filter.zone_sets.contains(&event.set) || (filter.zones_of_devices && is_named),
    }
}

/// Whether alerts of a device that is hidden may be sent. What the credentials have allowed counts until a time, since they
/// are not there when an alert comes.
pub fn may_see_hidden(filter: &EventFilter, device: u32, now_us: u64, ties: Ties) -> bool {
    let is_allowed = filter.hidden_until_us.is_some_and(|until_us| now_us < until_us);
    let is_tied = ties.owns || ties.is_in_fleet;
    is_allowed && (is_tied || filter.hidden_of_all || filter.hidden_devices.contains(&device))
}

#[cfg(test)]
mod tests {
    use schemas::v1::{AlertState, AlertStatus, ZoneEvent, ZoneEventKind};

    use super::*;

    const OWN: u32 = 0x11_0B90;
    const OTHER: u32 = 0x07_AB12;
    const NONE: Ties = Ties { owns: false, is_in_fleet: false };
    const FLEET: Ties = Ties { owns: false, is_in_fleet: true };

    fn alert(device: u32, hidden: bool) -> Event {
        let alert = AlertState { device, status: AlertStatus::Open.into(), ..AlertState::default() };
        Event::of_alert(alert, hidden).expect("known")
    }

    fn zone(device: u32, set: &str) -> Event {
        let kind = ZoneEventKind::Enter.into();
        Event::of_zone(ZoneEvent { device, set: set.to_owned(), event_kind: kind, ..ZoneEvent::default() })
            .expect("known")
    }

    #[test]
    fn alerts_are_of_all_or_of_named_devices() {
        let all = EventFilter { all_alerts: true, ..EventFilter::default() };
        let named = EventFilter { devices: vec![OWN], alerts_of_devices: true, ..EventFilter::default() };
        for (filter, own, other) in [(&all, true, true), (&named, true, false), (&EventFilter::default(), false, false)]
        {
            let wanted = [OWN, OTHER].map(|device| wants(filter, &alert(device, false), 0, NONE));
            assert_eq!(wanted, [own, other], "{filter:?}");
        }
    }

    #[test]
    fn hidden_alerts_are_for_those_who_may_and_for_a_time() {
        let all = EventFilter { all_alerts: true, ..EventFilter::default() };
        let some = EventFilter { hidden_until_us: Some(10), hidden_devices: vec![OWN], ..all.clone() };
        let any = EventFilter { hidden_until_us: Some(10), hidden_of_all: true, ..all.clone() };
        for (filter, now_us, owns, own, other) in [
            (&all, 0, true, false, false),
            (&some, 9, false, true, false),
            (&some, 9, true, true, true),
            (&some, 10, true, false, false),
            (&any, 9, false, true, true),
            (&any, 10, false, false, false),
        ] {
            let wanted = [OWN, OTHER].map(|device| wants(filter, &alert(device, true), now_us, Ties { owns, ..NONE }));
            assert_eq!(wanted, [own, other], "{filter:?} at {now_us}");
            assert!(wants(filter, &alert(OTHER, false), now_us, NONE), "public ones in any case");
        }
        let named = EventFilter { all_alerts: false, alerts_of_devices: true, devices: vec![OWN], ..any };
        assert!(!wants(&named, &alert(OTHER, true), 0, NONE), "it is not wanted");
    }

    #[test]
    fn a_fleet_counts_as_its_devices() {
        let filter = EventFilter { alerts_of_devices: true, fleets: vec!["red".to_owned()], ..EventFilter::default() };
        let wanted = |filter: &EventFilter, hidden, ties| wants(filter, &alert(OTHER, hidden), 0, ties);
        assert!(wanted(&filter, false, FLEET) && !wanted(&filter, false, NONE));
        assert!(!wanted(&filter, true, FLEET), "of hidden ones for those who may");
        let may = EventFilter { hidden_until_us: Some(10), ..filter.clone() };
        assert!(wanted(&may, true, FLEET) && !wanted(&may, true, NONE));
        assert!(!wants(&filter, &zone(OTHER, "jura"), 0, FLEET), "it is not asked for");
        let zones = EventFilter { zones_of_devices: true, ..filter };
        assert!(wants(&zones, &zone(OTHER, "jura"), 0, FLEET));
    }

    #[test]
    fn zone_events_are_of_sets_or_of_named_devices() {
        let sets = EventFilter { zone_sets: vec!["alps".to_owned()], devices: vec![OTHER], ..EventFilter::default() };
        assert!(wants(&sets, &zone(OWN, "alps"), 0, NONE) && !wants(&sets, &zone(OTHER, "jura"), 0, NONE));
        let devices = EventFilter { devices: vec![OWN], zones_of_devices: true, ..EventFilter::default() };
        assert!(wants(&devices, &zone(OWN, "jura"), 0, NONE) && !wants(&devices, &zone(OTHER, "jura"), 0, NONE));
    }
}
