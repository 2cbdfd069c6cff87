//! Which objects an answer has: region, age, types, and the bound on how many.

use std::sync::Arc;

use geo::Region;

use super::problem::Problem;
use super::query::Query;
use fanout::view::{Kind, Object, View};

/// Objects in one answer; what is beyond is left out, and the answer says so.
pub(super) const MAX_OBJECTS: usize = 10_000;

/// What is asked for.
#[derive(Debug)]
pub(super) struct Selection {
    region: Option<Region>,
    max_age_us: Option<u64>,
}

impl Selection {
    /// # Errors
    /// Peer: a region or an age that cannot be.
    pub(super) fn of(query: &Query) -> Result<Self, Problem> {
        let seconds = query.number("max_age_s", 0_u64..=10_000_000)?;
        Ok(Self { region: query.region()?, max_age_us: seconds.map(|seconds| seconds * 1_000_000) })
    }

    /// The region; `None` is the whole world.
    pub(super) fn region(&self) -> Option<&Region> {
        self.region.as_ref()
    }

    /// True where the answer depends on the time at which it is given.
    pub(super) fn has_age(&self) -> bool {
        self.max_age_us.is_some()
    }

    /// The objects of a kind, and whether some were left out. Exactly those in the region.
    pub(super) fn objects(
        &self,
        view: &View,
        kind: Kind,
        at_us: u64,
        wanted: impl Fn(&Object) -> bool,
    ) -> (Vec<Arc<Object>>, bool) {
        let fits = |object: &&Arc<Object>| self.is_fresh(object, at_us) && wanted(object);
        let mut found: Vec<Arc<Object>> = match &self.region {
            None => view.objects(kind).filter(fits).take(MAX_OBJECTS + 1).cloned().collect(),
            Some(region) => geo::cover(region, 64)
                .into_iter()
                .flat_map(|cell| view.in_cell(kind, cell))
                .filter_map(|id| view.object(id))
                .filter(|object| is_inside(region, object))
                .filter(fits)
                .take(MAX_OBJECTS + 1)
                .cloned()
                .collect(),
        };
        let truncated = found.len() > MAX_OBJECTS;
        found.truncate(MAX_OBJECTS);
        found.sort_unstable_by_key(|object| object.id);
        (found, truncated)
    }

    /// True where the object is young enough.
    pub(super) fn is_fresh(&self, object: &Object, at_us: u64) -> bool {
        self.max_age_us.is_none_or(|max_age_us| at_us.saturating_sub(object.state.event_at_us()) <= max_age_us)
    }
}

fn is_inside(region: &Region, object: &Object) -> bool {
    object.state.position().is_some_and(|position| region.contains(position.latitude_deg, position.longitude_deg))
}
