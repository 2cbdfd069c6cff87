//! Fleets that clients of the shards ask for after their handshake: permitted here, since a shard never waits for the log.

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

/// Requests of all shards that wait. More are refused.
const QUEUE: usize = 1_024;
/// Requests that wait for the log at once.
const CONCURRENT: usize = 64;

/// A request of a client, with the way back to its shard.
pub(crate) struct Question {
    pub(crate) request: FleetRequest,
    pub(crate) requester: Arc<Requester>,
    pub(crate) inbox: mpsc::Sender<ShardMessage>,
    pub(crate) waker: Arc<Waker>,
}

/// A queue of requests.
pub(crate) fn queue() -> (mpsc::Sender<Question>, mpsc::Receiver<Question>) {
    mpsc::channel(QUEUE)
}

/// Answers requests until stopped.
///
/// # Errors
/// None: a shard that has ended needs no answer.
pub(crate) async fn run(
    fleets: Arc<Fleets>,
    commands: Arc<Commands>,
    questions: mpsc::Receiver<Question>,
    stop: Shutdown,
) -> anyhow::Result<()> {
    let questions = stream::unfold(questions, |mut questions| async { Some((questions.recv().await?, questions)) });
    let answers = questions.for_each_concurrent(CONCURRENT, |Question { request, requester, inbox, waker }| {
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

/// The log does not accept the audit record of a look at hidden devices, or there are too many requests.
pub(crate) const UNAVAILABLE: Refusal =
    Refusal::fixed("fleet_unavailable", "the fleet cannot be subscribed to now: try again after some seconds");
