//! Which events a request asks for, and which its caller may have.

use access::{Caller, Scope};
use notify::Language;
use notify::filter::{MAX_DEVICES, MAX_FLEETS, MAX_SETS};
use schemas::DeviceAddress;
use schemas::v1::EventFilter;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use zones::is_set_name;

use super::problem::Problem;
use crate::fleets::Fleets;
use crate::ownership::Ownership;
use crate::time::rfc3339;

/// How long alerts of hidden devices are sent after the credentials have allowed it, microseconds.
const HIDDEN_FOR_US: u64 = 90 * 86_400 * 1_000_000;

/// Whose alerts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Alerts {
    #[default]
    None,
    /// Of `devices`.
    Devices,
    All,
}

/// The events, as a request says it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct WantedEvents {
    alerts: Alerts,
    /// Addresses.
    devices: Vec<String>,
    /// Fleets, whose devices count as these.
    fleets: Vec<String>,
    /// Names of sets of zones.
    zone_sets: Vec<String>,
    zones_of_devices: bool,
    /// Of hidden devices too.
    hidden: bool,
    language: Option<String>,
}

impl WantedEvents {
    /// # Errors
    /// 400 and 403: a value is not as it should be, nothing is wanted, the caller is no member of a fleet, or may see no alerts of
    /// hidden devices.
    pub(super) fn read(
        &self,
        caller: &Caller,
        fleets: &Fleets,
        ownership: &Ownership,
        now_us: u64,
    ) -> Result<(EventFilter, Language), Problem> {
        let devices = self.devices()?;
        let invalid = |detail: String| Problem::bad_request("bad_events", detail);
        if self.zone_sets.len() > MAX_SETS {
            return Err(invalid(format!("expected at most {MAX_SETS} zone_sets")));
        }
        if let Some(bad) = self.zone_sets.iter().find(|set| !is_set_name(set)) {
            let bad: String = bad.chars().take(64).collect();
            return Err(invalid(format!("invalid name of a set {bad:?}: expected a-z, 0-9 and -, for example alps")));
        }
        let needs_devices = self.alerts == Alerts::Devices || self.zones_of_devices;
        if needs_devices && devices.is_empty() && self.fleets.is_empty() {
            return Err(invalid("expected devices or fleets: their alerts or zone events are asked for".to_owned()));
        }
        if self.fleets.len() > MAX_FLEETS {
            return Err(invalid(format!("expected at most {MAX_FLEETS} fleets")));
        }
        let user_id = caller.user_id().unwrap_or_default();
        let is_member = |fleet: &String| fleets.read(|directory| directory.is_member(&user_id, fleet));
        if !self.fleets.iter().all(is_member) {
            let detail = "expected fleets that the credentials are a member of: have a fleet manager add you";
            return Err(Problem::forbidden("not_a_member", detail));
        }
        if self.alerts == Alerts::None && self.zone_sets.is_empty() && !self.zones_of_devices {
            let detail = "no events: expected alerts (all or devices), zone_sets or zones_of_devices";
            return Err(invalid(detail.to_owned()));
        }
        let mut filter = EventFilter {
            all_alerts: self.alerts == Alerts::All,
            alerts_of_devices: self.alerts == Alerts::Devices,
            devices: if needs_devices { devices } else { Vec::new() },
            fleets: if needs_devices { self.fleets.clone() } else { Vec::new() },
            zone_sets: self.zone_sets.clone(),
            zones_of_devices: self.zones_of_devices,
            ..EventFilter::default()
        };
        if self.hidden {
            self.allow_hidden(caller, ownership, now_us, &mut filter)?;
        }
        Ok((filter, self.language()?))
    }

    fn allow_hidden(
        &self,
        caller: &Caller,
        ownership: &Ownership,
        now_us: u64,
        filter: &mut EventFilter,
    ) -> Result<(), Problem> {
        if self.alerts == Alerts::None || !caller.scopes.has(Scope::AlertHandle) {
            let detail = "alerts of hidden devices need alerts, and credentials with alert:handle";
            return Err(Problem::forbidden("no_hidden_alerts", detail));
        }
        filter.hidden_until_us = Some(now_us.saturating_add(HIDDEN_FOR_US));
        filter.hidden_of_all = caller.scopes.has(Scope::AlertHandleAny);
        // Of the devices that the user owns, the owner at the time of an alert counts.
        let user_id = caller.user_id();
        let is_owned =
            |device: &DeviceAddress| user_id.is_some() && ownership.owner(*device).as_deref() == user_id.as_deref();
        let lasting = caller.devices.iter().filter(|device| !is_owned(device)).take(MAX_DEVICES);
        filter.hidden_devices = lasting.map(|device| device.0).collect();
        Ok(())
    }

