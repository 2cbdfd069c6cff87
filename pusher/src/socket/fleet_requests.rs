//! Answers the requests of WebSocket clients for a fleet, after their handshake.
//!
//! A fleet may show hidden devices: then an audit record is written before a client gets it. A shard never waits for
//! the log: it queues the request here, and gets the answer as a message.

use std::sync::Arc;

use fanout::dispatcher::FleetRequest;
use fanout::session::Refusal;
use futures::{StreamExt as _, stream};
use mio::Waker;
use runtime::Shutdown;
use tokio::sync::mpsc;

use super::message::{FleetAnswer, ShardMessage};
use crate::audit::Requester;
use crate::commands::Commands;
use crate::fleets::{FleetError, Fleets};

/// Requests of all shards in the queue. When it is full, further ones are refused with [`UNAVAILABLE`].
const MAX_QUEUED: usize = 1_024;
/// Requests whose audit records are being written at the same time.
const MAX_CONCURRENT: usize = 64;

/// A request of a client, and where its answer is sent.
pub(crate) struct QueuedFleetRequest {
    pub(crate) request: FleetRequest,
    /// Whose credentials the connection has.
    pub(crate) requester: Arc<Requester>,
    /// The inbox of the client's shard.
    pub(crate) inbox: mpsc::Sender<ShardMessage>,
    /// Wakes the shard, so that it reads its inbox.
    pub(crate) waker: Arc<Waker>,
}

/// The queue of requests.
pub(crate) fn queue() -> (mpsc::Sender<QueuedFleetRequest>, mpsc::Receiver<QueuedFleetRequest>) {
    mpsc::channel(MAX_QUEUED)
}

/// Answers requests until stopped.
///
/// # Errors
/// Never: the answer for a shard that has ended is dropped.
pub(crate) async fn run(
    fleets: Arc<Fleets>,
    commands: Arc<Commands>,
    queue: mpsc::Receiver<QueuedFleetRequest>,
    stop: Shutdown,
) -> anyhow::Result<()> {
    let requests = stream::unfold(queue, |mut queue| async { Some((queue.recv().await?, queue)) });
    let answers = requests.for_each_concurrent(MAX_CONCURRENT, |queued| {
        let QueuedFleetRequest { request, requester, inbox, waker } = queued;
        let (fleets, commands) = (fleets.clone(), commands.clone());
        async move {
            let FleetRequest { client, ticket, fleet } = request;
            let permit = fleets.permit(&commands, &requester, &fleet).await.map_err(|error| refusal(&error));
            let answer = ShardMessage::Fleet(Box::new(FleetAnswer { client, ticket, permit }));
            if inbox.send(answer).await.is_ok() {
                let _ = waker.wake();
            }
        }
    });
    stop.or(answers).await;
    Ok(())
}

fn refusal(error: &FleetError) -> Refusal {
    match error {
        FleetError::NotAllowed => Refusal::FLEET_NOT_ALLOWED,
        FleetError::Full(_) => Refusal { code: "fleet_full", message: error.to_string().into() },
        FleetError::Audit(_) => UNAVAILABLE,
    }
}

/// The log does not accept the audit record of the access to hidden devices, or the queue is full.
pub(crate) const UNAVAILABLE: Refusal =
    Refusal::fixed("fleet_unavailable", "the fleet cannot be subscribed to now: try again after some seconds");
