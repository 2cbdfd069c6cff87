//! The broker's reports under `$SYS`: its version, and how many messages it dropped.
//!
//! On a connection of its own, since a broker may refuse the subscription by closing the connection, and the frames must
//! not be disturbed by that. It is optional: a refusal is logged once, and there is no retry.

use std::time::Duration;

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Connect, ConnectProperties, Filter, Packet, Publish, SubAck, SubscribeReasonCode};
use runtime::{Backoff, Shutdown};

use super::broker::{BrokerReport, Reported, TOPICS};
use super::{KEEP_ALIVE, MAX_PACKET_BYTES, login, open_with, subscribe};
use crate::config::BridgeOptions;
use crate::dependencies::Dependencies;
use crate::mqtt::ConnectionError;

/// The packet id of the only subscription.
const SUBSCRIPTION: u16 = 1;
/// A connection that lasted this long resets the backoff.
const STEADY: Duration = Duration::from_secs(5);

pub(crate) struct BrokerMonitor {
    dependencies: Dependencies,
    options: BridgeOptions,
    report: BrokerReport,
}

/// Why a connection ended.
enum End {
    /// The broker refuses this subscription, or this client.
    Refused(String),
    Lost(ConnectionError),
}

impl From<ConnectionError> for End {
    fn from(lost: ConnectionError) -> Self {
        match lost {
            ConnectionError::Refused(_) => Self::Refused(lost.to_string()),
            lost => Self::Lost(lost),
        }
    }
}

impl BrokerMonitor {
    pub(crate) fn new(dependencies: Dependencies, options: BridgeOptions) -> Self {
        Self { dependencies, options, report: BrokerReport::default() }
    }

    /// Runs until a stop is requested.
    pub(crate) async fn run(mut self, stop: Shutdown) -> anyhow::Result<()> {
        let clock = self.dependencies.context.clock.clone();
        let mut backoff = Backoff::for_services();
        loop {
            let began = clock.monotonic();
            match stop.or(self.watch()).await {
                None => return Ok(()),
                Some(End::Refused(reason)) => {
                    tracing::info!(reason, "the broker does not report its version and drops under $SYS; not needed");
                    stop.requested().await;
                    return Ok(());
                }
                Some(End::Lost(lost)) => tracing::debug!(%lost, "no reports of the broker for now"),
            }
            if clock.monotonic().saturating_sub(began) >= STEADY {
                backoff.reset();
            }
            if stop.or(clock.sleep(backoff.next_delay())).await.is_none() {
                return Ok(());
            }
        }
    }

    async fn watch(&mut self) -> End {
        match self.try_watch().await {
            Ok(never) => match never {},
            Err(end) => end,
        }
    }

    async fn try_watch(&mut self) -> Result<std::convert::Infallible, End> {
        let (mut connection, _) = open_with(&self.options, &self.connect(), &self.dependencies.context.clock).await?;
        connection.send(&subscribe(SUBSCRIPTION, TOPICS.map(|topic| Filter::new(topic, QoS::AtMostOnce)).into()))?;
        let mut answered = false;
        loop {
            while let Some(packet) = connection.take().map_err(|lost| ended(lost, answered))? {
                match packet {
                    Packet::SubAck(subscribed) => {
                        check(&subscribed)?;
                        answered = true;
                    }
                    Packet::Publish(publish) => self.apply(&publish),
                    _ => {}
                }
            }
            connection.exchange(true).await.map_err(|lost| ended(lost, answered))?;
        }
    }

    /// A session that ends with its connection, beside the one of the frames.
    fn connect(&self) -> Packet {
        let properties = ConnectProperties { max_packet_size: Some(MAX_PACKET_BYTES), ..ConnectProperties::new() };
        let connect = Connect {
            keep_alive: u16::try_from(KEEP_ALIVE.as_secs()).unwrap_or(u16::MAX),
            client_id: format!("{}-monitor", self.options.client_id()),
            clean_start: true,
            properties: Some(properties),
        };
        Packet::Connect(connect, None, login(&self.options))
    }

    fn apply(&mut self, publish: &Publish) {
        match self.report.apply(&publish.topic, &publish.payload) {
            Some(Reported::Version(version)) => tracing::info!(version, "the broker reports its version"),
            Some(Reported::Dropped { total, new }) => {
                self.dependencies.metrics.broker_dropped.set(i64::try_from(total).unwrap_or(i64::MAX));
                if new > 0 {
                    tracing::warn!(
                        new,
                        total,
                        "the broker dropped messages for one of its clients; Mosquitto: set max_queued_messages 0"
                    );
                }
            }
            None => {}
        }
    }
}

fn check(subscribed: &SubAck) -> Result<(), End> {
    let granted = |code: &SubscribeReasonCode| matches!(code, SubscribeReasonCode::Success(_));
    match subscribed.return_codes.iter().find(|code| !granted(code)) {
        None => Ok(()),
        Some(refused) => Err(End::Refused(format!("{refused:?}"))),
    }
}

/// A connection that ends over the subscription has been refused it.
fn ended(lost: ConnectionError, answered: bool) -> End {
    let over_the_subscription = !answered
        && matches!(lost, ConnectionError::Closed | ConnectionError::Disconnected(_) | ConnectionError::Io(_));
    if over_the_subscription { End::Refused(lost.to_string()) } else { End::Lost(lost) }
}
