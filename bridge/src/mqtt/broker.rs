//! What the broker tells of its settings, and which of them break the promise. Pure.

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{ConnAckProperties, SubscribeReasonCode};

use crate::config::BridgeOptions;

/// Where brokers such as Mosquitto tell their version, and how many messages they dropped for their clients.
pub(super) const TOPICS: [&str; 2] = [VERSION, DROPPED];
const VERSION: &str = "$SYS/broker/version";
const DROPPED: &str = "$SYS/broker/publish/messages/dropped";

/// What the promise needs of the broker.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) window: u16,
    pub(crate) session_expiry_s: u32,
}

impl Asked {
    pub(crate) fn of(options: &BridgeOptions) -> Self {
        let session_expiry_s = u32::try_from(options.session_expiry.as_secs()).unwrap_or(u32::MAX);
        Self { window: options.window, session_expiry_s }
    }

    /// What the broker's answer to our connection says against the promise: each a line that says what to set.
    pub(crate) fn against(self, told: &ConnAckProperties) -> Vec<String> {
        let mut lines = Vec::new();
        if told.max_qos == Some(0) {
            lines.push("the broker has no QoS 1: what it holds when it or the bridge restarts is lost".to_owned());
        }
        if let Some(expiry_s) = told.session_expiry_interval.filter(|expiry_s| *expiry_s < self.session_expiry_s) {
            lines.push(format!(
                "the broker keeps frames for an absent bridge for {expiry_s} s and not for {} s: raise its limit of \
                 session expiry (Mosquitto: persistent_client_expiration), or lower --session-expiry",
                self.session_expiry_s
            ));
        }
        if let Some(receive_maximum) = told.receive_max.filter(|receive_maximum| *receive_maximum < self.window) {
            lines.push(format!(
                "the broker allows {receive_maximum} messages in flight, the window is {}: it likely drops what waits \
                 beyond a limit, too. Mosquitto: set max_inflight_messages 0 and max_queued_messages 0",
                self.window
            ));
        }
        if told.wildcard_subscription_available == Some(0) {
            lines.push("the broker has no wildcard subscriptions: no receiver will be heard".to_owned());
        }
        lines
    }
}

/// What the broker's answer to our subscription says: refused, or granted below QoS 1.
pub(crate) fn against_subscription(codes: &[SubscribeReasonCode]) -> Option<String> {
    codes.iter().find_map(|code| match code {
        SubscribeReasonCode::Success(QoS::AtLeastOnce | QoS::ExactlyOnce) => None,
        SubscribeReasonCode::Success(QoS::AtMostOnce) => {
            Some("the broker grants QoS 0 only: frames can be lost. Allow this user QoS 1".to_owned())
        }
        refused => Some(format!("the broker refuses a subscription: {refused:?}. Allow this user to read the topics")),
    })
}

/// What the broker has told of itself so far.
#[derive(Debug, Default)]
pub(crate) struct Told {
    dropped: u64,
    asked: bool,
}

impl Told {
    /// Whether to ask it on a new connection. Not again where the last one ended over the question: rumqttd, for one, ends
    /// a connection that subscribes to `$SYS`.
    pub(crate) fn may_ask(&mut self) -> bool {
        !std::mem::replace(&mut self.asked, true)
    }

    /// It answered, whatever: it may be asked again.
    pub(crate) fn answered(&mut self) {
        self.asked = false;
    }

