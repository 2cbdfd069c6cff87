//! Two readers of the log as one: aircraft, which move all the time, and everything else.
//!
//! A cluster looks at every partition that a request names, and a reader names all of its own in each. So the requests
//! that bring new positions, hundreds a second, name those of aircraft only, and the many partitions where little happens
//! are asked about when something does.

use streams::{Event, Log, SeekTo, Source, StreamError, TopicPartition};

use super::topics::Topics;

pub(super) struct Reader {
    aircraft: Box<dyn Source>,
    others: Box<dyn Source>,
}

impl Reader {
    /// # Errors
    /// As [`Log::read`].
    pub(super) async fn open(log: &dyn Log, topics: &Topics) -> Result<Self, StreamError> {
        let (aircraft, others): (Vec<_>, Vec<_>) = topics.partitions().partition(|at| topics.is_aircraft(at));
        let start = |at: &TopicPartition| (at.clone(), topics.start(at));
        let from = |list: Vec<&TopicPartition>| list.into_iter().map(start).collect::<Vec<(_, SeekTo)>>();
        let (aircraft, others) = tokio::try_join!(log.read(from(aircraft)), log.read(from(others)))?;
        Ok(Self { aircraft, others })
    }

    /// What happens next on either. Cancel-safe, as each of them.
    ///
    /// # Errors
    /// As [`Source::next`].
    pub(super) async fn next(&mut self) -> Result<Event, StreamError> {
        tokio::select! {
            event = self.aircraft.next() => event,
            event = self.others.next() => event,
        }
    }

    /// # Errors
    /// As [`Source::close`].
    pub(super) async fn close(self) -> Result<(), StreamError> {
        tokio::try_join!(self.aircraft.close(), self.others.close()).map(drop)
    }
}
