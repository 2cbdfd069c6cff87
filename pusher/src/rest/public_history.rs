//! The history, limited to what the public may see: shared by all endpoints on the history.

use std::collections::HashMap;
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
    Parameter { name: "from", kind: "string", about: "Begin of the period, UTC, for example 2026-07-14T09:00:00Z." };
pub(super) const TO: Parameter =
    Parameter { name: "to", kind: "string", about: "End of the period, UTC, exclusive. The default is now." };
pub(super) const HOURS: Parameter = Parameter {
    name: "hours",
    kind: "number",
    about: "Length of the period before `to`, hours, instead of `from`: at most 744. The default is 12.",
};

/// The longest period of one request, hours: a month.
const MAX_HOURS: f64 = 744.0;
const DEFAULT_HOURS: f64 = 12.0;

/// The history, and the live views that decide what of it is public.
pub(super) struct PublicHistory {
    pub(super) store: Arc<dyn HistoryReader>,
    live: Arc<Live>,
    pub(super) now_us: u64,
}

impl PublicHistory {
    /// # Errors
    /// 503: this server has no history, or the air picture is not complete yet, so that the hidden devices are unknown.
    pub(super) fn open(app: &App) -> Result<Self, Problem> {
        let store = app.history.clone();
        let store = store.ok_or_else(|| Problem::unavailable("no_history", "this server has no history".to_owned()))?;
        Ok(Self { store, live: app.ready()?, now_us: app.context.clock.now_us() })
    }

    /// The history, and the period of the query.
    ///
    /// # Errors
    /// As for [`open`](Self::open) and [`period`](Self::period).
    pub(super) fn open_for(app: &App, query: &Query) -> Result<(Self, Period), Problem> {
        let history = Self::open(app)?;
        let period = history.period(query)?;
        Ok((history, period))
    }

    /// Whether the public may see what a device did at a time, milliseconds since the epoch.
    pub(super) fn shows(&self, device: u32, at_ms: i64) -> bool {
        self.public_past(device).shows_ms(at_ms)
    }

    /// What the public may see of the device's past. Every endpoint on the history applies it to every row.
    pub(super) fn public_past(&self, device: u32) -> PublicPast {
        // The two topics are read independently: the first one that hides the device counts.
        if self.live.view.read().private().has_state(device) {
            return PublicPast::Nothing;
        }
        self.live.privacy.read().public_past(device)
    }

    /// # Errors
    /// 400: invalid address. 404: the device is hidden, with the same text as for an unknown device.
    pub(super) fn visible(&self, address: &str) -> Result<VisibleDevice, Problem> {
        let device = parse_device(address)?;
        let first_ms = self.public_past(device.0).first_ms().ok_or_else(|| unknown_device(device.0))?;
        Ok(VisibleDevice { device: device.0, first_ms })
    }

    /// Whether the history has any public position of the device.
    pub(super) async fn was_recorded(&self, visible: VisibleDevice) -> Result<bool, Problem> {
        let query = TrackQuery {
            device: visible.device,
            period: visible.complete_period(self),
            visibility: Visibility::Public,
            plausible_only: false,
            limit: 1,
        };
        let first = futures::StreamExt::next(&mut self.store.track(query)).await.transpose();
        Ok(first.map_err(|error| history_failed(&error))?.is_some_and(|rows| !rows.is_empty()))
    }

    /// The last name of the device before a time.
    pub(super) async fn name_at(&self, device: u32, at_ms: i64) -> Result<Option<String>, Problem> {
        Ok(self.names_at(&[device], at_ms).await?.remove(&device))
    }

    /// The last names of devices before a time, without those that operators withhold.
    pub(super) async fn names_at(&self, devices: &[u32], at_ms: i64) -> Result<HashMap<u32, String>, Problem> {
        let mut names = self.store.names_at(devices, at_ms).await.map_err(|error| history_failed(&error))?;
        let privacy = self.live.privacy.read();
        names.retain(|device, _| !privacy.hides_name(*device));
        Ok(names)
    }

    /// The period of the parameters `from`, `to` and `hours`.
    pub(super) fn period(&self, query: &Query) -> Result<Period, Problem> {
        let hours = query.number("hours", 0.01..=MAX_HOURS)?;
        let to_ms = time(query, "to")?.unwrap_or(us_to_ms(self.now_us) + 1);
        let from_ms = match (time(query, "from")?, hours) {
            (Some(_), Some(_)) => return Err(bad_parameter("expected from or hours, not both".to_owned())),
            (Some(from_ms), None) => from_ms,
            (None, hours) => to_ms - (hours.unwrap_or(DEFAULT_HOURS) * HOUR_MS) as i64,
        };
        if from_ms >= to_ms {
            return Err(bad_parameter("expected from before to".to_owned()));
        }
        if (to_ms - from_ms) as f64 > MAX_HOURS * HOUR_MS {
            let detail = format!("the period is too long: at most {MAX_HOURS} hours at once");
            return Err(Problem::bad_request("period_too_long", detail));
        }
        Ok(Period { from_ms, to_ms })
    }
}

