//! Companies and fleets as this instance knows them, and who looks at which fleet.

use std::sync::Arc;

use access::FleetSight;
use access::fleets::{Directory, Limits};
use fanout::fleet::{Fleet, FleetKey};
use parking_lot::RwLock;
use schemas::v1::Account;
use tokio::sync::{Mutex, MutexGuard};

use crate::audit::{Act, Requester};
use crate::commands::{CommandError, Commands};
use crate::company_use::{CompanyUse, Use, UsePermit};

/// The directory of companies and fleets, and how much of their limits companies use.
#[derive(Debug, Default)]
pub(crate) struct Fleets {
    directory: RwLock<Directory>,
    company_use: CompanyUse,
    /// Held from the check of a change until it is applied here.
    changing: Mutex<()>,
}

/// A fleet that a caller may see: its look is in the audit trail.
#[derive(Debug)]
pub(crate) struct FleetPermit {
    pub(crate) fleet: Arc<str>,
    /// Counts among the subscriptions of the fleet's company, until it is dropped.
    pub(crate) _in_use: UsePermit,
}

/// Why a caller does not see a fleet.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FleetError {
    /// There is none that the caller may see.
    #[error("the fleet is not allowed: connect with the credentials of one of its members")]
    NotAllowed,
    /// The limit of the company.
    #[error("the fleets of the company have {0} subscriptions, its limit: close one of them, or ask an operator")]
    Full(usize),
    /// The look is not in the audit trail.
    #[error("nothing was looked at, since the audit record was not written")]
    Audit(#[source] CommandError),
}

impl Fleets {
    /// Applies a record of the topic; `None` is a tombstone. Returns the fleets that it changes.
    pub(crate) fn apply(&self, key: &str, offset: u64, record: Option<&Account>) -> Vec<Arc<str>> {
        let entity = record.and_then(|record| record.entity.as_ref());
        // A record without an entity is of a newer program.
        if record.is_some() && entity.is_none() {
            return Vec::new();
        }
        self.directory.write().apply(key, offset, entity)
    }

    /// The companies and fleets, for one look.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&Directory) -> T) -> T {
        look(&self.directory.read())
    }

    /// How much of their limits the companies use.
    pub(crate) fn company_use(&self) -> &CompanyUse {
        &self.company_use
    }

    /// One change at a time.
    pub(crate) async fn begin_change(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().await
    }

    /// A fleet as a client of the live picture sees it. `None`: it does not.
    pub(crate) fn sight(&self, requester: &Requester, fleet: &str) -> Option<Fleet> {
        let look = self.directory.read().look(&requester.caller, fleet)?;
        let key = FleetKey { number: look.number, sees_hidden: look.sight.sees_hidden };
        Some(Fleet::new(fleet.into(), key, look.devices))
    }

    /// Permits a subscription to a fleet; where it shows hidden devices, after its audit record.
    ///
    /// # Errors
    /// As [`FleetError`].
    pub(crate) async fn permit(
        &self,
        commands: &Commands,
        requester: &Requester,
        fleet: &str,
    ) -> Result<FleetPermit, FleetError> {
        let (look, limits) = self
            .read(|directory| {
                let look = directory.look(&requester.caller, fleet)?;
                let limits = directory.limits(&look.company);
                Some((look, limits))
            })
            .ok_or(FleetError::NotAllowed)?;
        let most = limits.subscriptions;
        let in_use = self.company_use.take(&look.company, Use::Subscription, most).ok_or(FleetError::Full(most))?;
        if let FleetSight { scope, sees_hidden: true } = look.sight {
            let act = Act {
                action: "fleet.view",
                subject: format!("fleet/{fleet}"),
                scope: Some(scope),
                details: vec![("devices", look.devices.len().to_string())],
            };
            commands.permit(requester, &act).await.map_err(FleetError::Audit)?;
        }
        Ok(FleetPermit { fleet: fleet.into(), _in_use: in_use })
    }

    /// Permits a WebSocket of a caller. `Ok(None)`: it is of no company that is known.
    ///
    /// # Errors
    /// The limit of the company.
    pub(crate) fn admit(&self, requester: &Requester) -> Result<Option<UsePermit>, usize> {
        let Some(company) = requester.caller.company.as_deref() else { return Ok(None) };
        let limits = self.read(|directory| directory.company(company).map(|_| directory.limits(company)));
        let Some(Limits { connections, .. }) = limits else { return Ok(None) };
        self.company_use.take(company, Use::Connection, connections).map(Some).ok_or(connections)
    }
}