    fn devices(&self) -> Result<Vec<u32>, Problem> {
        if self.devices.len() > MAX_DEVICES {
            return Err(Problem::bad_request("bad_events", format!("expected at most {MAX_DEVICES} devices")));
        }
        let parse = |text: &String| {
            let address = text.parse::<DeviceAddress>();
            address.map(|address| address.0).map_err(|error| Problem::bad_request("bad_address", error.to_string()))
        };
        self.devices.iter().map(parse).collect()
    }

    fn language(&self) -> Result<Language, Problem> {
        let Some(name) = &self.language else { return Ok(Language::default()) };
        let expected = format!("one of: {}", Language::ALL.join(", "));
        Language::named(name).ok_or_else(|| Problem::invalid_parameter("language", name, &expected))
    }
}

/// A filter, as answers have it.
#[derive(Debug, Serialize)]
pub(super) struct KnownEvents {
    alerts: Alerts,
    devices: Vec<String>,
    fleets: Vec<String>,
    zone_sets: Vec<String>,
    zones_of_devices: bool,
    /// RFC 3339. Absent: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    hidden_until: Option<String>,
}

impl KnownEvents {
    pub(super) fn of(filter: &EventFilter) -> Self {
        let alerts = match (filter.all_alerts, filter.alerts_of_devices) {
            (true, _) => Alerts::All,
            (false, true) => Alerts::Devices,
            (false, false) => Alerts::None,
        };
        Self {
            alerts,
            devices: filter.devices.iter().map(|device| DeviceAddress(*device).to_string()).collect(),
            fleets: filter.fleets.clone(),
            zone_sets: filter.zone_sets.clone(),
            zones_of_devices: filter.zones_of_devices,
            hidden_until: filter.hidden_until_us.map(rfc3339),
        }
    }
}

/// The fields of a request, for the OpenAPI document.
pub(super) fn request_properties() -> Value {
    json!({
        "alerts": { "type": "string", "enum": ["none", "devices", "all"], "description": "Whose alerts." },
        "devices": { "type": "array", "maxItems": MAX_DEVICES, "items": { "type": "string", "pattern": "^[0-9A-Fa-f]{6}$" } },
        "fleets": { "type": "array", "maxItems": MAX_FLEETS, "items": { "type": "string" },
                    "description": "Fleets of the caller, whose devices count as these." },
        "zone_sets": { "type": "array", "maxItems": MAX_SETS, "items": { "type": "string" },
                       "description": "Aircraft that enter and leave zones of these sets." },
        "zones_of_devices": { "type": "boolean", "description": "The devices entering and leaving zones of any set." },
        "hidden": { "type": "boolean", "description": "Alerts of hidden devices too, for 90 days; needs alert:handle." },
        "language": { "type": "string", "enum": Language::ALL },
    })
}

/// The fields of an answer.
pub(super) fn answer_properties() -> Value {
    let mut properties = request_properties();
    if let Some(fields) = properties.as_object_mut() {
        fields.remove("hidden");
        fields.insert("hidden_until".to_owned(), json!({ "type": "string" }));
    }
    properties
}

#[cfg(test)]
mod tests {
    use access::Credential;
    use schemas::v1::{Account, UserDevice, account};

    use super::*;

    const OWNED: DeviceAddress = DeviceAddress(0x11_0B90);
    const OF_CREDENTIALS: DeviceAddress = DeviceAddress(0x07_AB12);

    #[test]
    fn hidden_alerts_of_an_owned_device_end_with_the_ownership() {
        let ownership = Ownership::default();
        let owned = UserDevice { user_id: "token/ada".to_owned(), device: OWNED.0, ..UserDevice::default() };
        ownership.apply(&Account { changed_at_us: 1, entity: Some(account::Entity::UserDevice(owned)) });
        let unknown = Caller::unknown(Credential::Token);
        let caller = Caller {
            subject: "ada".to_owned(),
            scopes: unknown.scopes.with(Scope::AlertHandle),
            devices: vec![OF_CREDENTIALS],
            ..unknown
        };
        let caller = ownership.with_devices(caller.into());
        assert!(caller.devices.contains(&OWNED));
        let wanted = WantedEvents { alerts: Alerts::All, hidden: true, ..WantedEvents::default() };
        let (filter, _) = wanted.read(&caller, &Fleets::default(), &ownership, 1).expect("allowed");
        assert_eq!(filter.hidden_devices, [OF_CREDENTIALS.0]);
    }
}
