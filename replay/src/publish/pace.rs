//! Publishes a simulation in real time.

use std::time::Duration;

use envelope::{DEFAULT_PREFIX, Topic, Wrapped};
use runtime::{Clock, Shutdown};

use crate::generate::{Reception, Simulation};

/// How often due messages are sent.
const TICK: Duration = Duration::from_millis(20);
/// The maximum simulated time that is computed at once, microseconds.
const CHUNK_US: u64 = 1_000_000;
/// A message that is late by more than this is skipped, microseconds.
const STALE_US: u64 = 3_000_000;

/// Speed and end of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// Simulated seconds per second, above 0.
    pub speed: f64,
    /// End of the run in simulated time, microseconds since the Unix epoch; `None`: until asked to stop.
    pub until_us: Option<u64>,
}

/// The outcomes of the messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Published {
    /// Sent.
    pub sent: u64,
    /// Of these, acknowledged by the other side.
    pub acknowledged: u64,
    /// Too late to send.
    pub skipped: u64,
}

/// A destination of messages.
pub(super) trait Outlet {
    /// Sends a message; returns once there is room for the next one.
    fn send(&mut self, message: Reception) -> impl Future<Output = anyhow::Result<()>> + Send;
}

/// Sends the messages of a simulation to `outlet`, each when it is due, until the end or until asked to stop.
///
/// Message times follow the clock from the call on: at speeds other than 1 the receivers' timestamps are shifted, so
/// that they remain plausible for the time of arrival.
pub(super) async fn in_step(
    simulation: &mut Simulation,
    pace: Pace,
    clock: &Clock,
    shutdown: &Shutdown,
    outlet: &mut impl Outlet,
) -> anyhow::Result<Published> {
    let mut published = Published::default();
    let (began, began_us, start_us) = (clock.monotonic(), clock.now_us(), simulation.start_us());
    let mut reached_us = start_us;
    while !shutdown.is_requested() && pace.until_us.is_none_or(|until_us| reached_us < until_us) {
        let elapsed = clock.monotonic().saturating_sub(began);
        let due_us = start_us + (elapsed.as_secs_f64() * pace.speed * 1e6) as u64;
        let due_us = due_us.min(pace.until_us.unwrap_or(u64::MAX));
        if due_us <= reached_us {
            shutdown.or(clock.sleep(TICK)).await;
            continue;
        }
        reached_us = due_us.min(reached_us + CHUNK_US);
        for reception in simulation.run_to(reached_us) {
            let at_us = began_us + ((reception.at_us.saturating_sub(start_us)) as f64 / pace.speed) as u64;
            if at_us + STALE_US < clock.now_us() {
                published.skipped += 1;
                continue;
            }
            let Some(outcome) = shutdown.or(outlet.send(stamped(reception, at_us))).await else {
                return Ok(published);
            };
            outcome?;
            published.sent += 1;
        }
    }
    Ok(published)
}

/// Moves the message, with its timestamp, to another time.
fn stamped(mut reception: Reception, at_us: u64) -> Reception {
    let shift_s = (at_us as i64 - reception.at_us as i64) / 1_000_000;
    let is_frame = matches!(Topic::parse(&reception.topic, &[DEFAULT_PREFIX]), Some(Topic::Frame { .. }));
    if shift_s != 0
        && is_frame
        && let Ok(wrapped) = Wrapped::decode(&reception.payload)
    {
        let shifted = i64::from(wrapped.timestamp_s) + shift_s;
        let timestamp_s = u32::try_from(shifted.max(0)).unwrap_or(u32::MAX);
        reception.payload = Wrapped { timestamp_s, ..wrapped }.encode();
    }
    reception.at_us = at_us;
    reception
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_of_frames_move_with_the_message() {
        let reception = |topic: &str| Reception {
            at_us: 5_000_000,
            receiver_id: 1,
            topic: topic.to_owned(),
            payload: vec![10, 0, 0, 0, 1, 2, 3, 4, 5],
        };
        assert_eq!(stamped(reception("fb/b/1/f/1"), 9_900_000).payload, [14, 0, 0, 0, 1, 2, 3, 4, 5]);
        assert_eq!(stamped(reception("fb/b/1/f/1"), 3_000_000).payload, [8, 0, 0, 0, 1, 2, 3, 4, 5]);
        assert_eq!(stamped(reception("fb/b/1/hw"), 9_900_000).payload, [10, 0, 0, 0, 1, 2, 3, 4, 5]);
    }
}
