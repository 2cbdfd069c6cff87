//! What the endpoints on the past share: the store, the period, whose past is shown, and what failed.

use std::sync::Arc;
use std::time::UNIX_EPOCH;

use history::{HistoryError, HistoryReader, Period, TrackQuery, Visibility};
use schemas::DeviceAddress;
use schemas::privacy::PublicPast;

use super::endpoint::Parameter;
use super::problem::Problem;
use super::query::Query;
use crate::app::{App, Live};

pub(super) const FROM: Parameter =
    Parameter { name: "from", kind: "string", about: "From here on, UTC, for example 2026-07-14T09:00:00Z." };
pub(super) const TO: Parameter =
    Parameter { name: "to", kind: "string", about: "Up to here, UTC, without it. Without this parameter: until now." };
pub(super) const HOURS: Parameter = Parameter {
    name: "hours",
    kind: "number",
    about: "So many hours up to `to`, in place of `from`. Without both: 12 hours. At most 744.",
};

/// The longest period of one question, hours: a month.
const MAX_HOURS: f64 = 744.0;
const DEFAULT_HOURS: f64 = 12.0;

/// The recorded past, and the present that says whose past may be shown.
pub(super) struct Past {
    pub(super) store: Arc<dyn HistoryReader>,
    live: Arc<Live>,
    pub(super) now_us: u64,
}

impl Past {
    /// # Errors
    /// Peer: there is no history here, or the air picture is not complete yet: until then nobody knows who is hidden.
    pub(super) fn of(app: &App) -> Result<Self, Problem> {
        let store = app.history.clone();
        let store = store.ok_or_else(|| Problem::busy("no_history", "this server keeps no history".to_owned()))?;
        Ok(Self { store, live: app.ready()?, now_us: app.context.clock.now_us() })
    }

    /// What of the device's past the public may see now: asked by every endpoint on the past, for every row.
    pub(super) fn public_past(&self, device: u32) -> PublicPast {
        // The two topics are read one after the other: the first to say that it is hidden counts.
        if self.live.private.read().state(device).is_some() {
            return PublicPast::Nothing;
        }
        self.live.privacy.read().public_past(device)
    }

    /// 404 for what nobody may know of, in the same words as for what is not known.
    pub(super) fn visible(&self, address: &str) -> Result<Visible, Problem> {
        let device: DeviceAddress = address
            .parse()
            .map_err(|error: schemas::id::ParseIdError| Problem::bad_request("bad_address", error.to_string()))?;
        let first_ms = self.public_past(device.0).first_ms().ok_or_else(|| unknown(device.0))?;
        Ok(Visible { device: device.0, first_ms })
    }

    /// Whether a position of the device was ever recorded that may be seen.
    pub(super) async fn was_recorded(&self, visible: Visible) -> Result<bool, Problem> {
        let query = TrackQuery {
            device: visible.device,
            period: visible.ever(self),
            visibility: Visibility::Public,
            plausible_only: false,
            limit: 1,
        };
        let first = futures::StreamExt::next(&mut self.store.track(query)).await.transpose();
        Ok(first.map_err(|error| failed(&error))?.is_some_and(|rows| !rows.is_empty()))
    }

    /// The name that the device told last before a moment.
    pub(super) async fn name_at(&self, device: u32, at_ms: i64) -> Result<Option<String>, Problem> {
        let names = self.store.names_at(&[device], at_ms).await.map_err(|error| failed(&error))?;
        Ok(names.get(&device).cloned())
    }

    /// `from`, `to` and `hours`.
    pub(super) fn period(&self, query: &Query) -> Result<Period, Problem> {
        let hours = query.number("hours", 0.01..=MAX_HOURS)?;
        let to_ms = moment(query, "to")?.unwrap_or(ms(self.now_us) + 1);
        let from_ms = match (moment(query, "from")?, hours) {
            (Some(_), Some(_)) => return Err(bad("hours stands in place of from: only one of them".to_owned())),
            (Some(from_ms), None) => from_ms,
            (None, hours) => to_ms - (hours.unwrap_or(DEFAULT_HOURS) * HOUR_MS) as i64,
        };
        if from_ms >= to_ms {
            return Err(bad("from is before to".to_owned()));
        }
        if (to_ms - from_ms) as f64 > MAX_HOURS * HOUR_MS {
            return Err(Problem::bad_request("period_too_long", format!("at most {MAX_HOURS} hours at once")));
        }
        Ok(Period { from_ms, to_ms })
    }
}

