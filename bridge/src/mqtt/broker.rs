//! The broker's settings as it reports them, and those that break the promise. Pure.

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{ConnAckProperties, SubscribeReasonCode};

use crate::config::BridgeOptions;

/// Topics on which brokers such as Mosquitto report their version, and how many messages they dropped for their
/// clients.
pub(super) const TOPICS: [&str; 2] = [VERSION, DROPPED];
const VERSION: &str = "$SYS/broker/version";
const DROPPED: &str = "$SYS/broker/publish/messages/dropped";

/// The broker's settings that the promise needs.
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

    /// The problems in the broker's CONNACK: one line each, with the setting to change.
    pub(crate) fn problems(self, connack: &ConnAckProperties) -> Vec<String> {
        let mut lines = Vec::new();
        if connack.max_qos == Some(0) {
            lines.push(
                "the broker has no QoS 1: messages are lost when it or the bridge restarts. Use a broker with QoS 1"
                    .to_owned(),
            );
        }
        if let Some(expiry_s) = connack.session_expiry_interval.filter(|expiry_s| *expiry_s < self.session_expiry_s) {
            lines.push(format!(
                "the broker keeps frames for an absent bridge for {expiry_s} s and not for {} s: raise its limit of \
                 session expiry (Mosquitto: persistent_client_expiration), or lower --session-expiry",
                self.session_expiry_s
            ));
        }
        if let Some(receive_maximum) = connack.receive_max.filter(|receive_maximum| *receive_maximum < self.window) {
            lines.push(format!(
                "the broker allows {receive_maximum} messages in flight, the window is {}: it likely drops what waits \
                 beyond a limit, too. Mosquitto: set max_inflight_messages 0 and max_queued_messages 0",
                self.window
            ));
        }
        if connack.wildcard_subscription_available == Some(0) {
            lines.push("the broker has no wildcard subscriptions: no frames will arrive. Use a broker with wildcard subscriptions".to_owned());
        }
        lines
    }
}

/// The problem in the broker's SUBACK: refused, or granted below QoS 1.
pub(crate) fn subscription_problem(codes: &[SubscribeReasonCode]) -> Option<String> {
    codes.iter().find_map(|code| match code {
        SubscribeReasonCode::Success(QoS::AtLeastOnce | QoS::ExactlyOnce) => None,
        SubscribeReasonCode::Success(QoS::AtMostOnce) => {
            Some("the broker grants QoS 0 only: frames can be lost. Allow this user QoS 1".to_owned())
        }
        refused => Some(format!("the broker refuses a subscription: {refused:?}. Allow this user to read the topics")),
    })
}

/// The broker's reports about itself so far.
#[derive(Debug, Default)]
pub(super) struct BrokerReport {
    dropped: u64,
}

impl BrokerReport {
    /// A message on one of the broker's own topics.
    pub(super) fn apply(&mut self, topic: &[u8], payload: &[u8]) -> Option<Reported> {
        let text = std::str::from_utf8(payload).ok()?.trim();
        if topic == VERSION.as_bytes() {
            return Some(Reported::Version(text.chars().take(80).collect()));
        }
        let total: u64 = (topic == DROPPED.as_bytes()).then(|| text.parse().ok()).flatten()?;
        // The count begins again with the broker.
        let new = total.checked_sub(self.dropped).unwrap_or(total);
        self.dropped = total;
        Some(Reported::Dropped { total, new })
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reported {
    Version(String),
    Dropped {
        /// Since the broker's start.
        total: u64,
        /// Since its last report.
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

    fn no_limits() -> ConnAckProperties {
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
    fn a_broker_without_reported_limits_is_trusted() {
        assert!(ASKED.problems(&no_limits()).is_empty());
        let good = ConnAckProperties {
            session_expiry_interval: Some(86_400),
            receive_max: Some(u16::MAX),
            max_qos: Some(1),
            wildcard_subscription_available: Some(1),
            ..no_limits()
        };
        assert!(ASKED.problems(&good).is_empty());
    }

    #[test]
    fn each_unsafe_setting_is_a_line_with_what_to_set() {
        let cases = [
            (ConnAckProperties { max_qos: Some(0), ..no_limits() }, "no QoS 1"),
            (ConnAckProperties { session_expiry_interval: Some(60), ..no_limits() }, "persistent_client_expiration"),
            (ConnAckProperties { receive_max: Some(20), ..no_limits() }, "set max_inflight_messages 0"),
            (ConnAckProperties { wildcard_subscription_available: Some(0), ..no_limits() }, "no wildcard"),
        ];
        for (connack, expected) in cases {
            let lines = ASKED.problems(&connack);
            assert!(lines.len() == 1 && lines[0].contains(expected) && !lines[0].contains('\n'), "{lines:?}");
        }
    }

    #[test]
    fn a_subscription_below_qos_1_is_reported() {
        use SubscribeReasonCode::{NotAuthorized, Success};
        assert_eq!(subscription_problem(&[Success(QoS::AtLeastOnce), Success(QoS::AtLeastOnce)]), None);
        let line = subscription_problem(&[Success(QoS::AtLeastOnce), Success(QoS::AtMostOnce)]).expect("a line");
        assert!(line.contains("QoS 0 only"), "{line}");
        let line = subscription_problem(&[NotAuthorized]).expect("a line");
        assert!(line.contains("NotAuthorized"), "{line}");
    }

    #[test]
    fn drops_of_the_broker_are_reported_as_they_grow() {
        let mut report = BrokerReport::default();
        let mut dropped = |count: &str| report.apply(DROPPED.as_bytes(), count.as_bytes());
        assert_eq!(dropped("7"), Some(Reported::Dropped { total: 7, new: 7 }));
        assert_eq!(dropped("9"), Some(Reported::Dropped { total: 9, new: 2 }));
        assert_eq!(dropped("1"), Some(Reported::Dropped { total: 1, new: 1 }), "the broker began again");
        assert_eq!(dropped("many"), None);
        let version = report.apply(VERSION.as_bytes(), b"mosquitto version 2.0.18");
        assert_eq!(version, Some(Reported::Version("mosquitto version 2.0.18".to_owned())));
        assert_eq!(report.apply(b"$SYS/broker/uptime", b"1"), None);
    }
}
