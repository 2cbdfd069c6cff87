//! The texts of events, in the languages of the map.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use schemas::v1::{AlertKind, AlertState, AlertStatus, Position, ZoneEventKind};

use crate::event::Event;

type Texts = BTreeMap<String, String>;

/// A language of the map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Language(&'static str);

impl Default for Language {
    fn default() -> Self {
        Self(Self::ALL[0])
    }
}

impl Language {
    /// Their names.
    pub const ALL: [&'static str; 5] = ["en", "de", "fr", "it", "ru"];

    /// The language of a name, for example `de`.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| *known == name).map(Self)
    }

    /// Its name.
    pub fn as_str(self) -> &'static str {
        self.0
    }

    /// Title and text of an event. `name`: that of the device.
    pub(crate) fn of_event(self, event: &Event, name: Option<&str>) -> (String, String) {
        let address = event.device().to_string();
        let unnamed = || self.text("alert.device").replace("{address}", &address);
        let who = name.filter(|name| !name.is_empty()).map_or_else(unnamed, str::to_owned);
        match event {
            Event::Alert { alert, hidden } => self.of_alert(alert, *hidden, &who),
            Event::Zone(event) => {
                let key = match event.event_kind() {
                    ZoneEventKind::Leave => "notify.zoneLeave",
                    ZoneEventKind::Enter | ZoneEventKind::Unspecified => "notify.zoneEnter",
                };
                let zone = [event.zone_class.as_str(), event.zone_name.as_str()].join(" ");
                let title = fill(self.text(key), &[("{who}", who.as_str()), ("{zone}", zone.trim())]);
                (title, self.of_position(event.position.as_ref()))
            }
        }
    }

    fn of_alert(self, alert: &AlertState, hidden: bool, who: &str) -> (String, String) {
        let title = match alert.status() {
            AlertStatus::Acknowledged => self.text("acknowledged"),
            AlertStatus::Resolved => self.text("resolved"),
            AlertStatus::Open | AlertStatus::Unspecified => self.text("opened"),
        };
        let kind = match alert.alert_kind() {
            AlertKind::NeedRide => "alert.ride",
            AlertKind::NeedTechnicalSupport => "alert.technical",
            AlertKind::NeedMedicalHelp => "alert.medical",
            AlertKind::Distress => "alert.distress",
            AlertKind::AutomaticDistress => "alert.automatic",
            AlertKind::Unspecified => "alert.other",
        };
        let mut kind = self.text(kind).to_owned();
        if alert.unverified {
            kind = format!("{kind} ({})", self.text("alert.unverified"));
        }
        let mut text = self.of_position(alert.position.as_ref());
        if hidden {
            text = format!("{text} {}", self.text("hidden"));
        }
        (fill(title, &[("{kind}", kind.as_str()), ("{who}", who)]), text)
    }

    /// Title and text of a test.
    pub(crate) fn of_test(self) -> (&'static str, &'static str) {
        (self.text("test"), self.text("test_text"))
    }

    fn of_position(self, position: Option<&Position>) -> String {
        let Some(Position { latitude_deg, longitude_deg, altitude_m }) = position else {
            return self.text("no_position").to_owned();
        };
        let altitude = altitude_m.map(|altitude_m| format!(", {altitude_m:.0} m")).unwrap_or_default();
        self.text("position").replace("{position}", &format!("{latitude_deg:.5}, {longitude_deg:.5}{altitude}"))
    }

    fn text(self, key: &str) -> &'static str {
        texts().get(self.0).and_then(|texts| texts.get(key)).map_or("", String::as_str)
    }
}

/// Puts values into a template, each once: a value may look like a template.
fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some(start) = rest.find('{') {
        text.push_str(&rest[..start]);
        rest = &rest[start..];
        match values.iter().find(|(name, _)| rest.starts_with(name)) {
            Some((name, value)) => {
                text.push_str(value);
                rest = &rest[name.len()..];
            }
            None => {
                text.push('{');
                rest = &rest[1..];
            }
        }
    }
    text + rest
}

fn texts() -> &'static BTreeMap<String, Texts> {
    static TEXTS: OnceLock<BTreeMap<String, Texts>> = OnceLock::new();
    TEXTS.get_or_init(|| toml::from_str(include_str!("languages.toml")).expect("a test reads the same file"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use schemas::v1::ZoneEvent;

    use super::*;

    #[test]
    fn every_language_has_every_text() {
        let keys = |language: &str| texts()[language].keys().cloned().collect::<BTreeSet<_>>();
        assert_eq!(texts().keys().map(String::as_str).collect::<BTreeSet<_>>(), BTreeSet::from(Language::ALL));
        for language in Language::ALL {
            assert_eq!(keys(language), keys("en"), "{language}");
            assert!(texts()[language].values().all(|text| !text.is_empty()), "{language}");
        }
    }

    #[test]
    fn the_map_says_the_same_in_the_same_languages() {
        let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../../pusher/web/src/settings/languages");
        let mut languages = BTreeSet::new();
        for entry in std::fs::read_dir(dir).expect("the languages of the map") {
            let path = entry.expect("readable").path();
            let Some(language) = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".json")) else {
                continue;
            };
            let map: Texts = serde_json::from_str(&std::fs::read_to_string(&path).expect("text")).expect("JSON");
            languages.insert(language.to_owned());
            for (key, text) in texts()[language].iter().filter(|(key, _)| key.contains('.')) {
                assert_eq!(map.get(key), Some(text), "{language}: {key}");
            }
        }
        assert_eq!(languages, Language::ALL.map(str::to_owned).into_iter().collect());
    }

    #[test]
    fn a_name_is_no_template() {
        let event = ZoneEvent {
            device: 0x11_0B90,
            event_kind: ZoneEventKind::Enter.into(),
            zone_name: "Bern".to_owned(),
            zone_class: "CTR".to_owned(),
            position: Some(Position { latitude_deg: 46.5, longitude_deg: -7.25, altitude_m: Some(1_500.4) }),
            ..ZoneEvent::default()
        };
        let (english, event) = (Language::named("en").expect("known"), Event::of_zone(event).expect("known"));
        let (title, text) = english.of_event(&event, Some("{zone}"));
        assert_eq!(title, "{zone} has entered CTR Bern");
        assert_eq!(text, "Last known position: 46.50000, -7.25000, 1500 m");
        assert_eq!(english.of_event(&event, None).0, "device 110B90 has entered CTR Bern");
        assert_eq!(Language::named("es"), None);
    }

    #[test]
    fn what_is_doubtful_or_hidden_is_said() {
        let alert = AlertState {
            device: 0x11_0B90,
            alert_kind: AlertKind::Distress.into(),
            status: AlertStatus::Open.into(),
            unverified: true,
            ..AlertState::default()
        };
        let event = Event::of_alert(alert, true).expect("known");
        let (title, text) = Language::named("en").expect("known").of_event(&event, None);
        assert_eq!(title, "Distress call (not verified): device 110B90");
        assert_eq!(text, "The position is not known. The device is hidden from the public.");
    }
}