    /// A message on one of the broker's own topics.
    pub(crate) fn hear(&mut self, topic: &[u8], payload: &[u8]) -> Option<News> {
        let text = std::str::from_utf8(payload).ok()?.trim();
        if topic == VERSION.as_bytes() {
            return Some(News::Version(text.chars().take(80).collect()));
        }
        let total: u64 = (topic == DROPPED.as_bytes()).then(|| text.parse().ok()).flatten()?;
        // The count begins again with the broker.
        let new = total.checked_sub(self.dropped).unwrap_or(total);
        self.dropped = total;
        Some(News::Dropped { total, new })
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum News {
    Version(String),
    Dropped {
        /// Since the broker's start.
        total: u64,
        /// Since it told the last time.
        new: u64,
    },
}

/// Whether a topic is the broker's own.
pub(crate) fn is_brokers_own(topic: &[u8]) -> bool {
    topic.starts_with(b"$SYS/")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED: Asked = Asked { window: 8192, session_expiry_s: 86_400 };

    fn nothing_said() -> ConnAckProperties {
        ConnAckProperties {
            session_expiry_interval: None,
            receive_max: None,
            max_qos: None,
            retain_available: None,
            max_packet_size: None,
            assigned_client_identifier: None,
            topic_alias_max: None,
            reason_string: None,
            user_properties: Vec::new(),
            wildcard_subscription_available: None,
            subscription_identifiers_available: None,
            shared_subscription_available: None,
            server_keep_alive: None,
            response_information: None,
            server_reference: None,
            authentication_method: None,
            authentication_data: None,
        }
    }

    #[test]
    fn a_broker_that_says_nothing_against_it_is_trusted() {
        assert!(ASKED.against(&nothing_said()).is_empty());
        let good = ConnAckProperties {
            session_expiry_interval: Some(86_400),
            receive_max: Some(u16::MAX),
            max_qos: Some(1),
            wildcard_subscription_available: Some(1),
            ..nothing_said()
        };
        assert!(ASKED.against(&good).is_empty());
    }

    #[test]
    fn each_setting_that_breaks_the_promise_is_a_line_that_says_what_to_set() {
        let cases = [
            (ConnAckProperties { max_qos: Some(0), ..nothing_said() }, "no QoS 1"),
            (ConnAckProperties { session_expiry_interval: Some(60), ..nothing_said() }, "persistent_client_expiration"),
            (ConnAckProperties { receive_max: Some(20), ..nothing_said() }, "set max_inflight_messages 0"),
            (ConnAckProperties { wildcard_subscription_available: Some(0), ..nothing_said() }, "no wildcard"),
        ];
        for (told, expected) in cases {
            let lines = ASKED.against(&told);
            assert!(lines.len() == 1 && lines[0].contains(expected) && !lines[0].contains('\n'), "{lines:?}");
        }
    }

    #[test]
    fn a_subscription_below_qos_1_is_told() {
        use SubscribeReasonCode::{NotAuthorized, Success};
        assert_eq!(against_subscription(&[Success(QoS::AtLeastOnce), Success(QoS::AtLeastOnce)]), None);
        let line = against_subscription(&[Success(QoS::AtLeastOnce), Success(QoS::AtMostOnce)]).expect("a line");
        assert!(line.contains("QoS 0 only"), "{line}");
        let line = against_subscription(&[NotAuthorized]).expect("a line");
        assert!(line.contains("NotAuthorized"), "{line}");
    }

    #[test]
    fn a_broker_that_ends_the_connection_over_the_question_is_not_asked_again() {
        let mut told = Told::default();
        assert!(told.may_ask());
        told.answered();
        assert!(told.may_ask());
        assert!(!told.may_ask(), "no answer on the last connection");
        assert!(!told.may_ask(), "nor ever again");
    }

    #[test]
    fn what_the_broker_drops_is_told_as_it_grows() {
        let mut told = Told::default();
        let mut dropped = |count: &str| told.hear(DROPPED.as_bytes(), count.as_bytes());
        assert_eq!(dropped("7"), Some(News::Dropped { total: 7, new: 7 }));
        assert_eq!(dropped("9"), Some(News::Dropped { total: 9, new: 2 }));
        assert_eq!(dropped("1"), Some(News::Dropped { total: 1, new: 1 }), "the broker began again");
        assert_eq!(dropped("many"), None);
        let version = told.hear(VERSION.as_bytes(), b"mosquitto version 2.0.18");
        assert_eq!(version, Some(News::Version("mosquitto version 2.0.18".to_owned())));
        assert_eq!(told.hear(b"$SYS/broker/uptime", b"1"), None);
    }
}
