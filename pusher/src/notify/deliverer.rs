//! Delivers messages, and records what became of them.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use notify::filter::{self, Ties};
use notify::signature::ServerKeys;
use notify::{Attempt, Finished, Message, Offer, Outbox, OutboxSettings, Outcome};
use parking_lot::Mutex;
use runtime::{Clock, Shutdown, Watched};
use schemas::catalogue::topic;
use schemas::v1::{AuditOutcome, Notification, NotificationOutcome};
use schemas::{DeviceAddress, RecordId};
use streams::Cluster;
use tokio::sync::Notify;

use super::address::AddressPolicy;
use super::client::HttpClient;
use super::key_file;
use super::metrics::{NotifyMetrics, Reason};
use super::public_picture::PublicPicture;
use super::request::request;
use super::targets::{Target, Targets};
use crate::accounts::Accounts;
use crate::audit::{Act, Audit};
use crate::config::NotifyOptions;
use crate::fleets::Fleets;
use crate::log_writer::{LogWriter, WriteError};
use crate::ownership::Ownership;

/// What it shares with the rest of the program.
pub(crate) struct Parts {
    pub(crate) cluster: Cluster,
    pub(crate) targets: Arc<Targets>,
    pub(crate) ownership: Arc<Ownership>,
    pub(crate) fleets: Arc<Fleets>,
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) audit: Arc<Audit>,
    pub(crate) clock: Clock,
    pub(crate) metrics: NotifyMetrics,
    pub(crate) tracer: runtime::trace::Tracer,
}

/// The messages of the partitions that this process owns.
pub(crate) struct Deliverer {
    outbox: Mutex<Outbox>,
    /// A message has come.
    wake: Notify,
    retry_for_us: u64,
    client: HttpClient,
    keys: Arc<Watched<ServerKeys>>,
    contact: Option<String>,
    writer: LogWriter,
    parts: Parts,
}

/// The outcome of one HTTP request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HttpOutcome {
    /// The status of the answer; `None`: there is no answer.
    pub(crate) status: Option<u16>,
    /// Why it failed; `None`: the message is delivered.
    pub(crate) reason: Option<&'static str>,
    retry_after_s: u64,
}

/// What happens with a message after an attempt.
enum Next {
    Delivered,
    Failed {
        reason: &'static str,
        wait_us: u64,
    },
    Refused {
        reason: &'static str,
    },
    /// The target no longer exists: it is removed.
    Gone,
}

impl Deliverer {
    /// Reads the file of keys.
    ///
    /// # Errors
    /// It cannot be read or is invalid; there is no TLS.
    pub(crate) fn open(options: &NotifyOptions, file: &std::path::Path, parts: Parts) -> anyhow::Result<Self> {
        let client = HttpClient::new(AddressPolicy::new(options), options.notify_timeout, parts.clock.clone())?;
        let retry_for_us = u64::try_from(options.notify_for.as_micros()).unwrap_or(u64::MAX);
        let settings = OutboxSettings { retry_for_us, ..OutboxSettings::default() };
        Ok(Self {
            outbox: Mutex::new(Outbox::new(settings)),
            wake: Notify::new(),
            retry_for_us,
            client,
            keys: key_file::open(file)?,
            contact: options.contact().map(str::to_owned),
            writer: LogWriter::new(parts.cluster.clone(), topic::NOTIFICATION, parts.tracer.clone()),
            parts,
        })
    }

    pub(crate) fn keys(&self) -> &Arc<Watched<ServerKeys>> {
        &self.keys
    }

    /// The key that browsers subscribe to. `None`: they get no notifications.
    pub(crate) fn push_key(&self) -> Option<String> {
        self.contact.as_ref().and_then(|_| Some(self.keys.value().vapid()?.public()))
    }

    pub(crate) fn policy(&self) -> &AddressPolicy {
        self.client.policy()
    }

    pub(crate) fn parts(&self) -> &Parts {
        &self.parts
    }

    pub(crate) fn outbox(&self) -> &Mutex<Outbox> {
        &self.outbox
    }

    pub(crate) fn retry_for_us(&self) -> u64 {
        self.retry_for_us
    }