/// A device that is not hidden, and its first public event time, milliseconds since the epoch.
#[derive(Debug, Clone, Copy)]
pub(super) struct VisibleDevice {
    pub(super) device: u32,
    first_ms: i64,
}

impl VisibleDevice {
    /// The public part of a period; may be empty.
    pub(super) fn within(self, period: Period) -> Period {
        Period { from_ms: period.from_ms.max(self.first_ms).min(period.to_ms), ..period }
    }

    /// The complete public period.
    pub(super) fn complete_period(self, history: &PublicHistory) -> Period {
        self.within(Period { from_ms: 0, to_ms: us_to_ms(history.now_us) + DAY_MS })
    }
}

const HOUR_MS: f64 = 3_600_000.0;
pub(super) const DAY_MS: i64 = 86_400_000;

/// A parameter that is a time, milliseconds since the epoch.
pub(super) fn time(query: &Query, name: &'static str) -> Result<Option<i64>, Problem> {
    let Some(text) = query.get(name) else { return Ok(None) };
    let invalid =
        || Problem::invalid_parameter(name, text, "a time in UTC after 1970, for example 2026-07-14T09:00:00Z");
    let with_time = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
    let at = humantime::parse_rfc3339_weak(&with_time).map_err(|_| invalid())?;
    let since = at.duration_since(UNIX_EPOCH).map_err(|_| invalid())?;
    i64::try_from(since.as_millis()).map(Some).map_err(|_| invalid())
}

/// A parameter that is a day in UTC, `2026-07-14`.
pub(super) fn day(query: &Query, name: &'static str) -> Result<Option<Period>, Problem> {
    if let Some(text) = query.get(name).filter(|text| text.len() != 10) {
        return Err(Problem::invalid_parameter(name, text, "a day in UTC, for example 2026-07-14"));
    }
    Ok(time(query, name)?.map(|from_ms| Period { from_ms, to_ms: from_ms + DAY_MS }))
}

/// # Errors
/// 400: no address.
pub(super) fn parse_device(address: &str) -> Result<DeviceAddress, Problem> {
    let parsed = address.parse();
    parsed.map_err(|error: schemas::id::ParseIdError| Problem::bad_request("bad_address", error.to_string()))
}

pub(super) fn unknown_device(device: u32) -> Problem {
    Problem::not_found("unknown_device", format!("the history has nothing of the device {}", DeviceAddress(device)))
}

/// 503: the store does not answer.
pub(super) fn history_failed(error: &HistoryError) -> Problem {
    // The log has the address and the cause. The client learns only that a later request may succeed.
    tracing::warn!(reason = error.reason(), %error, "the history did not answer");
    let detail = format!("the history does not answer ({}): try again later", error.reason());
    Problem::unavailable("history_unavailable", detail)
}

pub(super) fn bad_parameter(detail: String) -> Problem {
    Problem::bad_request("bad_parameter", detail)
}

pub(super) fn us_to_ms(at_us: u64) -> i64 {
    i64::try_from(at_us / 1_000).unwrap_or(i64::MAX)
}

pub(super) fn ms_to_us(at_ms: i64) -> u64 {
    u64::try_from(at_ms).unwrap_or_default() * 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> Query {
        Query::parse(Some(text), &["from", "day"]).expect("known parameters")
    }

    #[test]
    fn times_and_days_are_in_utc() {
        assert_eq!(time(&query("from=2026-07-14T12:00:00Z"), "from"), Ok(Some(1_784_030_400_000)));
        assert_eq!(time(&query("from=2026-07-14T12:00:00.250Z"), "from"), Ok(Some(1_784_030_400_250)));
        assert_eq!(time(&query("from=2026-07-14"), "from"), Ok(Some(1_783_987_200_000)));
        assert_eq!(time(&query(""), "from"), Ok(None));
        for invalid in ["from=yesterday", "from=", "from=1960-01-01", "from=2026-13-01"] {
            assert!(time(&query(invalid), "from").is_err(), "{invalid}");
        }
        let expected = Period { from_ms: 1_783_987_200_000, to_ms: 1_784_073_600_000 };
        assert_eq!(day(&query("day=2026-07-14"), "day"), Ok(Some(expected)));
        assert!(day(&query("day=2026-07-14T12:00:00Z"), "day").is_err());
    }
}
