//! The objects of a response: selected by region and age, and limited in number.

use std::sync::Arc;

use geo::Region;

use super::problem::Problem;
use super::query::Query;
use fanout::view::{Kind, Object, View};

/// Objects in one response. Further ones are left out, and `truncated` is true.
pub(super) const MAX_OBJECTS: usize = 10_000;

/// The maximum of `max_age_s`.
pub(super) const MAX_AGE_S: u64 = 10_000_000;

/// The region and age of a request.
#[derive(Debug)]
pub(super) struct Selection {
    region: Option<Region>,
    max_age_us: Option<u64>,
}

impl Selection {
    /// # Errors
    /// 400: an invalid region or age.
    pub(super) fn parse(query: &Query) -> Result<Self, Problem> {
        let seconds = query.number("max_age_s", 0..=MAX_AGE_S)?;
        Ok(Self { region: query.region()?, max_age_us: seconds.map(|seconds| seconds * 1_000_000) })
    }

    /// The region; `None`: the complete world.
    pub(super) fn region(&self) -> Option<&Region> {
        self.region.as_ref()
    }

    /// Whether the response depends on the time of the request.
    pub(super) fn has_age(&self) -> bool {
        self.max_age_us.is_some()
    }

    /// The objects of a kind in the exact region, and whether some were left out.
    pub(super) fn objects(
        &self,
        view: &View,
        kind: Kind,
        now_us: u64,
        filter: impl Fn(&Object) -> bool,
    ) -> (Vec<Arc<Object>>, bool) {
        let fits = |object: &&Arc<Object>| self.is_fresh(object, now_us) && filter(object);
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

    /// Whether the object is within the age.
    pub(super) fn is_fresh(&self, object: &Object, now_us: u64) -> bool {
        self.max_age_us.is_none_or(|max_age_us| now_us.saturating_sub(object.state.event_at_us()) <= max_age_us)
    }
}

fn is_inside(region: &Region, object: &Object) -> bool {
    object.state.position().is_some_and(|position| region.contains(position.latitude_deg, position.longitude_deg))
}
