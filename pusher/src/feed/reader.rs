//! Two readers of the log, one for aircraft, which change all the time, and one for all other kinds.
//!
//! A fetch request of a reader names all of its partitions, and the broker checks each of them. With two readers, the
//! hundreds of requests per second for new positions name the partitions of aircraft only. The requests for the many
//! other partitions wait at the broker until one of them has a record.

use streams::{Event, Lag, Log, SeekTo, Source, StreamError, TopicPartition};

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

    /// The next event of either reader. Cancel-safe.
    ///
    /// # Errors
    /// As [`Source::next`].
    pub(super) async fn next(&mut self) -> Result<Event, StreamError> {
        tokio::select! {
            event = self.aircraft.next() => event,
            event = self.others.next() => event,
        }
    }

    /// The lag of both readers together. `None`: it is not known yet.
    pub(super) fn lag(&self) -> Option<Lag> {
        Some(self.aircraft.lag()?.and(self.others.lag()?))
    }

    /// # Errors
    /// As [`Source::close`].
    pub(super) async fn close(self) -> Result<(), StreamError> {
        tokio::try_join!(self.aircraft.close(), self.others.close()).map(drop)
    }
}
