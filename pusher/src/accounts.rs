//! Writes accounts into `fanet.account.v1`: who owns a device, after the audit record of it; companies, fleets and settings.

use std::sync::Arc;

use runtime::trace::{TraceContext, Tracer};
use runtime::{Clock, Shutdown};
use schemas::catalogue::topic;
use schemas::v1::{Account, UserDevice, account};
use schemas::{DeviceAddress, RecordId};
use streams::Cluster;
use tokio::sync::mpsc;

use crate::audit::{Act, Audit, Requester};
use crate::claims::Proof;
use crate::commands::CommandError;
use crate::log_writer::{LogWriter, WriteError};
use crate::ownership::{MAX_DEVICES, Ownership};

/// The action of a proof.
pub(crate) const CLAIM: &str = "device.claim";

/// Writes accounts.
pub(crate) struct Accounts {
    writer: LogWriter,
    audit: Arc<Audit>,
    ownership: Arc<Ownership>,
    clock: Clock,
}

impl Accounts {
    /// Not connected yet.
    pub(crate) fn new(
        cluster: Cluster,
        tracer: Tracer,
        audit: Arc<Audit>,
        ownership: Arc<Ownership>,
        clock: Clock,
    ) -> Self {
        Self { writer: LogWriter::new(cluster, topic::ACCOUNT, tracer), audit, ownership, clock }
    }

    /// Writes the owner of a device; an empty one takes it away. The caller is permitted to.
    ///
    /// # Errors
    /// The log does not accept the audit record, or the owner.
    pub(crate) async fn set_owner(
        &self,
        requester: &Requester,
        act: &Act,
        device: DeviceAddress,
        user_id: &str,
    ) -> Result<(), CommandError> {
        let now_us = self.clock.now_us();
        let owned =
            UserDevice { user_id: user_id.to_owned(), device: device.0, claimed_at_us: now_us, display_name: None };
        let record = Account { changed_at_us: now_us, entity: Some(account::Entity::UserDevice(owned)) };
        self.write(requester, act, format!("device/{device}"), Some(&record)).await?;
        // The topic brings it to all instances; here it holds at once.
        self.ownership.apply(&record);
        Ok(())
    }

    /// Writes an entity, or, without one, its end. The caller is permitted to.
    ///
    /// # Errors
    /// The log does not accept the audit record, or the entity.
    pub(crate) async fn write(
        &self,
        requester: &Requester,
        act: &Act,
        key: String,
        record: Option<&Account>,
    ) -> Result<(), CommandError> {
        self.audit.permit(requester, act).await.map_err(CommandError::Audit)?;
        let written = self.writer.write_to(None, key, record, self.clock.now_us(), requester.cause, &self.clock).await;
        match written {
            Ok(_) => Ok(()),
            Err(error) => {
                self.audit.fail(requester, act).await;
                Err(CommandError::Log(error))
            }
        }
    }

    /// Writes a record, or with `None` removes what its key had. Returns its id, whose offset is newer than that of any record
    /// of the key before. The caller has written its audit record.
    ///
    /// # Errors
    /// The log does not accept it.
    pub(crate) async fn put(
        &self,
        key: String,
        record: Option<&Account>,
        cause: Option<TraceContext>,
    ) -> Result<RecordId, WriteError> {
        self.writer.write(key, record, self.clock.now_us(), cause, &self.clock).await
    }

    /// Ends an entity that the program has found to be of no use.
    ///
    /// # Errors
    /// The log does not accept it.
    pub(crate) async fn end(&self, key: String) -> Result<(), WriteError> {
        self.writer.write_to(None, key, None::<&Account>, self.clock.now_us(), None, &self.clock).await.map(drop)
    }

    /// Writes what is proven, until stopped.
    ///
    /// # Errors
    /// None: a proof that is not written is to be made again.
    pub(crate) async fn run(self: Arc<Self>, mut proofs: mpsc::Receiver<Proof>, stop: Shutdown) -> anyhow::Result<()> {
        while let Some(Some(proof)) = stop.or(proofs.recv()).await {
            let Some(()) = stop.or(self.prove(&proof)).await else { break };
        }
        Ok(())
    }

    async fn prove(&self, Proof { device, requester, user_id }: &Proof) {
        let is_of_another = self.ownership.owner(*device).is_some_and(|owner| *owner != **user_id);
        let details = vec![("user_id", user_id.clone()), ("by", "radio".to_owned())];
        let scope =
            (!is_of_another && self.ownership.count(user_id) < MAX_DEVICES).then_some(access::Scope::DeviceManage);
        let act = Act { action: CLAIM, subject: device.to_string(), scope, details };
        if scope.is_none() {
            self.audit.refuse(requester, &act).await;
            return;
        }
        match self.set_owner(requester, &act, *device, user_id).await {
            Ok(()) => tracing::info!(%device, "a claim was proven by radio"),
            Err(error) => tracing::warn!(%device, %error, "a proven claim was not written: it has to be made again"),
        }
    }
}
