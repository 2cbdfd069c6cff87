//! Writes sets of zones: into their own topic, which is the truth, and into every partition of the raw topic, from which the
//! cores take them.
//!
//! All instances repeat the present sets in the raw topic when they start and every hour. So a partition or a core that has
//! never seen them gets them, an import that was interrupted is completed, and every hour of the raw topic can be replayed with
//! its zones. A repeat changes nothing where the version is known.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::RwLock;
use runtime::Clock;
use schemas::catalogue::topic;
use schemas::keys;
use schemas::v1::{self, RawRecord, ZoneSetPart, raw_record};
use streams::{Cluster, DeliveryError, Flush, Headers, Outgoing, Sink, SinkSettings, StreamError, Topic};

use crate::zone_policy::{Refused, Wanted};
use crate::zone_view::ZoneView;

/// Time in which the log has to accept an import; then the request fails.
const DEADLINE: Duration = Duration::from_secs(30);
/// Time between two parts in the raw topic: frames get their turn, and a log that is bounded by bytes is read meanwhile.
const PAUSE: Duration = Duration::from_millis(100);

/// Writes sets of zones. The first record opens the sink.
pub(crate) struct ZoneWriter {
    cluster: Cluster,
    /// Held during an import: one at a time.
    output: tokio::sync::Mutex<Option<Output>>,
}

struct Output {
    sink: Arc<dyn Sink>,
    raw: Topic,
    zone: Topic,
}

/// Why a set was not written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ZoneWriteError {
    /// Another import came first, and leaves no room or has the name.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// No acknowledgement in time.
    #[error("the log did not acknowledge the zones within {} s", DEADLINE.as_secs())]
    Timeout,
    /// The log or the registry is unreachable, or refuses.
    #[error("the log is not available")]
    Stream(#[from] StreamError),
    /// The log gave up the delivery.
    #[error("the zones were not delivered")]
    Delivery(#[from] DeliveryError),
}

impl ZoneWriter {
    /// Not connected yet.
    pub(crate) fn new(cluster: Cluster) -> Self {
        Self { cluster, output: tokio::sync::Mutex::default() }
    }

    /// Replaces a set; without zones, removes it. Returns its new version.
    ///
    /// # Errors
    /// As [`ZoneWriteError`]. The set may still take effect, now or with the next repeat: the request can be sent again.
    pub(crate) async fn replace(
        &self,
        view: &RwLock<ZoneView>,
        wanted: &Wanted<'_>,
        zones: Vec<v1::Zone>,
        clock: &Clock,
    ) -> Result<u64, ZoneWriteError> {
        let write = async {
            let mut output = self.output.lock().await;
            // Again, now that no other import is in progress here.
            wanted.check(&view.read())?;
            let written = self.replace_now(&mut output, view, wanted, zones, clock).await;
            if written.is_err() {
                *output = None;
            }
            written
        };
        tokio::select! {
            written = write => written,
            () = clock.sleep(DEADLINE) => Err(ZoneWriteError::Timeout),
        }
    }

    async fn replace_now(
        &self,
        output: &mut Option<Output>,
        view: &RwLock<ZoneView>,
        wanted: &Wanted<'_>,
        zones: Vec<v1::Zone>,
        clock: &Clock,
    ) -> Result<u64, ZoneWriteError> {
        let Wanted { caller, set, .. } = *wanted;
        let now_us = clock.now_us();
        let version = now_us.max(view.read().sets().version(set) + 1);
        let former: Vec<(u64, u32)> = {
            let known = view.read();
            known.sets().parts().filter(|part| part.set == set).map(|part| (part.version, part.part)).collect()
        };
        let mut parts = zones::split(set, version, &caller.subject, zones);
        parts.iter_mut().for_each(|part| part.company.clone_from(&caller.company));
        let output = self.open(output).await?;
        let flush = Flush::new();
        for part in &parts {
            let key = keys::zones(&part.set, part.version, part.part);
            let record = output.zone.record(Some(0), key, part, now_us, Headers::new());
            output.sink.send(record, flush.receipt()).await?;
        }
        flush.wait().await?;
        self.write_raw(output, &parts, clock).await?;
        for part in parts {
            // This instance answers with them at once; the others read them.
            let _ = view.write().take(part);
        }
        for (version, part) in former {
            let key = keys::zones(set, version, part);
            let record = output.zone.tombstone(Some(0), key, now_us, Headers::new());
            output.sink.send(record, flush.receipt()).await?;
        }
        flush.wait().await?;
        Ok(version)
    }

    /// Writes parts into all partitions of the raw topic.
    async fn write_raw(&self, output: &Output, parts: &[ZoneSetPart], clock: &Clock) -> Result<(), ZoneWriteError> {
        let partitions = self.cluster.log.partitions(&output.raw.name).await?;
        for (number, part) in parts.iter().enumerate() {
            if number > 0 {
                clock.sleep(PAUSE).await;
            }
            let (now_us, flush) = (clock.now_us(), Flush::new());
            let input = Some(raw_record::Input::ZoneSet(part.clone()));
            let value = RawRecord { ingested_at_us: now_us, input, ..RawRecord::default() };
            let value: Bytes = output.raw.codec.encode(&value);
            for partition in 0..partitions {
                let record = Outgoing {
                    topic: output.raw.name.clone(),
                    partition: Some(partition),
                    key: None,
                    value: Some(value.clone()),
                    headers: Headers::new(),
                    timestamp_ms: i64::try_from(now_us / 1_000).unwrap_or(i64::MAX),
                };
                output.sink.send(record, flush.receipt()).await?;
            }
            flush.wait().await?;
        }
        Ok(())
    }

    async fn open<'a>(&self, output: &'a mut Option<Output>) -> Result<&'a Output, StreamError> {
        if output.is_none() {
            let raw = self.cluster.try_topic(topic::RAW).await?;
            let zone = self.cluster.try_topic(topic::ZONE).await?;
            let sink = self.cluster.log.sink(SinkSettings::new("updraft-pusher-zones"))?;
            *output = Some(Output { sink, raw, zone });
        }
        Ok(output.as_ref().expect("opened above"))
    }

    /// Repeats the present sets in the raw topic.
    ///
    /// # Errors
    /// As [`ZoneWriteError`].
    pub(crate) async fn repeat(&self, view: &RwLock<ZoneView>, clock: &Clock) -> Result<(), ZoneWriteError> {
        let parts: Vec<ZoneSetPart> = view.read().sets().active_parts().cloned().collect();
        if parts.is_empty() {
            return Ok(());
        }
        let mut output = self.output.lock().await;
        let written = async {
            let opened = self.open(&mut output).await?;
            self.write_raw(opened, &parts, clock).await
        };
        let written = tokio::select! {
            written = written => written,
            () = clock.sleep(DEADLINE) => Err(ZoneWriteError::Timeout),
        };
        if written.is_err() {
            *output = None;
        }
        written
    }
}
