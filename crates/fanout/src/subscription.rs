//! The subscription of one client.

use geo::{Cell, Region};
use schemas::v1;

use crate::covers::cells_of;
use crate::fleet::{Fleet, FleetKey};
use crate::view::{KindSet, Object, RegionMark};

/// How often a client receives updates.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[repr(u8)]
pub enum Rate {
    /// With every tick.
    #[default]
    Live,
    /// Once a second.
    Every1s,
    /// Every five seconds.
    Every5s,
    /// Every thirty seconds.
    Every30s,
}

impl Rate {
    /// The number of rates.
    pub const COUNT: usize = 4;
    /// All, in the order of their numbers.
    pub const ALL: [Self; Self::COUNT] = [Self::Live, Self::Every1s, Self::Every5s, Self::Every30s];

    /// The index, from 0.
    pub fn index(self) -> usize {
        self as usize
    }

    /// Seconds between flushes; 0 for every tick.
    pub fn interval_s(self) -> u64 {
        [0, 1, 5, 30][self.index()]
    }

    /// The rate of a message; `None` when it is unspecified.
    pub fn from_wire(rate: v1::RateClass) -> Option<Self> {
        match rate {
            v1::RateClass::Unspecified => None,
            v1::RateClass::Live => Some(Self::Live),
            v1::RateClass::Every1s => Some(Self::Every1s),
            v1::RateClass::Every5s => Some(Self::Every5s),
            v1::RateClass::Every30s => Some(Self::Every30s),
        }
    }

    /// The text in URLs.
    pub fn as_str(self) -> &'static str {
        ["live", "1s", "5s", "30s"][self.index()]
    }

    /// Parses the text of a URL.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rate| rate.as_str() == text)
    }
}

/// The interest that a group of clients shares.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Subject {
    /// The objects of some kinds in one cell.
    Cell(KindSet, Cell),
    /// All objects of one device, at any position.
    Device(u32),
    /// All objects of a fleet's devices, at any position.
    Fleet(FleetKey),
}

/// A client's subscription: cells, kinds, followed devices, a fleet, rate, and whether it gets zone events.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Subscription {
    /// Sorted; no cell contains another.
    cells: Vec<Cell>,
    kinds: KindSet,
    /// Sorted.
    follow_devices: Vec<u32>,
    fleet: Option<Fleet>,
    rate: Rate,
    zone_events: bool,
}

impl Subscription {
    /// A subscription to every kind, without a region.
    pub fn empty() -> Self {
        Self { kinds: KindSet::ALL, ..Self::default() }
    }

    /// The same with the region's cells, at most `max_cells`.
    #[must_use]
    pub fn with_region(self, region: &Region, max_cells: usize) -> Self {
        self.with_cells(cells_of(region, max_cells))
    }

    /// The same with the given cells of a region.
    #[must_use]
    pub(crate) fn with_cells(mut self, cells: Vec<Cell>) -> Self {
        self.cells = cells;
        self
    }

    /// The same with these kinds.
    #[must_use]
    pub fn with_kinds(mut self, kinds: KindSet) -> Self {
        self.kinds = kinds;
        self
    }

    /// The same with these followed devices.
    #[must_use]
    pub fn with_follow(mut self, mut devices: Vec<u32>) -> Self {
        devices.sort_unstable();
        devices.dedup();
        self.follow_devices = devices;
        self
    }

    /// The same with this fleet, or with none.
    #[must_use]
    pub fn with_fleet(mut self, fleet: Option<Fleet>) -> Self {
        self.fleet = fleet;
        self
    }

    /// The same with this rate.
    #[must_use]
    pub fn with_rate(mut self, rate: Rate) -> Self {
        self.rate = rate;
        self
    }

    /// The same with or without events of zones.
    #[must_use]
    pub fn with_zone_events(mut self, wanted: bool) -> Self {
        self.zone_events = wanted;
        self
    }

    /// The cells of the region, sorted.
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// The kinds of objects in its cells.
    pub fn kinds(&self) -> KindSet {
        self.kinds
    }

    /// The rate of updates.
    pub fn rate(&self) -> Rate {
        self.rate
    }

    /// The fleet whose devices it has at any position.
    pub fn fleet(&self) -> Option<&Fleet> {
        self.fleet.as_ref()
    }

