//! The zones that the map shows, and the latest events of aircraft entering and leaving them.

use std::collections::{BTreeMap, HashSet, VecDeque};

use geo::{Bounds, Region};
use schemas::v1::{self, ZoneEvent, ZoneSetPart};
use zones::{Change, Zone, ZoneSets, geojson};

/// How long events are held, microseconds: a client that was away for a night gets them all.
pub(crate) const EVENTS_HELD_US: u64 = 24 * 3_600 * 1_000_000;
/// Events that are held; beyond it, the oldest are dropped.
const MAX_EVENTS: usize = 20_000;

/// The sets of zones, with the zones as features of GeoJSON.
#[derive(Debug, Default)]
pub(crate) struct ZoneView {
    sets: ZoneSets,
    /// By set, in the order of their import.
    features: BTreeMap<String, Vec<Feature>>,
}

/// How much some sets have together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) sets: usize,
    pub(crate) zones: usize,
    pub(crate) vertices: usize,
}

/// A zone as the map gets it.
#[derive(Debug)]
struct Feature {
    bounds: Vec<Bounds>,
    vertices: usize,
    json: String,
}

impl ZoneView {
    /// Takes a part of a set.
    pub(crate) fn take(&mut self, part: ZoneSetPart) -> Result<Change, &'static str> {
        let set = part.set.clone();
        let change = self.sets.take(part)?;
        if change.is_active {
            let features: Vec<Feature> = self.sets.zones_of(&set).filter_map(|zone| feature(&set, zone)).collect();
            self.features.remove(&set);
            if !features.is_empty() {
                self.features.insert(set, features);
            }
        }
        Ok(change)
    }

    /// The sets behind it.
    pub(crate) fn sets(&self) -> &ZoneSets {
        &self.sets
    }

    /// How much the chosen sets have together. `is_chosen` gets a set's name, and its importer with its company.
    pub(crate) fn totals(&self, is_chosen: impl Fn(&str, Option<(&str, Option<&str>)>) -> bool) -> Totals {
        let mut totals = Totals::default();
        for (_, features) in self.features.iter().filter(|(set, _)| is_chosen(set, self.sets.importer(set))) {
            totals.sets += 1;
            totals.zones += features.len();
            totals.vertices += features.iter().map(|feature| feature.vertices).sum::<usize>();
        }
        totals
    }

    /// The features of a set in a region (without one: of all sets, everywhere) as texts of JSON.
    pub(crate) fn inside<'a>(
        &'a self,
        set: Option<&'a str>,
        region: Option<&'a Region>,
    ) -> impl Iterator<Item = &'a str> {
        let chosen = self.features.iter().filter(move |(name, _)| set.is_none_or(|set| name.as_str() == set));
        let all = chosen.flat_map(|(_, features)| features);
        let touches = move |feature: &&Feature| {
            region.is_none_or(|region| feature.bounds.iter().any(|bounds| region.touches(bounds)))
        };
        all.filter(touches).map(|feature| feature.json.as_str())
    }
}

/// `None`: no zone that can be used.
fn feature(set: &str, zone: &v1::Zone) -> Option<Feature> {
    let decoded = Zone::decode(set, zone)?;
    let json = geojson::feature(set, zone, decoded.is_judged());
    Some(Feature { bounds: decoded.bounds().collect(), vertices: decoded.vertices(), json: json.to_string() })
}

/// The latest events.
#[derive(Debug, Default)]
pub(crate) struct ZoneEvents {
    events: VecDeque<ZoneEvent>,
    ids: HashSet<String>,
}

impl ZoneEvents {
    /// Adds an event. Returns false for one that is known: the processor writes some again after a restart.
    pub(crate) fn add(&mut self, event: ZoneEvent, now_us: u64) -> bool {
        if !self.ids.insert(event.event_id.clone()) {
            return false;
        }
        self.events.push_back(event);
        let is_old = |event: &ZoneEvent| event.event_at_us.saturating_add(EVENTS_HELD_US) < now_us;
        while self.events.len() > MAX_EVENTS || self.events.front().is_some_and(is_old) {
            if let Some(oldest) = self.events.pop_front() {
                self.ids.remove(&oldest.event_id);
            }
        }
        true
    }

    /// All events, in the order of their arrival.
    pub(crate) fn all(&self) -> impl Iterator<Item = &ZoneEvent> {
        self.events.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "AC R\nAN Reserve\nAL GND\nAH 300 m AGL\nV X=46:00:00 N 008:00:00 E\nDC 1\n\
                        AC CTR\nAN Fiji\nV X=17:00:00 S 180:00:00 E\nDC 5\n";

    fn view() -> ZoneView {
        let mut view = ZoneView::default();
        let import = zones::openair::parse(FILE).unwrap();
        for part in zones::split("swiss", 5, "me", import.zones) {
            view.take(part).unwrap();
        }
        view
    }

    #[test]
    fn a_region_has_the_zones_that_it_touches() {
        let view = view();
        let names = |south, west, north, east| {
            let region = Region::Bounds(Bounds::new(south, west, north, east).unwrap());
            let features =
                view.inside(None, Some(&region)).map(|json| serde_json::from_str::<serde_json::Value>(json).unwrap());
            features.map(|feature| feature["properties"]["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(names(46.0, 8.0, 47.0, 9.0), ["Reserve"]);
        assert_eq!(names(-18.0, 179.0, -16.0, 179.99), ["Fiji"]);
        assert_eq!(names(-18.0, -179.99, -16.0, -179.0), ["Fiji"]);
        assert!(names(0.0, 0.0, 1.0, 1.0).is_empty());
        assert_eq!(view.inside(None, None).count(), 2);
        assert_eq!((view.inside(Some("swiss"), None).count(), view.inside(Some("other"), None).count()), (2, 0));
        assert_eq!(view.totals(|set, _| set != "swiss"), Totals::default());
        assert_eq!(view.totals(|_, importer| importer == Some(("me", None))).zones, 2);
    }

    #[test]
    fn a_removed_set_has_no_features() {
        let mut view = view();
        view.take(zones::split("swiss", 6, "me", Vec::new()).remove(0)).unwrap();
        assert_eq!((view.inside(None, None).count(), view.sets().version("swiss")), (0, 6));
    }

    #[test]
    fn a_repeated_event_counts_once_and_old_ones_end() {
        let mut events = ZoneEvents::default();
        let event = |id: u64| ZoneEvent { event_id: id.to_string(), event_at_us: id, ..ZoneEvent::default() };
        for id in [1, 2, 1, 3] {
            events.add(event(id), 3);
        }
        assert_eq!(events.all().count(), 3);
        events.add(event(EVENTS_HELD_US + 3), EVENTS_HELD_US + 3);
        assert_eq!(events.all().map(|event| event.event_at_us).collect::<Vec<_>>(), [3, EVENTS_HELD_US + 3]);
        for id in 4..50_000 {
            events.add(event(id), 3);
        }
        assert_eq!((events.all().count(), events.ids.len()), (MAX_EVENTS, MAX_EVENTS));
    }
}
