//! Sets of zones, put together from their parts.
//!
//! Parts come in any order, repeated, and of several versions at once. A set takes effect with the last part of a version that
//! is higher than the present one; a version without zones removes it. So the core, every pusher and every reader of
//! `fanet.zone.v1` come to the same sets.

use std::collections::BTreeMap;

use prost::Message as _;
use schemas::v1::{self, ZoneSetPart};

use crate::index::Index;
use crate::limits::{ID_CHARS, PART_BYTES, PARTS, REMEMBERED_SETS, VERSIONS};
use crate::zone::Zone;

/// Version and number of a part.
type PartId = (u64, u32);

/// The change that a part makes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// The part was kept.
    pub is_kept: bool,
    /// Its version is complete: the zones of the set are others now.
    pub is_active: bool,
    /// Parts that are needed no more: set, version, number.
    pub dropped: Vec<(String, u64, u32)>,
}

/// All sets.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ZoneSets {
    sets: BTreeMap<String, BTreeMap<PartId, ZoneSetPart>>,
}

impl ZoneSets {
    /// Takes a part.
    ///
    /// # Errors
    /// The part is not a sound one; the reason is a metric label.
    pub fn take(&mut self, part: ZoneSetPart) -> Result<Change, &'static str> {
        let is_sound = is_set_name(&part.set) && part.version > 0 && (1..=PARTS).contains(&part.parts);
        if !is_sound || part.part >= part.parts || part.encoded_len() > 2 * PART_BYTES {
            return Err("bad_zone_set");
        }
        let mut change = Change::default();
        if part.version <= self.version(&part.set) || !self.has_room(&part.set, &mut change) {
            return Ok(change);
        }
        let (set, id) = (part.set.clone(), (part.version, part.part));
        let parts = self.sets.entry(set.clone()).or_default();
        let of_version = |parts: &BTreeMap<PartId, ZoneSetPart>, version| {
            parts.range((version, 0)..=(version, u32::MAX)).map(|(_, part)| part.parts).next()
        };
        // All parts of a version agree on their number.
        if of_version(parts, part.version).is_some_and(|others| others != part.parts) {
            return Err("bad_zone_set");
        }
        if parts.contains_key(&id) {
            return Ok(change);
        }
        let count = part.parts as usize;
        parts.insert(id, part);
        change.is_kept = true;
        change.is_active = parts.range((id.0, 0)..=(id.0, u32::MAX)).count() == count;
        let versions = || {
            let mut versions: Vec<u64> = parts.keys().map(|(version, _)| *version).collect();
            versions.dedup();
            versions
        };
        let lowest = if change.is_active {
            id.0
        } else {
            // Of too many versions that are incomplete, the lowest is given up; never the present one.
            let versions = versions();
            let surplus = versions.len().saturating_sub(VERSIONS);
            versions.get(surplus).copied().unwrap_or_default()
        };
        let active = active_version(parts);
        let dropped: Vec<PartId> =
            parts.keys().copied().filter(|(version, _)| *version < lowest && *version != active).collect();
        for id in dropped {
            parts.remove(&id);
            change.dropped.push((set.clone(), id.0, id.1));
        }
        Ok(change)
    }

    /// Whether a set is known, or can be added: of too many, removed ones are forgotten, the oldest first.
    fn has_room(&mut self, set: &str, change: &mut Change) -> bool {
        if self.sets.contains_key(set) || self.sets.len() < REMEMBERED_SETS {
            return true;
        }
        let removed = self.sets.iter().filter(|(set, parts)| !parts.is_empty() && self.zones_of(set).next().is_none());
        let complete = removed.filter(|(_, parts)| parts.keys().all(|(version, _)| *version == active_version(parts)));
        let oldest = complete.min_by_key(|(set, parts)| (active_version(parts), (*set).clone()));
        let Some(oldest) = oldest.map(|(set, _)| set.clone()) else { return false };
        let parts = self.sets.remove(&oldest).unwrap_or_default();
        change.dropped.extend(parts.into_keys().map(|(version, part)| (oldest.clone(), version, part)));
        true
    }

    /// A part that is kept.
    pub fn part(&self, set: &str, version: u64, part: u32) -> Option<&ZoneSetPart> {
        self.sets.get(set)?.get(&(version, part))
    }

    /// All parts that are kept.
    pub fn parts(&self) -> impl Iterator<Item = &ZoneSetPart> {
        self.sets.values().flat_map(BTreeMap::values)
    }

    /// The parts of complete versions: those that count.
    pub fn active_parts(&self) -> impl Iterator<Item = &ZoneSetPart> {
        self.sets.values().flat_map(|parts| {
            let version = active_version(parts);
            parts.range((version, 0)..=(version, u32::MAX)).map(|(_, part)| part)
        })
    }

    /// The version of a set that counts; 0: none is complete.
    pub fn version(&self, set: &str) -> u64 {
        self.sets.get(set).map_or(0, active_version)
    }

    /// The sets that have zones, with their versions.
    pub fn versions(&self) -> impl Iterator<Item = (&str, u64)> {
        let versions = self.sets.iter().map(|(set, parts)| (set.as_str(), active_version(parts)));
        versions.filter(|(set, _)| self.zones_of(set).next().is_some())
    }

    /// Who has imported a set that has zones: the importer, and its company.
    pub fn importer(&self, set: &str) -> Option<(&str, Option<&str>)> {
        let parts = self.sets.get(set)?;
        let version = active_version(parts);
        self.zones_of(set).next()?;
        let part = parts.range((version, 0)..).next().map(|(_, part)| part)?;
        Some((part.issued_by.as_str(), part.company.as_deref()))
    }

    /// The zones of a set.
    pub fn zones_of(&self, set: &str) -> impl Iterator<Item = &v1::Zone> {
        let parts = self.sets.get(set);
        let version = parts.map_or(0, active_version);
        parts
            .into_iter()
            .flat_map(move |parts| parts.range((version, 0)..=(version, u32::MAX)))
            .filter(move |_| version > 0)
            .flat_map(|(_, part)| &part.zones)
    }

    /// All zones that count, with their sets, in the order of sets and of their import.
    pub fn zones(&self) -> impl Iterator<Item = (&str, &v1::Zone)> {
        self.sets.keys().flat_map(|set| self.zones_of(set).map(move |zone| (set.as_str(), zone)))
    }

    /// The index of all zones.
    pub fn index(&self) -> Index {
        Index::new(self.zones().filter_map(|(set, zone)| Zone::decode(set, zone)))
    }
}

