//! What was observed in a region, by time.

use super::{Dialect, Judged, behind, columns, inside, is_excluded_from_track, judged_columns};
use crate::model::Stored;
use crate::slices::Slice;
use crate::{GroundPositionRow, ObservedRow, PositionKey, PositionRow, RegionQuery, WeatherRow};

/// A row that is read by time.
pub(crate) trait ByTime: Stored + ObservedRow {
    /// In each step the first row comes of those that have these columns in common.
    const SERIES: &'static str;
}

impl ByTime for PositionRow {
    const SERIES: &'static str = "device";
}

// A call for help is never left out because its step begins with another state.
impl ByTime for GroundPositionRow {
    const SERIES: &'static str = "device, ground_type";
}

impl ByTime for WeatherRow {
    const SERIES: &'static str = "device";
}

/// One slice of what was observed in a region by time: of each series the first row in each step. Repeated rows are equal, and
/// only one of them is the first.
pub(crate) fn by_time<D: Dialect, T: ByTime>(query: &RegionQuery, slice: &Slice) -> String {
    let Slice { period, after, rows, .. } = slice;
    let after = after.map_or(String::new(), |key| behind(&in_time::<D>(&key)));
    let at = D::milliseconds("event_at");
    let (series, step) = (T::SERIES, format!("{at} - {at} % {}", query.step_ms));
    let names = columns::<T>();
    let (table, when) = D::observed_in(T::TABLE, *period);
    format!(
        "SELECT {names} FROM (SELECT {names}, \
         row_number() OVER (PARTITION BY {series}, {step} ORDER BY event_at, observation_id) AS nth \
         FROM (SELECT {} FROM {table} WHERE {when} AND {} AND NOT private) WHERE NOT {}) \
         WHERE nth = 1{after} ORDER BY event_at, device, observation_id LIMIT {rows}",
        judged_columns::<D, T>(Judged::InPeriod(*period)),
        inside("", &query.bounds),
        is_excluded_from_track(),
    )
}

/// The columns of the order of time with the values of an observation, as the store writes them.
fn in_time<D: Dialect>(key: &PositionKey) -> Vec<(&'static str, String)> {
    let PositionKey { event_at_ms, device, observation_id } = *key;
    vec![("event_at", D::time(event_at_ms)), ("device", device.to_string()), ("observation_id", D::id(observation_id))]
}