/// A device that is not hidden, and the first event time of it that the public may see, milliseconds since the epoch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Visible {
    pub(super) device: u32,
    first_ms: i64,
}

impl Visible {
    /// The part of a period that may be seen; empty where none may.
    pub(super) fn within(self, period: Period) -> Period {
        Period { from_ms: period.from_ms.max(self.first_ms).min(period.to_ms), ..period }
    }

    /// All that may be seen.
    pub(super) fn ever(self, past: &Past) -> Period {
        self.within(Period { from_ms: 0, to_ms: ms(past.now_us) + DAY_MS })
    }
}

const HOUR_MS: f64 = 3_600_000.0;
pub(super) const DAY_MS: i64 = 86_400_000;

/// A parameter that is a moment, milliseconds since the epoch.
pub(super) fn moment(query: &Query, name: &'static str) -> Result<Option<i64>, Problem> {
    let Some(text) = query.get(name) else { return Ok(None) };
    let refuse = || bad(format!("{name} is a time in UTC, for example 2026-07-14T09:00:00Z"));
    let whole = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
    let at = humantime::parse_rfc3339_weak(&whole).map_err(|_| refuse())?;
    let since = at.duration_since(UNIX_EPOCH).map_err(|_| refuse())?;
    i64::try_from(since.as_millis()).map(Some).map_err(|_| refuse())
}

/// A parameter that is a day in UTC, `2026-07-14`.
pub(super) fn day(query: &Query, name: &'static str) -> Result<Option<Period>, Problem> {
    if query.get(name).is_some_and(|text| text.len() != 10) {
        return Err(bad(format!("{name} is a day in UTC, for example 2026-07-14")));
    }
    Ok(moment(query, name)?.map(|from_ms| Period { from_ms, to_ms: from_ms + DAY_MS }))
}

pub(super) fn unknown(device: u32) -> Problem {
    Problem::not_found("unknown_device", format!("nothing was recorded of {}", DeviceAddress(device)))
}

/// 503: the store is away, or not set up.
pub(super) fn failed(error: &HistoryError) -> Problem {
    // Address and cause are the operator's business; who asks needs to know that coming back may help.
    tracing::warn!(reason = error.reason(), %error, "the history did not answer");
    Problem::busy("history_unavailable", format!("the history does not answer ({})", error.reason()))
}

pub(super) fn bad(detail: String) -> Problem {
    Problem::bad_request("bad_parameter", detail)
}

pub(super) fn ms(at_us: u64) -> i64 {
    i64::try_from(at_us / 1_000).unwrap_or(i64::MAX)
}

pub(super) fn us(at_ms: i64) -> u64 {
    u64::try_from(at_ms).unwrap_or_default() * 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> Query {
        Query::parse(Some(text), &["from", "day"]).expect("known parameters")
    }

    #[test]
    fn moments_and_days_are_read_in_utc() {
        assert_eq!(moment(&query("from=2026-07-14T12:00:00Z"), "from"), Ok(Some(1_784_030_400_000)));
        assert_eq!(moment(&query("from=2026-07-14T12:00:00.250Z"), "from"), Ok(Some(1_784_030_400_250)));
        assert_eq!(moment(&query("from=2026-07-14"), "from"), Ok(Some(1_783_987_200_000)));
        assert_eq!(moment(&query(""), "from"), Ok(None));
        for bad in ["from=yesterday", "from=", "from=1960-01-01", "from=2026-13-01"] {
            assert!(moment(&query(bad), "from").is_err(), "{bad}");
        }
        let whole = Period { from_ms: 1_783_987_200_000, to_ms: 1_784_073_600_000 };
        assert_eq!(day(&query("day=2026-07-14"), "day"), Ok(Some(whole)));
        assert!(day(&query("day=2026-07-14T12:00:00Z"), "day").is_err());
    }
}
