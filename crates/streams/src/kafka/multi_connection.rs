//! A sink that writes over several connections to each broker.
//!
//! A broker processes the requests of a connection one after the other, and librdkafka puts the records of one
//! partition into a request. Small records that are sent without delay can therefore need more requests than one
//! connection carries. Over several connections, each with the records of some partitions, a broker processes several
//! requests at once.
//!
//! All records of a partition, or of a key, use one connection, so that they keep their order.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::{Outgoing, Receipt, SendRefused, Sink, StreamError, partitioner};

pub(super) struct MultiConnectionSink {
    /// Each has connections of its own.
    writers: Vec<Arc<dyn Sink>>,
}

impl MultiConnectionSink {
    /// `writers`: at least one, all with the same settings.
    pub(super) fn new(writers: Vec<Arc<dyn Sink>>) -> Self {
        Self { writers }
    }

    /// The writer of a record: the same for all records of a partition, or with a key and without a partition.
    fn writer(&self, record: &Outgoing) -> &dyn Sink {
        let number = match (record.partition, &record.key) {
            (Some(partition), _) => partition,
            // The partition follows from the key, so the key alone decides. The topic's number of partitions is not
            // known.
            (None, Some(key)) => partitioner::partition_of(key, self.writers.len() as u32),
            (None, None) => 0,
        };
        self.writers[number as usize % self.writers.len()].as_ref()
    }
}

#[async_trait]
impl Sink for MultiConnectionSink {
    fn try_send(&self, record: Outgoing, receipt: Receipt) -> Result<(), SendRefused> {
        self.writer(&record).try_send(record, receipt)
    }

    async fn send(&self, record: Outgoing, receipt: Receipt) -> Result<(), StreamError> {
        self.writer(&record).send(record, receipt).await
    }

    async fn flush(&self, deadline: Duration) -> Result<(), StreamError> {
        let all = async {
            for writer in &self.writers {
                writer.flush(deadline).await?;
            }
            Ok(())
        };
        match tokio::time::timeout(deadline, all).await {
            Ok(flushed) => flushed,
            Err(elapsed) => Err(StreamError::transient("timeout", "flush", elapsed)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::Headers;

    /// Stores the records that it receives.
    #[derive(Default)]
    struct Stored(Mutex<Vec<Outgoing>>);

    #[async_trait]
    impl Sink for Stored {
        fn try_send(&self, record: Outgoing, _: Receipt) -> Result<(), SendRefused> {
            self.0.lock().expect("not poisoned").push(record);
            Ok(())
        }

        async fn send(&self, record: Outgoing, receipt: Receipt) -> Result<(), StreamError> {
            self.try_send(record, receipt).map_err(|refused| refused.error)
        }

        async fn flush(&self, _: Duration) -> Result<(), StreamError> {
            Ok(())
        }
    }

    fn record(partition: Option<u32>, key: Option<&'static str>) -> Outgoing {
        let key = key.map(|key| key.as_bytes().into());
        Outgoing { topic: "topic".into(), partition, key, value: None, headers: Headers::new(), timestamp_ms: 0 }
    }

    #[tokio::test]
    async fn partition_or_key_always_uses_one_writer() {
        let writers: [Arc<Stored>; 2] = Default::default();
        let sink = MultiConnectionSink::new(writers.iter().map(|writer| writer.clone() as Arc<dyn Sink>).collect());
        let flush = crate::Flush::new();
        for _ in 0..2 {
            for (partition, key) in [(Some(4), "even"), (Some(7), "odd"), (None, "112233"), (None, "112234")] {
                sink.send(record(partition, Some(key)), flush.receipt()).await.expect("taken");
            }
            sink.try_send(record(None, None), flush.receipt()).expect("taken");
        }
        let counts = |key: Option<&[u8]>| {
            writers.each_ref().map(|writer| {
                let stored = writer.0.lock().expect("not poisoned");
                stored.iter().filter(|record| record.key.as_deref() == key).count()
            })
        };
        assert_eq!(counts(Some(b"even")), [2, 0]);
        assert_eq!(counts(Some(b"odd")), [0, 2]);
        assert_eq!(counts(None), [2, 0]);
        for key in [b"112233", b"112234"] {
            assert!(counts(Some(key)).contains(&2), "all on one");
        }
    }
}
