//! The public past of each device, from the processor's records.
//!
//! One entry per address, in pages of 256: anyone can invent addresses, and no entry may be dropped, since that would
//! show a hidden device. If all possible addresses objected, the entries would take some 270 MB.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;
use schemas::privacy::PublicPast;
use schemas::v1::PrivacyState;

/// Addresses of one page.
const PAGE: usize = 256;

#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    version: u64,
    /// As in the record: `u64::MAX` is hidden.
    public_since_us: u64,
}

/// What commands of people have restricted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restriction {
    /// On the deny list.
    pub denied: bool,
    /// Hidden by its owner or an operator.
    pub hidden_by_command: bool,
    /// Its name and texts are withheld.
    pub name_hidden: bool,
}

/// The privacy of all devices that are or were hidden.
#[derive(Debug, Default)]
pub struct PrivacyView {
    pages: FxHashMap<u32, Box<[Entry; PAGE]>>,
    hidden: usize,
    /// Only commands make entries, and only people with credentials make commands.
    restricted: BTreeMap<u32, Restriction>,
}

impl PrivacyView {
    /// Applies a record. Returns false for one that is older than the known state.
    pub fn apply(&mut self, state: &PrivacyState) -> bool {
        let page = self.pages.entry(state.device >> 8).or_insert_with(|| Box::new([Entry::default(); PAGE]));
        let entry = &mut page[state.device as usize % PAGE];
        if state.version < entry.version {
            return false;
        }
        let past = PublicPast::of(state);
        let was_hidden = entry.past() == PublicPast::Nothing;
        *entry = Entry { version: state.version, public_since_us: past.first_us().unwrap_or(u64::MAX) };
        self.hidden = self.hidden + usize::from(past == PublicPast::Nothing) - usize::from(was_hidden);
        let PrivacyState { denied, hidden_by_command, name_hidden, .. } = *state;
        if denied || hidden_by_command || name_hidden {
            self.restricted.insert(state.device, Restriction { denied, hidden_by_command, name_hidden });
        } else {
            self.restricted.remove(&state.device);
        }
        true
    }

    /// The public past of a device.
    pub fn public_past(&self, device: u32) -> PublicPast {
        let page = self.pages.get(&(device >> 8));
        page.map_or(PublicPast::Everything, |page| page[device as usize % PAGE].past())
    }

    /// Whether the public may not see what a device calls itself.
    pub fn hides_name(&self, device: u32) -> bool {
        self.restricted.get(&device).is_some_and(|restriction| restriction.name_hidden)
    }

    /// The devices that commands restrict, by address.
    pub fn restricted(&self) -> impl Iterator<Item = (u32, Restriction)> {
        self.restricted.iter().map(|(device, restriction)| (*device, *restriction))
    }

    /// The number of hidden devices, whether or not they are in the air picture.
    pub fn hidden(&self) -> usize {
        self.hidden
    }
}

impl Entry {
    fn past(&self) -> PublicPast {
        match self.public_since_us {
            0 => PublicPast::Everything,
            u64::MAX => PublicPast::Nothing,
            since_us => PublicPast::Since(since_us),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn state(device: u32, version: u64, past: PublicPast) -> PrivacyState {
        past.put(PrivacyState { device, version, ..PrivacyState::default() })
    }

    #[test]
    fn the_newest_record_of_a_device_decides() {
        let mut view = PrivacyView::default();
        assert_eq!(view.public_past(7), PublicPast::Everything, "never hidden");
        assert!(view.apply(&state(7, 5, PublicPast::Nothing)));
        assert!(!view.apply(&state(7, 4, PublicPast::Since(1))));
        assert_eq!((view.public_past(7), view.hidden()), (PublicPast::Nothing, 1));
        assert!(view.apply(&state(7, 6, PublicPast::Since(9))));
        assert_eq!((view.public_past(7), view.hidden()), (PublicPast::Since(9), 0));
        assert_eq!(view.public_past(7 + 256), PublicPast::Everything, "another page");
    }

    #[test]
    fn restrictions_are_those_of_the_newest_record() {
        let mut view = PrivacyView::default();
        let command = |version, denied, hidden_by_command| PrivacyState {
            denied,
            hidden_by_command,
            ..state(7, version, PublicPast::Nothing)
        };
        assert!(view.apply(&state(8, 1, PublicPast::Nothing)), "hidden by its own bit");
        assert!(view.apply(&command(5, true, true)));
        assert!(!view.apply(&command(4, false, false)), "older");
        let both = Restriction { denied: true, hidden_by_command: true, name_hidden: false };
        assert!(view.restricted().eq([(7, both)]));
        assert!(view.apply(&command(6, false, true)));
        assert!(view.restricted().eq([(7, Restriction { denied: false, ..both })]));
        assert!(view.apply(&command(7, false, false)));
        assert_eq!(view.restricted().count(), 0);
    }

    fn past() -> impl Strategy<Value = PublicPast> {
        prop_oneof![Just(PublicPast::Nothing), Just(PublicPast::Everything), (1..u64::MAX).prop_map(PublicPast::Since)]
    }

    proptest! {
        #[test]
        fn the_view_agrees_with_a_map(records in prop::collection::vec((0..600_u32, 0..9_u64, past()), 0..80)) {
            let mut view = PrivacyView::default();
            let mut known: std::collections::BTreeMap<u32, (u64, PublicPast)> = Default::default();
            for (device, version, past) in records {
                let is_old = known.get(&device).is_some_and(|(newest, _)| *newest > version);
                prop_assert_eq!(view.apply(&state(device, version, past)), !is_old);
                if !is_old {
                    known.insert(device, (version, past));
                }
            }
            for device in 0..600 {
                let expected = known.get(&device).map_or(PublicPast::Everything, |(_, past)| *past);
                prop_assert_eq!(view.public_past(device), expected);
            }
            let hidden = known.values().filter(|(_, past)| *past == PublicPast::Nothing).count();
            prop_assert_eq!(view.hidden(), hidden);
        }
    }
}