    /// How many devices it follows.
    pub fn followed(&self) -> usize {
        self.follow_devices.len()
    }

    /// A hash of its region and kinds. Followed devices are not included, since the URL of a connection does not
    /// contain them, and neither is the fleet: a subscription with one does not resume.
    pub fn mark(&self) -> RegionMark {
        let kinds = self.kinds.iter().map(|kind| kind.index() as u32);
        RegionMark::of(self.cells.iter().map(|cell| cell.number()).chain(kinds))
    }

    /// All its subjects, without repetition.
    pub fn subjects(&self) -> impl Iterator<Item = Subject> {
        let cells = self.cells.iter().map(|cell| Subject::Cell(self.kinds, *cell));
        let followed = self.follow_devices.iter().map(|device| Subject::Device(*device));
        cells.chain(followed).chain(self.fleet.iter().map(|fleet| Subject::Fleet(fleet.key())))
    }

    /// Whether it has the subject.
    pub fn has(&self, subject: Subject) -> bool {
        match subject {
            Subject::Cell(kinds, cell) => self.kinds == kinds && self.cells.binary_search(&cell).is_ok(),
            Subject::Device(device) => self.follows(device),
            Subject::Fleet(key) => self.fleet.as_ref().is_some_and(|fleet| fleet.key() == key),
        }
    }

    /// Whether the client shows the object.
    pub fn sees(&self, object: &Object) -> bool {
        object.state.device().is_some_and(|device| self.has_device(device)) || self.covers_object(object)
    }

    /// Whether the object is in one of its cells and of one of its kinds.
    pub fn covers_object(&self, object: &Object) -> bool {
        object.cell.is_some_and(|cell| self.kinds.contains(object.id.kind) && self.covers(cell))
    }

    /// Whether the object is of one of its kinds, at any position, or of a device that it follows or has in its fleet.
    pub fn shows_kind(&self, object: &Object) -> bool {
        self.kinds.contains(object.id.kind) || object.state.device().is_some_and(|device| self.has_device(device))
    }

    /// Whether the client gets the events of zones of a device that is in a cell. The kinds do not matter.
    pub fn gets_zone_event(&self, device: u32, cell: Option<Cell>) -> bool {
        self.zone_events && (self.has_device(device) || cell.is_some_and(|cell| self.covers(cell)))
    }

    /// Whether the cell is in one of its cells.
    pub fn covers(&self, cell: Cell) -> bool {
        (1..=cell.precision()).any(|precision| self.cells.binary_search(&cell.ancestor(precision)).is_ok())
    }

    /// Whether it has a device at any position: followed, or in its fleet.
    fn has_device(&self, device: u32) -> bool {
        self.follows(device) || self.fleet.as_ref().is_some_and(|fleet| fleet.has(device))
    }

    fn follows(&self, device: u32) -> bool {
        self.follow_devices.binary_search(&device).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use geo::Circle;

    use super::*;
    use crate::view::Kind;

    #[test]
    fn a_subscription_covers_the_objects_in_its_cells() {
        let region = Region::Circle(Circle::new(46.5, 8.0, 20.0).unwrap());
        let subscription =
            Subscription::empty().with_region(&region, 64).with_kinds([Kind::Ground].into_iter().collect());
        assert!(subscription.covers(Cell::at(46.6, 8.1, 6)));
        assert!(!subscription.covers(Cell::at(47.5, 8.1, 6)));
        assert_eq!(subscription.subjects().count(), subscription.cells().len());
        assert!(subscription.subjects().all(|subject| subscription.has(subject)));
        assert!(!subscription.has(Subject::Cell(KindSet::ALL, subscription.cells()[0])));
    }

    #[test]
    fn followed_devices_are_listed_once() {
        let subscription = Subscription::empty().with_follow(vec![9, 3, 9]);
        assert_eq!(subscription.subjects().collect::<Vec<_>>(), [Subject::Device(3), Subject::Device(9)]);
    }

    #[test]
    fn rates_have_the_texts_of_the_contract() {
        assert_eq!(Rate::ALL.map(Rate::as_str), ["live", "1s", "5s", "30s"]);
        assert_eq!(Rate::parse("5s"), Some(Rate::Every5s));
        assert_eq!(Rate::parse("2s"), None);
    }
}
