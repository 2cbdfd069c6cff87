//! One writer over several connections.
//!
//! A broker takes up a connection's next request when it has answered the one before, and librdkafka puts one partition
//! into a request. Small records that nobody lets gather so come to as many requests as one connection carries; over
//! several, each with the records of some partitions, a broker works on several at once.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::{Outgoing, Receipt, SendRefused, Sink, StreamError, partitioner};

pub(super) struct SpreadSink {
    writers: Vec<Arc<dyn Sink>>,
}

impl SpreadSink {
    /// Over writers, at least one, of the same settings.
    pub(super) fn new(writers: Vec<Arc<dyn Sink>>) -> Self {
        Self { writers }
    }

    /// Always the same for a partition, and for a key where the key decides: so the order stays.
    fn writer(&self, record: &Outgoing) -> &dyn Sink {
        let number = match (record.partition, &record.key) {
            (Some(partition), _) => partition,
            (None, Some(key)) => partitioner::partition_of(key, self.writers.len() as u32),
            (None, None) => 0,
        };
        self.writers[number as usize % self.writers.len()].as_ref()
    }
}

#[async_trait]
impl Sink for SpreadSink {
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

    /// Notes what it is given.
    #[derive(Default)]
    struct Noted(Mutex<Vec<Outgoing>>);

    #[async_trait]
    impl Sink for Noted {
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
    async fn a_partition_or_else_a_key_keeps_to_one_writer() {
        let writers: [Arc<Noted>; 2] = Default::default();
        let sink = SpreadSink::new(writers.iter().map(|writer| writer.clone() as Arc<dyn Sink>).collect());
        let flush = crate::Flush::new();
        for _ in 0..2 {
            for (partition, key) in [(Some(4), "even"), (Some(7), "odd"), (None, "112233"), (None, "112234")] {
                sink.send(record(partition, Some(key)), flush.receipt()).await.expect("taken");
            }
            sink.try_send(record(None, None), flush.receipt()).expect("taken");
        }
        let counts = |key: Option<&[u8]>| {
            writers.each_ref().map(|writer| {
                let noted = writer.0.lock().expect("not poisoned");
                noted.iter().filter(|record| record.key.as_deref() == key).count()
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
