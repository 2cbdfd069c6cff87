//! The sets of zones in the persistent folder, since the log is empty at each start: a file of their parts, each after its
//! length.

use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use bytes::{Buf as _, Bytes};
use prost::Message as _;
use runtime::{Clock, Shutdown};
use schemas::catalogue::{self, topic};
use schemas::keys;
use schemas::v1::ZoneSetPart;
use streams::registry::Schemas;
use streams::{Cluster, Event, Flush, Headers, Incoming, SeekTo, SinkSettings, TopicPartition};
use zones::ZoneSets;

/// The file in the persistent folder.
const FILE: &str = "zones";

/// The file of a folder.
#[derive(Clone, Debug)]
pub(crate) struct ZoneFile(PathBuf);

impl ZoneFile {
    /// In a folder that exists.
    pub(crate) fn new(dir: &Path) -> Self {
        Self(dir.join(FILE))
    }

    /// Copies the sets into the log. Call it before a program reads it.
    ///
    /// # Errors
    /// The file cannot be read, or is damaged.
    pub(crate) async fn restore(&self, cluster: &Cluster, clock: &Clock) -> anyhow::Result<()> {
        let parts = self.read().with_context(|| {
            format!("cannot read the zones in {}: remove the file, and import the zones again", self.0.display())
        })?;
        let (topic, flush) = (cluster.try_topic(topic::ZONE).await?, Flush::new());
        let sink = cluster.log.sink(SinkSettings::new("updraft-zones"))?;
        for part in parts {
            let key = keys::zones(&part.set, part.version, part.part);
            sink.send(topic.record(Some(0), key, &part, clock.now_us(), Headers::new()), flush.receipt()).await?;
        }
        Ok(flush.wait().await?)
    }

    /// Keeps the file as the sets are in the log, until stopped.
    ///
    /// # Errors
    /// The log cannot be read. A file that cannot be written is logged: the zones work until the program ends.
    pub(crate) async fn keep(self, cluster: Cluster, stop: Shutdown) -> anyhow::Result<()> {
        let codec = Schemas::local().prepare("", &catalogue::find(topic::ZONE).expect("in the catalogue")).await?;
        let partition = TopicPartition::new(cluster.full_name(topic::ZONE), 0);
        let mut source = cluster.log.read(vec![(partition, SeekTo::Beginning)]).await?;
        let part = |record: &Incoming| codec.decode::<ZoneSetPart>(record.value.as_ref()?).ok();
        let (mut sets, mut is_caught_up) = (ZoneSets::default(), false);
        while let Some(event) = stop.or(source.next()).await {
            let mut is_changed = false;
            match event? {
                Event::Records(records) => {
                    let changes = records.iter().filter_map(part).filter_map(|part| sets.take(part).ok());
                    is_changed = changes.fold(false, |changed, change| changed | change.is_active);
                }
                Event::CaughtUp(_) => is_caught_up = true,
                Event::Assigned(_) | Event::Revoked(_) => {}
            }
            if is_changed && is_caught_up {
                let bytes = sets.active_parts().flat_map(ZoneSetPart::encode_length_delimited_to_vec).collect();
                self.write(bytes).await;
            }
        }
        Ok(source.close().await?)
    }

    fn read(&self) -> anyhow::Result<Vec<ZoneSetPart>> {
        let mut bytes = match std::fs::read(&self.0) {
            Ok(bytes) => Bytes::from(bytes),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        };
        let mut parts = Vec::new();
        while bytes.has_remaining() {
            parts.push(ZoneSetPart::decode_length_delimited(&mut bytes).context("it is damaged")?);
        }
        Ok(parts)
    }

    /// Replaces the file, or leaves the former one.
    async fn write(&self, bytes: Vec<u8>) {
        let path = self.0.clone();
        let written = tokio::task::spawn_blocking(move || {
            let new = path.with_extension("new");
            let mut file = File::create(&new)?;
            file.write_all(&bytes)?;
            file.sync_all()?;
            std::fs::rename(&new, &path)
        });
        let written = written.await.map_err(std::io::Error::other).and_then(|written| written);
        if let Err(error) = written {
            let file = self.0.display();
            tracing::error!(%error, %file, "cannot write the zones: they end with the program");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(set: &str, version: u64) -> ZoneSetPart {
        ZoneSetPart { set: set.to_owned(), version, parts: 1, ..ZoneSetPart::default() }
    }

    #[tokio::test]
    async fn what_is_written_is_read() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = ZoneFile::new(dir.path());
        assert_eq!(file.read().expect("no file is no error"), []);
        let parts = [part("a", 1), part("b", 2)];
        file.write(parts.iter().flat_map(ZoneSetPart::encode_length_delimited_to_vec).collect()).await;
        assert_eq!(file.read().expect("reads"), parts);
        file.write(vec![9, 1, 2]).await;
        assert!(file.read().expect_err("refused").to_string().contains("damaged"));
    }
}
