//! Commands of people about devices and alerts: the limit of the caller, the audit record, then the raw topic.

use std::sync::Arc;

use access::Limited;
use runtime::Clock;
use schemas::v1::command::Action;
use schemas::v1::{Command, raw_record};
use schemas::{DeviceAddress, RecordId};

use crate::audit::{Act, Audit, Requester};
use crate::log_writer::WriteError;
use crate::metrics::{ActionLabel, PusherMetrics};
use crate::raw_writer::RawWriter;
use crate::throttle::Throttle;

/// Accepts commands, and looks at private data.
pub(crate) struct Commands {
    raw_writer: Arc<RawWriter>,
    audit: Arc<Audit>,
    throttle: Arc<Throttle>,
    clock: Clock,
    metrics: PusherMetrics,
}

/// A command in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Accepted {
    pub(crate) command_id: String,
    pub(crate) record_id: RecordId,
}

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    /// The caller had too many.
    #[error("too many commands: wait {} s", .0.retry_after.as_secs() + 1)]
    TooMany(Limited),
    /// The caller may not.
    #[error("not permitted")]
    Forbidden,
    /// The audit record was not written.
    #[error("the audit record was not written")]
    Audit(#[source] WriteError),
    /// The command was not written.
    #[error("the command was not written")]
    Log(#[source] WriteError),
}

impl CommandError {
    /// The label of the metric.
    fn outcome(&self) -> &'static str {
        match self {
            Self::TooMany(_) => "limited",
            Self::Forbidden => "refused",
            Self::Audit(_) => "no_audit",
            Self::Log(_) => "no_log",
        }
    }
}

impl Commands {
    /// The first command opens the writers.
    pub(crate) fn new(
        raw_writer: Arc<RawWriter>,
        audit: Arc<Audit>,
        throttle: Arc<Throttle>,
        clock: Clock,
        metrics: PusherMetrics,
    ) -> Self {
        Self { raw_writer, audit, throttle, clock, metrics }
    }

    /// Permits a look at private data: its audit record is in the log.
    ///
    /// # Errors
    /// As [`CommandError`]: then nothing may be shown.
    pub(crate) async fn permit(&self, requester: &Requester, act: &Act) -> Result<(), CommandError> {
        let permitted = self.check(requester, act).await;
        self.count(act.action, permitted)
    }

    /// Writes a command about a device: after its audit record, and with that record's request.
    ///
    /// # Errors
    /// As [`CommandError`]. After [`CommandError::Log`] with a timeout it may still be written; all commands may be
    /// repeated.
    pub(crate) async fn send(
        &self,
        requester: &Requester,
        act: Act,
        device: DeviceAddress,
        action: Action,
    ) -> Result<Accepted, CommandError> {
        let name = act.action;
        let sent = self.check_and_send(requester, act, device, action).await;
        self.count(name, sent)
    }

    async fn check_and_send(
        &self,
        requester: &Requester,
        mut act: Act,
        device: DeviceAddress,
        action: Action,
    ) -> Result<Accepted, CommandError> {
        let now_us = self.clock.now_us();
        let command_id = format!("{}-{device}-{}", act.action, requester.request_id);
        act.details.push(("command_id", command_id.clone()));
        self.check(requester, &act).await?;
        let command = Command {
            command_id: command_id.clone(),
            device: device.0,
            issued_by: requester.caller.subject.clone(),
            issued_at_us: now_us,
            action: Some(action),
        };
        let input = raw_record::Input::Command(command);
        match self.raw_writer.write(device, input, requester.cause, &self.clock).await {
            Ok(record_id) => Ok(Accepted { command_id, record_id }),
            Err(error) => {
                self.audit.fail(requester, &act).await;
                Err(CommandError::Log(error))
            }
        }
    }

    async fn check(&self, requester: &Requester, act: &Act) -> Result<(), CommandError> {
        self.throttle.command(&requester.caller).await.map_err(CommandError::TooMany)?;
        if act.scope.is_none() {
            self.audit.refuse(requester, act).await;
            return Err(CommandError::Forbidden);
        }
        self.audit.permit(requester, act).await.map_err(CommandError::Audit)
    }

    fn count<T>(&self, action: &'static str, result: Result<T, CommandError>) -> Result<T, CommandError> {
        let outcome = result.as_ref().map_or_else(CommandError::outcome, |_| "accepted");
        self.metrics.commands.get_or_create(&ActionLabel { action, outcome }).inc();
        result
    }
}
