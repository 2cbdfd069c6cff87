//! What happened.

use aws_lc_rs::digest::{SHA256, digest};
use schemas::v1::{AlertState, AlertStatus, ZoneEvent, ZoneEventKind};
use schemas::{DeviceAddress, RecordId};

/// An event that is sent to those who want it.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// An alert was opened, acknowledged or resolved.
    Alert {
        /// Its state since then.
        alert: AlertState,
        /// Its device is hidden: only some may know.
        hidden: bool,
    },
    /// An aircraft that is shown to the public entered or left a zone.
    Zone(ZoneEvent),
}

impl Event {
    /// The step of an alert. `None`: one that this program does not know.
    pub fn of_alert(alert: AlertState, hidden: bool) -> Option<Self> {
        status(&alert)?;
        Some(Self::Alert { alert, hidden })
    }

    /// A zone event. `None`: one that this program does not know.
    pub fn of_zone(event: ZoneEvent) -> Option<Self> {
        (event.event_kind() != ZoneEventKind::Unspecified).then_some(Self::Zone(event))
    }

    /// Whose device it is about.
    pub fn device(&self) -> DeviceAddress {
        DeviceAddress(match self {
            Self::Alert { alert, .. } => alert.device,
            Self::Zone(event) => event.device,
        })
    }

    /// Whether only some may know.
    pub fn is_hidden(&self) -> bool {
        matches!(self, Self::Alert { hidden: true, .. })
    }

    /// Its name: the same for each record of the same step. A frame that repeats a call for help makes no new step.
    pub fn id(&self) -> String {
        match self {
            Self::Alert { alert, .. } => format!("{}:{}", RecordId(alert.alert_id), status(alert).unwrap_or_default()),
            // The ids of zones have any characters, that of a message goes into a header.
            Self::Zone(event) => {
                let hash = digest(&SHA256, event.event_id.as_bytes());
                format!("{}:{}", hex::encode(&hash.as_ref()[..16]), self.kind().trim_start_matches("zone."))
            }
        }
    }

    /// Its type, for programs.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Alert { alert, .. } => match alert.status() {
                AlertStatus::Acknowledged => "alert.acknowledged",
                AlertStatus::Resolved => "alert.resolved",
                AlertStatus::Open | AlertStatus::Unspecified => "alert.opened",
            },
            Self::Zone(event) => match event.event_kind() {
                ZoneEventKind::Leave => "zone.left",
                ZoneEventKind::Enter | ZoneEventKind::Unspecified => "zone.entered",
            },
        }
    }

    /// When it happened, microseconds since the epoch.
    pub fn happened_at_us(&self) -> u64 {
        match self {
            Self::Alert { alert, .. } => match alert.status() {
                AlertStatus::Acknowledged => alert.acknowledged_at_us.unwrap_or(alert.refreshed_at_us),
                AlertStatus::Resolved => alert.resolved_at_us.unwrap_or(alert.refreshed_at_us),
                AlertStatus::Open | AlertStatus::Unspecified => alert.opened_at_us,
            },
            Self::Zone(event) => event.event_at_us,
        }
    }
}

fn status(alert: &AlertState) -> Option<&'static str> {
    match alert.status() {
        AlertStatus::Unspecified => None,
        AlertStatus::Open => Some("opened"),
        AlertStatus::Acknowledged => Some("acknowledged"),
        AlertStatus::Resolved => Some("resolved"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert(status: AlertStatus, refreshed_at_us: u64) -> AlertState {
        AlertState {
            alert_id: RecordId::new(17, 123_456).0,
            device: 0x11_0B90,
            status: status.into(),
            opened_at_us: 5,
            acknowledged_at_us: Some(7),
            refreshed_at_us,
            ..AlertState::default()
        }
    }

    #[test]
    fn each_step_of_an_alert_is_one_event() {
        let event = |status, refreshed| Event::of_alert(alert(status, refreshed), false);
        let opened = event(AlertStatus::Open, 5).expect("known");
        assert_eq!((opened.id().as_str(), opened.kind()), ("17-123456:opened", "alert.opened"));
        assert_eq!(event(AlertStatus::Open, 9).expect("known").id(), opened.id(), "a repeated frame is no step");
        let acknowledged = event(AlertStatus::Acknowledged, 9).expect("known");
        assert_eq!((acknowledged.id().as_str(), acknowledged.happened_at_us()), ("17-123456:acknowledged", 7));
        assert_eq!(event(AlertStatus::Unspecified, 9), None);
    }

    #[test]
    fn a_zone_event_has_its_own_id() {
        let event = ZoneEvent {
            event_id: "3-7/alps/Zürich".to_owned(),
            event_kind: ZoneEventKind::Leave.into(),
            ..ZoneEvent::default()
        };
        let other = ZoneEvent { event_id: "3-7/alps/Bern".to_owned(), ..event.clone() };
        let [event, other] = [event, other].map(|event| Event::of_zone(event).expect("known"));
        assert!(event.id().ends_with(":left") && event.id().is_ascii() && event.id() != other.id());
        assert_eq!(event.kind(), "zone.left");
        assert_eq!(Event::of_zone(ZoneEvent::default()), None);
    }
}
