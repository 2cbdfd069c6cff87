//! What is sent: JSON, with the event for programs and its text for people.

use serde::Serialize;
use serde_json::json;

use crate::event::Event;
use crate::text::Language;

#[derive(Serialize)]
struct Body<T> {
    r#type: &'static str,
    /// RFC 3339, UTC.
    timestamp: String,
    data: T,
}

/// The body of an event. `name`: that of the device, where it may be said. `timestamp`: when it happened, as RFC 3339.
pub fn body(event: &Event, language: Language, name: Option<&str>, timestamp: String) -> Vec<u8> {
    let (title, text) = language.of_event(event, name);
    let mut data = json!({ "title": title, "text": text, "device": event.device().to_string() });
    match event {
        Event::Alert { alert, hidden } => {
            data["alert"] = serde_json::to_value(alert).unwrap_or_default();
            data["hidden"] = json!(hidden);
        }
        Event::Zone(event) => data["zone_event"] = serde_json::to_value(event).unwrap_or_default(),
    }
    encode(&Body { r#type: event.kind(), timestamp, data })
}

/// The body of a test.
pub fn test_body(language: Language, timestamp: String) -> Vec<u8> {
    let (title, text) = language.of_test();
    encode(&Body { r#type: "test", timestamp, data: json!({ "title": title, "text": text }) })
}

fn encode(body: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(body).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use schemas::v1::{AlertKind, AlertState, AlertStatus};
    use serde_json::Value;

    use super::*;

    #[test]
    fn an_alert_is_for_programs_and_for_people() {
        let alert = AlertState {
            alert_id: 17 << 48 | 7,
            device: 0x11_0B90,
            alert_kind: AlertKind::NeedMedicalHelp.into(),
            status: AlertStatus::Open.into(),
            ..AlertState::default()
        };
        let event = Event::of_alert(alert, false).expect("known");
        let text =
            body(&event, Language::named("de").expect("known"), Some("Ada"), "2026-07-14T12:00:00.000Z".to_owned());
        let body: Value = serde_json::from_slice(&text).expect("JSON");
        assert_eq!((&body["type"], &body["timestamp"]), (&"alert.opened".into(), &"2026-07-14T12:00:00.000Z".into()));
        let data = &body["data"];
        assert_eq!((&data["device"], &data["alert"]["alert_id"]), (&"110B90".into(), &"17-7".into()));
        assert_eq!((&data["alert"]["status"], &data["hidden"]), (&"open".into(), &false.into()));
        assert_eq!(data["title"], "Braucht medizinische Hilfe: Ada");
    }
}
