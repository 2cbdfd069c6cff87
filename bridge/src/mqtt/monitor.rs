//! The broker's reports under `$SYS`: its version, and how many messages it dropped.
//!
//! On a connection of its own, since a broker may refuse the subscription by closing the connection, and the frames must
//! not be disturbed by that. Only a refusal in SUBACK ends it, and is logged once: an alert reads the drops, so after
//! everything else, which may pass, it connects again.

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
    /// When the broker granted the subscription of this connection (monotonic).
    granted_at: Option<Duration>,
    /// The log says that there are no reports for now: once, and not at each attempt.
    reported_lost: bool,
}

/// Why a connection ended, or was not made.
enum End {
    /// The broker forbids the topics.
    Refused(String),
    Lost(ConnectionError),
}

impl From<ConnectionError> for End {
    fn from(lost: ConnectionError) -> Self {
        Self::Lost(lost)
    }
}

impl BrokerMonitor {
    pub(crate) fn new(dependencies: Dependencies, options: BridgeOptions) -> Self {
        Self { dependencies, options, report: BrokerReport::default(), granted_at: None, reported_lost: false }
    }

    /// Runs until a stop is requested.
    pub(crate) async fn run(mut self, stop: Shutdown) -> anyhow::Result<()> {
        let clock = self.dependencies.context.clock.clone();
        let mut backoff = Backoff::for_services();
        loop {
            let end = stop.or(self.watch()).await;
            // A connection that is granted and lost at once, repeatedly, keeps the backoff.
            let granted_at = self.granted_at.take();
            if granted_at.is_some_and(|granted_at| clock.monotonic().saturating_sub(granted_at) >= STEADY) {
                backoff.reset();
                self.reported_lost = false;
            }
            match end {
                None => return Ok(()),
                Some(End::Refused(reason)) => {
                    tracing::info!(reason, "the broker does not report its version and drops under $SYS; not needed");
                    stop.requested().await;
                    return Ok(());
                }
                Some(End::Lost(lost)) => self.lost(&lost),
            }
            if stop.or(clock.sleep(backoff.next_delay())).await.is_none() {
                return Ok(());
            }
        }
    }

    fn lost(&mut self, lost: &ConnectionError) {
        if std::mem::replace(&mut self.reported_lost, true) {
            tracing::debug!(%lost, "still no reports of the broker");
        } else {
            tracing::info!(%lost, "the broker reports nothing under $SYS for now; the bridge tries again");
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
        loop {
            while let Some(packet) = connection.take()? {
                match packet {
                    Packet::SubAck(subscribed) => {
                        check(&subscribed)?;
                        self.granted_at = Some(self.dependencies.context.clock.monotonic());
                    }
                    Packet::Publish(publish) => self.apply(&publish),
                    _ => {}
                }
            }
            connection.exchange(true).await?;
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
