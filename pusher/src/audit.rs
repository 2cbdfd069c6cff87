//! The audit trail: who changes what, and who looks at private data.
//!
//! A record is in the log before the change or the look that it is about: then there is no change without one, also where
//! the process ends in between. The price is a record without a change, where the log accepts the first and not the second;
//! a further record with the outcome `failed` says so, as far as it can be written.

mod search;

use std::collections::HashMap;
use std::sync::Arc;

use access::{Caller, Scope};
use runtime::Clock;
use runtime::trace::{TraceContext, Tracer};
use schemas::catalogue::topic;
use schemas::v1::{AuditOutcome, AuditRecord};
use streams::Cluster;

use crate::log_writer::{LogWriter, WriteError};
use crate::metrics::{OutcomeLabel, PusherMetrics};
pub(crate) use search::{Found, Search, SearchError};

/// The credential of what the program does by itself.
const SERVICE: &str = "service";

/// Who asks, and with which request.
#[derive(Clone, Debug)]
pub(crate) struct Requester {
    pub(crate) caller: Arc<Caller>,
    /// Where the request comes from: one of a closed set.
    pub(crate) client_class: &'static str,
    /// Made for the request, and sent back with its answer.
    pub(crate) request_id: Arc<str>,
    /// The span of the request, where it is traced.
    pub(crate) cause: Option<TraceContext>,
}

/// A request whose caller is not known yet.
#[derive(Clone, Debug)]
pub(crate) struct Visitor {
    pub(crate) client_class: &'static str,
    pub(crate) request_id: Arc<str>,
    pub(crate) cause: Option<TraceContext>,
}

impl Visitor {
    /// The request, with its caller.
    pub(crate) fn of(self, caller: Arc<Caller>) -> Requester {
        let Self { client_class, request_id, cause } = self;
        Requester { caller, client_class, request_id, cause }
    }
}

/// What is to be done, or looked at.
#[derive(Clone, Debug)]
pub(crate) struct Act {
    /// From a closed set.
    pub(crate) action: &'static str,
    /// A device address, `alert/<id>`, `session/<id>`, `zone/<set>`, or the list that is looked at.
    pub(crate) subject: String,
    /// The scope that permits it; `None`: it is refused.
    pub(crate) scope: Option<Scope>,
    pub(crate) details: Vec<(&'static str, String)>,
}

impl Act {
    fn details(&self) -> HashMap<String, String> {
        self.details.iter().map(|(name, text)| ((*name).to_owned(), text.clone())).collect()
    }

    /// The record of it.
    fn record(&self, requester: &Requester, outcome: AuditOutcome, at_us: u64) -> AuditRecord {
        AuditRecord {
            happened_at_us: at_us,
            user_id: requester.caller.subject.clone(),
            action: self.action.to_owned(),
            subject: self.subject.clone(),
            scope: self.scope.map(|scope| scope.as_str().to_owned()),
            peer: None,
            details: self.details(),
            credential: requester.caller.credential.as_str().to_owned(),
            client_class: Some(requester.client_class.to_owned()),
            outcome: outcome.into(),
            request_id: requester.request_id.to_string(),
        }
    }
}

/// Writes and reads the audit topic.
pub(crate) struct Audit {
    writer: LogWriter,
    cluster: Cluster,
    /// One search at a time: each reads from the cluster.
    searching: tokio::sync::Semaphore,
    clock: Clock,
    metrics: PusherMetrics,
}

impl Audit {
    /// Not connected yet.
    pub(crate) fn new(cluster: Cluster, tracer: Tracer, clock: Clock, metrics: PusherMetrics) -> Self {
        let writer = LogWriter::new(cluster.clone(), topic::AUDIT, tracer);
        Self { writer, cluster, searching: tokio::sync::Semaphore::new(1), clock, metrics }
    }

    /// Writes the record of an act that is permitted, before it is done.
    ///
    /// # Errors
    /// The log does not accept it: then it must not be done.
    pub(crate) async fn permit(&self, requester: &Requester, act: &Act) -> Result<(), WriteError> {
        self.write(requester, act, AuditOutcome::Accepted).await
    }

    /// Writes the record of an act that is not permitted. Where the log does not accept it, only the program's own log has
    /// it: it is refused in any case.
    pub(crate) async fn refuse(&self, requester: &Requester, act: &Act) {
        drop(self.write(requester, act, AuditOutcome::Refused).await);
    }

    /// Writes that a permitted act was not done, as far as the log accepts it.
    pub(crate) async fn fail(&self, requester: &Requester, act: &Act) {
        drop(self.write(requester, act, AuditOutcome::Failed).await);
    }

    /// Writes what the program has done for a user by itself, as far as the log accepts it. `request_id`: of what was done.
    pub(crate) async fn note(&self, user: &str, act: &Act, outcome: AuditOutcome, request_id: &str) {
        let record = AuditRecord {
            happened_at_us: self.clock.now_us(),
            user_id: user.to_owned(),
            action: act.action.to_owned(),
            subject: act.subject.clone(),
            details: act.details(),
            credential: SERVICE.to_owned(),
            outcome: outcome.into(),
            request_id: request_id.to_owned(),
            ..AuditRecord::default()
        };
        drop(self.write_record(record, None).await);
    }

    async fn write(&self, requester: &Requester, act: &Act, outcome: AuditOutcome) -> Result<(), WriteError> {
        self.write_record(act.record(requester, outcome, self.clock.now_us()), requester.cause).await
    }

    async fn write_record(&self, record: AuditRecord, cause: Option<TraceContext>) -> Result<(), WriteError> {
        // The log of the program too: it outlives the in-process log of `updraft`.
        tracing::info!(
            user = record.user_id,
            action = record.action,
            subject = record.subject,
            request = record.request_id,
            outcome = record.outcome().as_str_name(),
            "audit"
        );
        let at_us = record.happened_at_us;
        let written = self.writer.write(record.user_id.clone(), Some(&record), at_us, cause, &self.clock).await;
        let label = OutcomeLabel { outcome: if written.is_ok() { "written" } else { "failed" } };
        self.metrics.audit_records.get_or_create(&label).inc();
        if let Err(error) = &written {
            tracing::warn!(%error, request = record.request_id, "cannot write an audit record");
        }
        written.map(drop)
    }
}