/// The highest complete version; 0: there is none.
fn active_version(parts: &BTreeMap<PartId, ZoneSetPart>) -> u64 {
    let mut counts: BTreeMap<u64, (u32, u32)> = BTreeMap::new();
    for part in parts.values() {
        let count = counts.entry(part.version).or_insert((0, part.parts));
        count.0 += 1;
    }
    let complete = counts.into_iter().filter(|(_, (there, all))| there == all);
    complete.map(|(version, _)| version).max().unwrap_or_default()
}

/// Whether a text names a set: lower-case letters, digits and hyphens.
pub fn is_set_name(text: &str) -> bool {
    let is_allowed = |letter: u8| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == b'-';
    (1..=ID_CHARS).contains(&text.len()) && text.bytes().all(is_allowed)
}

/// The parts of a version of a set; without zones, the one part that removes it.
pub fn split(set: &str, version: u64, issued_by: &str, zones: Vec<v1::Zone>) -> Vec<ZoneSetPart> {
    let mut groups: Vec<Vec<v1::Zone>> = vec![Vec::new()];
    let mut bytes = 0;
    for zone in zones {
        let length = zone.encoded_len();
        if bytes + length > PART_BYTES && bytes > 0 {
            groups.push(Vec::new());
            bytes = 0;
        }
        bytes += length;
        groups.last_mut().expect("never empty").push(zone);
    }
    let parts = groups.len() as u32;
    let part = |(part, zones)| ZoneSetPart {
        set: set.to_owned(),
        version,
        part,
        parts,
        zones,
        issued_by: issued_by.to_owned(),
        company: None,
    };
    (0..).zip(groups).map(part).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::rectangle;

    /// Three parts of a zone each.
    fn version(version: u64) -> Vec<ZoneSetPart> {
        let zone = |part: u32| vec![rectangle(&format!("z{version}-{part}"), 46.0, 7.0, 1.0, 1.0)];
        let part =
            |part| ZoneSetPart { set: "a".into(), version, part, parts: 3, zones: zone(part), ..Default::default() };
        (0..3).map(part).collect()
    }

    fn ids(sets: &ZoneSets) -> Vec<String> {
        sets.zones().map(|(_, zone)| zone.zone_id.clone()).collect()
    }

    #[test]
    fn a_set_takes_effect_with_its_last_part() {
        let mut sets = ZoneSets::default();
        for (count, part) in (1..).zip(version(5)) {
            let change = sets.take(part).unwrap();
            assert_eq!((change.is_kept, change.is_active), (true, count == 3));
        }
        assert_eq!(ids(&sets), ["z5-0", "z5-1", "z5-2"]);
        let [first, second, third] = version(6).try_into().unwrap();
        for part in [third, first] {
            assert!(!sets.take(part).unwrap().is_active);
            assert_eq!(ids(&sets).len(), 3, "the old version counts");
        }
        let change = sets.take(second).unwrap();
        assert!(change.is_active);
        assert_eq!(change.dropped, [0, 1, 2].map(|part| ("a".to_owned(), 5, part)));
        assert_eq!(ids(&sets), ["z6-0", "z6-1", "z6-2"]);
        // An older version, and a repeat.
        for part in version(5).into_iter().chain(version(6)) {
            assert_eq!(sets.take(part), Ok(Change::default()));
        }
        let removal = split("a", 7, "me", Vec::new());
        assert!(sets.take(removal[0].clone()).unwrap().is_active && ids(&sets).is_empty());
        assert_eq!((sets.version("a"), sets.versions().count()), (7, 0), "remembered, so that 6 does not return");
    }

    #[test]
    fn unsound_parts_are_refused() {
        let part = version(5)[0].clone();
        for unsound in [
            ZoneSetPart { set: "A b".into(), ..part.clone() },
            ZoneSetPart { part: 3, ..part.clone() },
            ZoneSetPart { parts: 0, ..part.clone() },
            ZoneSetPart { parts: PARTS + 1, ..part.clone() },
            ZoneSetPart { version: 0, ..part.clone() },
        ] {
            assert_eq!(ZoneSets::default().take(unsound), Err("bad_zone_set"));
        }
    }

    #[test]
    fn made_up_sets_and_versions_do_not_grow() {
        let mut sets = ZoneSets::default();
        for number in 0..1_000_u64 {
            let set = format!("s{}", number % 300);
            let part = split(&set, number + 1, "me", Vec::new()).remove(0);
            sets.take(part).unwrap();
            let part = ZoneSetPart { parts: 2, version: 10_000 + number, ..version(1)[0].clone() };
            sets.take(part).unwrap();
        }
        assert!(sets.sets.len() <= REMEMBERED_SETS && sets.parts().count() <= REMEMBERED_SETS + VERSIONS);
    }

    #[test]
    fn a_large_set_is_split() {
        let zones: Vec<_> = (0..5_000).map(|at| rectangle(&format!("z{at}"), 46.0, 7.0, 1.0, 1.0)).collect();
        let parts = split("a", 1, "me", zones.clone());
        assert!(parts.len() > 1 && parts.iter().all(|part| part.encoded_len() < PART_BYTES + 10_000));
        let mut sets = ZoneSets::default();
        parts.into_iter().rev().for_each(|part| drop(sets.take(part).unwrap()));
        assert!(sets.zones().map(|(_, zone)| zone).eq(&zones), "in their order");
    }

    proptest! {
        #[test]
        fn any_order_and_any_repeats_give_the_same_sets(
            order in Just(version(5).into_iter().chain(version(6)).chain(version(7)).collect::<Vec<_>>()).prop_shuffle(),
            repeats in prop::collection::vec(0..9_usize, 0..9),
        ) {
            let mut sets = ZoneSets::default();
            for at in (0..9).chain(repeats) {
                sets.take(order[at].clone()).unwrap();
            }
            prop_assert_eq!(ids(&sets), ["z7-0", "z7-1", "z7-2"]);
            prop_assert_eq!(sets.parts().count(), 3);
        }
    }
}