    /// Delivers until stopped. What is in flight then is delivered again by the next owner of its partition.
    ///
    /// # Errors
    /// None.
    pub(crate) async fn run(self: Arc<Self>, picture: Arc<dyn PublicPicture>, stop: Shutdown) -> anyhow::Result<()> {
        let clock = &self.parts.clock;
        let mut attempts = FuturesUnordered::new();
        loop {
            while let Some(message) = self.begin() {
                attempts.push(self.attempt(message, &*picture));
            }
            let next_at_us = self.next_due();
            let due = async {
                match next_at_us {
                    Some(at_us) => clock.sleep(Duration::from_micros(at_us.saturating_sub(clock.now_us()))).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = stop.requested() => return Ok(()),
                () = self.wake.notified() => {}
                Some(()) = attempts.next() => {}
                () = due => {}
            }
        }
    }

    fn begin(&self) -> Option<Message> {
        self.outbox.lock().begin(self.parts.clock.now_us())
    }

    /// When the next message is due. Updates the metric of pending messages.
    fn next_due(&self) -> Option<u64> {
        let outbox = self.outbox.lock();
        self.parts.metrics.pending.set(outbox.len() as i64);
        outbox.next_at_us()
    }

    /// Writes a new message to the log and queues it.
    ///
    /// # Errors
    /// The log does not accept it.
    pub(crate) async fn store_and_queue(&self, message: Message, target: &Target) -> Result<(), WriteError> {
        if !self.outbox.lock().has_room(&message.target) {
            self.parts.metrics.count("full");
            self.write(&message, NotificationOutcome::Failed).await?;
            self.note(&message, target.user(), Err("full"), 0).await;
            self.outbox.lock().finish(message.origin.clone(), message.id.clone());
            return Ok(());
        }
        self.write(&message, NotificationOutcome::Pending).await?;
        self.queue(message);
        Ok(())
    }

    /// Queues a message that is in the log.
    pub(crate) fn queue(&self, message: Message) {
        if self.outbox.lock().offer(message, self.parts.clock.now_us()) == Offer::New {
            self.wake.notify_one();
        }
    }

    async fn attempt(&self, message: Message, picture: &dyn PublicPicture) {
        let next = self.send(&message, picture).await;
        let (attempt, reason) = match next {
            Next::Delivered => (Attempt::Delivered, None),
            Next::Failed { reason, wait_us } => (Attempt::Failed { wait_us }, Some(reason)),
            Next::Refused { reason } => (Attempt::Refused, Some(reason)),
            Next::Gone => (Attempt::Refused, Some("gone")),
        };
        let now_us = self.parts.clock.now_us();
        let finished =
            self.outbox.lock().attempted(&message.id, &message.target, attempt, now_us, rand::random::<u64>());
        if matches!(next, Next::Gone) {
            self.end_target(&message.target).await;
        }
        // Otherwise another process owns the partition.
        if let Some(finished) = finished {
            self.finish(&finished, reason, now_us).await;
        }
    }

    async fn send(&self, message: &Message, picture: &dyn PublicPicture) -> Next {
        let Some(target) = self.parts.targets.find(&message.target) else {
            return Next::Refused { reason: "removed" };
        };
        if !self.is_allowed(&target, message, picture) {
            return Next::Refused { reason: "withheld" };
        }
        let outcome = self.post(&target, &message.id, message.body.clone()).await;
        match (outcome.status, outcome.reason) {
            (_, None) => Next::Delivered,
            (Some(410), _) => Next::Gone,
            // As push services say it (RFC 8030).
            (Some(404), _) if !target.is_webhook() => Next::Gone,
            (Some(400 | 401 | 403 | 413), Some(reason)) if !target.is_webhook() => Next::Refused { reason },
            (None, Some(reason @ "unusable")) => Next::Refused { reason },
            (_, Some(reason)) => Next::Failed { reason, wait_us: outcome.retry_after_s * 1_000_000 },
        }
    }

    /// Whether the target may still get the message: its device may have become hidden since the event.
    fn is_allowed(&self, target: &Target, message: &Message, picture: &dyn PublicPicture) -> bool {
        let Some(device) = message.device else { return true };
        let is_zone = &*message.origin.0 == topic::ZONE_EVENT;
        if is_zone {
            return picture.shows(device, message.created_at_us);
        }
        let is_hidden = message.hidden || picture.hides_alert(device);
        !is_hidden
            || filter::may_see_hidden(&target.filter, device, self.parts.clock.now_us(), self.ties(target, device))
    }

    /// What the user of a target has to do with a device.
    pub(crate) fn ties(&self, target: &Target, device: u32) -> Ties {
        let user_id = &*target.user_id;
        let fleets = &target.filter.fleets;
        Ties {
            owns: self.parts.ownership.owner(DeviceAddress(device)).is_some_and(|owner| *owner == *user_id),
            is_in_fleet: !fleets.is_empty()
                && self.parts.fleets.read(|directory| directory.is_in_fleet_of(user_id, fleets, device)),
        }
    }

    /// Sends a message once.
    pub(crate) async fn post(&self, target: &Target, message_id: &str, body: Bytes) -> HttpOutcome {
        let failed = |reason| HttpOutcome { status: None, reason: Some(reason), retry_after_s: 0 };
        let now_s = self.parts.clock.now_us() / 1_000_000;
        let (keys, contact) = (self.keys.value(), self.contact.as_deref());
        let Some((url, headers, body)) = request(target, &keys, contact, message_id, body, now_s) else {
            return failed("unusable");
        };
        // The settings may have become stricter.
        if self.client.policy().parse(url.as_str()).is_err() {
            return failed("address");
        }
        match self.client.post(&url, headers, body).await {
            Ok(answer) => {
                let reason = match answer.status {
                    200..=299 => None,
                    300..=399 => Some("redirect"),
                    400..=499 => Some("client_error"),
                    _ => Some("server_error"),
                };
                HttpOutcome { status: Some(answer.status), reason, retry_after_s: answer.retry_after_s }
            }
            Err(error) => {
                let host = url.host_str().unwrap_or_default();
                tracing::debug!(host, error = runtime::retry::with_causes(&error), "a notification was not sent");
                failed(error.reason())
            }
        }
    }

    async fn finish(&self, finished: &Finished, reason: Option<&'static str>, now_us: u64) {
        let Finished { message, attempts, outcome } = finished;
        let metrics = &self.parts.metrics;
        if let Some(reason) = reason.filter(|reason| !matches!(*reason, "removed" | "withheld")) {
            metrics.failures.get_or_create(&Reason { reason }).inc();
        }
        let written = match outcome {
            Outcome::Retry { .. } => return,
            Outcome::Delivered => {
                metrics.count("delivered");
                let micros = now_us.saturating_sub(message.created_at_us);
                metrics.seconds.observe(Duration::from_micros(micros).as_secs_f64());
                NotificationOutcome::Delivered
            }
            Outcome::GivenUp => {
                metrics.count(match reason {
                    Some(reason @ ("removed" | "withheld")) => reason,
                    Some("gone") => "refused",
                    _ => "given_up",
                });
                NotificationOutcome::Failed
            }
        };
        let user = self.parts.targets.find(&message.target).map(|target| target.user().to_owned());
        let outcome = if written == NotificationOutcome::Delivered { Ok(()) } else { Err(reason.unwrap_or("unknown")) };
        self.note(message, user.as_deref().unwrap_or("unknown"), outcome, *attempts).await;
        if let Err(error) = self.write(message, written).await {
            let error = runtime::retry::with_causes(&error);
            tracing::warn!(error, "the outcome of a notification was not written: it may be sent again");
        }
    }

    /// Removes a target that has answered that it no longer exists.
    async fn end_target(&self, key: &str) {
        self.parts.targets.remove(key);
        self.parts.metrics.targets.set(self.parts.targets.len() as i64);
        if let Err(error) = self.parts.accounts.end(key.to_owned()).await {
            let error = runtime::retry::with_causes(&error);
            tracing::warn!("target {key} was not removed from the account topic: {error}; it may be called again");
        }
        self.wake.notify_one();
    }

    /// Into the audit trail.
    async fn note(&self, message: &Message, user: &str, outcome: Result<(), &'static str>, attempts: u32) {
        let mut details = vec![("message", message.id.to_string()), ("attempts", attempts.to_string())];
        details.extend(message.device.map(|device| ("device", DeviceAddress(device).to_string())));
        details.extend(outcome.err().map(|reason| ("reason", reason.to_owned())));
        let action = if outcome.is_ok() { "notification.deliver" } else { "notification.fail" };
        let act = Act { action, subject: message.target.to_string(), scope: None, details };
        let outcome = if outcome.is_ok() { AuditOutcome::Accepted } else { AuditOutcome::Failed };
        self.parts.audit.note(user, &act, outcome, &message.id).await;
    }

    async fn write(&self, message: &Message, outcome: NotificationOutcome) -> Result<RecordId, WriteError> {
        let is_pending = outcome == NotificationOutcome::Pending;
        let record = Notification {
            message_id: message.id.to_string(),
            target: message.target.to_string(),
            outcome: outcome.into(),
            created_at_us: message.created_at_us,
            device: message.device,
            hidden: message.hidden,
            body: if is_pending { message.body.clone() } else { Bytes::new() },
        };
        let (topic, partition) = &message.origin;
        let (key, clock) = (format!("{topic}/{}", message.id), &self.parts.clock);
        self.writer.write_to(Some(*partition), key, Some(&record), clock.now_us(), None, clock).await
    }
}
