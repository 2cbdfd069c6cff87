//! Decides about a message before it is forwarded: its shard, and its receiver's limit.

use std::time::Duration;

use crate::config::BridgeOptions;
use crate::dependencies::Dependencies;
use crate::limits::{Admission, ReceiverLimits};
use crate::metrics::Reason;
use crate::received::Received;
use crate::reject::Reject;
use crate::shard::Shard;

/// The decision about a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// It is written to the log, as a record or a dead letter.
    Forwarded,
    /// Another bridge forwards it.
    Others,
    /// A retained message: its time of receipt is meaningless.
    Retained,
    /// Its receiver exceeded its limit.
    Limited,
    /// It is unusable, and there are too many dead letters.
    Withheld(Reject),
}

pub(crate) struct Gate {
    dependencies: Dependencies,
    prefixes: Vec<String>,
    shard: Shard,
    rate: u32,
    burst: u32,
    limits: ReceiverLimits,
}

impl Gate {
    pub(crate) fn new(dependencies: Dependencies, options: &BridgeOptions) -> Self {
        let (rate, burst) = (options.receiver_rate, options.receiver_burst);
        Self {
            dependencies,
            prefixes: options.topics.clone(),
            shard: options.shard,
            rate,
            burst,
            limits: ReceiverLimits::new(rate, burst, options.max_receivers as usize),
        }
    }

    /// Decides by a message's topic. A redelivered message was counted at its first delivery, and may be in flight.
    pub(crate) fn decide(&mut self, message: &Received<'_>) -> Decision {
        if message.retained {
            return Decision::Retained;
        }
        if !self.shard.has(envelope::receiver_of(message.topic, &self.prefixes)) {
            return Decision::Others;
        }
        if message.repeated {
            return Decision::Forwarded;
        }
        let (now, receiver) =
            (self.dependencies.context.clock.monotonic(), envelope::limit_key(message.topic, &self.prefixes));
        match self.limits.admit(receiver, now) {
            Admission::Admitted => return Decision::Forwarded,
            Admission::Refused(Some(last_time)) => tracing::warn!(
                receiver = %String::from_utf8_lossy(receiver),
                rate = self.rate,
                burst = self.burst,
                last_time,
                "a receiver sends more frames than it may: the others are dropped"
            ),
            Admission::Refused(None) => {}
        }
        Decision::Limited
    }

    /// The decision once it is known whether the message becomes a dead letter: too many of a receiver are withheld.
    pub(crate) fn decide_dead_letter(
        &mut self,
        decision: Decision,
        reject: Option<Reject>,
        message: &Received<'_>,
    ) -> Decision {
        let Some(reject) = reject.filter(|_| !message.repeated) else { return decision };
        let now = self.dependencies.context.clock.monotonic();
        match self.limits.admit_dead_letter(envelope::limit_key(message.topic, &self.prefixes), now) {
            true => decision,
            false => Decision::Withheld(reject),
        }
    }

    /// Counts a message that is not forwarded.
    pub(crate) fn leave(&self, decision: Decision) {
        let metrics = &self.dependencies.metrics;
        let counter = match decision {
            Decision::Withheld(reject) => {
                metrics.dead_letters_withheld.get_or_create(&Reason { reason: reject.reason() }).inc();
                return;
            }
            Decision::Limited => &metrics.limited,
            Decision::Retained => &metrics.retained,
            Decision::Others | Decision::Forwarded => &metrics.others,
        };
        counter.inc();
    }

    /// See [`ReceiverLimits::credit`].
    pub(crate) fn credit(&mut self, away: Duration, now: Duration) {
        self.limits.credit(away, now);
    }

    /// Updates the metrics of receivers.
    pub(crate) fn update_metrics(&mut self) {
        self.dependencies.metrics.receivers.set(self.limits.len() as i64);
        self.dependencies.metrics.receivers_evicted.inc_by(self.limits.take_evicted());
    }
}
