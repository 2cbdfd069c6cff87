//! Joins the group, and joins it again after a failure.

use std::time::Duration;

use runtime::retry::with_causes;
use runtime::{Backoff, Shutdown};

use crate::group::{Group, Interrupted, Membership};
use crate::member::Member;
use crate::session::Session;

/// After a session of this length, the backoff starts again.
const LONG_SESSION: Duration = Duration::from_secs(60);

impl Member {
    /// Runs until stopped.
    ///
    /// # Errors
    /// Errors for which joining again cannot help: the source fails with `bad_settings` or `stuck`, the group is not
    /// prepared ([`Interrupted::Final`]), or a task fails with an error that [is final](Group::is_final).
    pub async fn run<G: Group>(self, group: &G, stop: Shutdown) -> anyhow::Result<()> {
        let mut backoff = Backoff::for_services();
        loop {
            let prepared = stop.or(group.prepare()).await.transpose().map(Option::flatten);
            let began = self.context.clock.monotonic();
            let ended = match prepared {
                Ok(Some(membership)) => self.run_session(&membership, &stop).await,
                Ok(None) => return Ok(()),
                Err(error) => Err(error),
            };
            if self.context.clock.monotonic() >= began + LONG_SESSION {
                backoff.reset();
            }
            match ended {
                Ok(()) => return Ok(()),
                Err(Interrupted::Log(error)) if matches!(error.reason(), "bad_settings" | "stuck") => {
                    return Err(error.into());
                }
                Err(Interrupted::Final(error)) => return Err(error),
                Err(Interrupted::Task(error)) if group.is_final(&error) => return Err(error),
                Err(error) => {
                    let reason = with_causes(&error);
                    tracing::warn!(group = self.settings.group, reason, "joining the group again");
                    self.part.not_ready(&reason);
                    self.metrics.restarts.inc();
                }
            }
            if stop.or(self.context.clock.sleep(backoff.next_delay())).await.is_none() {
                return Ok(());
            }
        }
    }

    async fn run_session(&self, membership: &impl Membership, stop: &Shutdown) -> Result<(), Interrupted> {
        let source = self.log.subscribe(self.settings.clone()).await?;
        let mut session = Session::new(self, membership, source);
        self.part.ready();
        let interrupted = session.run(stop).await;
        session.end_tasks().await;
        interrupted?;
        session.leave().await;
        Ok(())
    }
}
