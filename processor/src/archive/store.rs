//! Where the files are: a directory, or a bucket of an S3-compatible store. Both put a file in its place only when it is
//! whole (a rename, or the end of a multipart upload).

use std::path::Path as FilePath;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use clap::Args;
use futures::TryStreamExt as _;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, ObjectStoreExt as _, PutPayload, WriteMultipart};
use runtime::Redacted;
use runtime::settings::parse_duration;
use sha2::{Digest as _, Sha256};

use super::file::HourFile;
use super::manifest::FORMAT;
use super::{Border, Hour, Manifest, Section};

const MANIFEST: &str = ".manifest.json";
/// Pieces of an upload that are under way at once.
const UPLOADS: usize = 4;

/// Settings of the archive.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Archive")]
pub struct ArchiveOptions {
    /// Where the files go: a directory, or s3://bucket/folder.
    #[arg(long, env = "UPDRAFT_ARCHIVE_TO", value_name = "DIR|URL")]
    pub to: String,
    /// Goes on until stopped, and looks for an hour that is over at this interval; without it, archives once what there is.
    #[arg(long, env = "UPDRAFT_ARCHIVE_EVERY", value_name = "DURATION", value_parser = parse_duration)]
    pub every: Option<Duration>,
    /// Hours older than this are removed; 0s: none ever.
    #[arg(long, env = "UPDRAFT_ARCHIVE_RETENTION", value_name = "DURATION", default_value = "8760h", value_parser = parse_duration)]
    pub retention: Duration,
    /// An hour that no later record ends (all bridges are silent) is taken to be over after this.
    #[arg(long, env = "UPDRAFT_ARCHIVE_SETTLE", value_name = "DURATION", default_value = "15m", value_parser = parse_duration)]
    pub settle: Duration,
    /// The S3-compatible store, where it is not Amazon's: https://host:port.
    #[arg(long, env = "UPDRAFT_ARCHIVE_S3_ENDPOINT", value_name = "URL")]
    pub s3_endpoint: Option<String>,
    /// The region of the bucket.
    #[arg(long, env = "UPDRAFT_ARCHIVE_S3_REGION", value_name = "REGION", default_value = "us-east-1")]
    pub s3_region: String,
    /// Who asks; without it, what the machine it runs on is allowed.
    #[arg(long, env = "UPDRAFT_ARCHIVE_S3_ACCESS_KEY_ID", value_name = "ID")]
    pub s3_access_key_id: Option<String>,
    /// The secret of that key.
    #[arg(long, env = "UPDRAFT_ARCHIVE_S3_SECRET_ACCESS_KEY", value_name = "SECRET", hide_env_values = true)]
    pub s3_secret_access_key: Option<Redacted>,
}

impl ArchiveOptions {
    /// `None`: for ever.
    pub fn retention(&self) -> Option<Duration> {
        Some(self.retention).filter(|retention| !retention.is_zero())
    }

    /// What no single option can know: one line.
    ///
    /// # Errors
    /// The line.
    pub fn check(&self) -> Result<(), String> {
        if self.s3_access_key_id.is_some() != self.s3_secret_access_key.is_some() {
            return Err("--s3-access-key-id and --s3-secret-access-key go together".to_owned());
        }
        match self.bucket() {
            Some(("", _)) => Err(format!("--to {}: s3://bucket or s3://bucket/folder is", self.to)),
            None if self.to.contains("://") => Err(format!("--to {}: a directory or s3://bucket/folder is", self.to)),
            _ => Ok(()),
        }
    }

    /// Bucket and folder of an S3 URL.
    fn bucket(&self) -> Option<(&str, &str)> {
        let rest = self.to.strip_prefix("s3://")?;
        Some(rest.split_once('/').unwrap_or((rest, "")))
    }
}

/// The archive's files.
#[derive(Clone)]
pub struct Store {
    objects: Arc<dyn ObjectStore>,
    options: ArchiveOptions,
}

impl Store {
    /// Opens the store; a directory is made where it is missing. Asks no network.
    ///
    /// # Errors
    /// The directory cannot be made, or the settings of S3 do not fit together.
    pub fn open(options: ArchiveOptions) -> anyhow::Result<Self> {
        let objects: Arc<dyn ObjectStore> = match options.bucket() {
            Some((bucket, folder)) => {
                let mut builder = AmazonS3Builder::new().with_bucket_name(bucket).with_region(&options.s3_region);
                if let Some(endpoint) = &options.s3_endpoint {
                    builder = builder.with_endpoint(endpoint).with_allow_http(endpoint.starts_with("http://"));
                }
                if let (Some(id), Some(secret)) = (&options.s3_access_key_id, &options.s3_secret_access_key) {
                    builder = builder.with_access_key_id(id).with_secret_access_key(secret.reveal());
                }
                let store = builder.build().with_context(|| format!("cannot use {}", options.to))?;
                Arc::new(PrefixStore::new(store, folder))
            }
            None => {
                let dir = FilePath::new(&options.to);
                std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
                Arc::new(LocalFileSystem::new_with_prefix(dir)?.with_automatic_cleanup(false))
            }
        };
        Ok(Self { objects, options })
    }

    pub(super) fn options(&self) -> &ArchiveOptions {
        &self.options
    }

    /// All archived hours, oldest first.
    ///
    /// # Errors
    /// The store is away.
    pub async fn hours(&self) -> anyhow::Result<Vec<Hour>> {
        let objects: Vec<_> = self.objects.list(None).try_collect().await.with_context(|| self.said("list"))?;
        let name = |path: &Path| path.filename()?.strip_suffix(MANIFEST)?.parse().ok();
        let mut hours: Vec<Hour> = objects.iter().filter_map(|object| name(&object.location)).collect();
        hours.sort_unstable();
        Ok(hours)
    }

    /// What is known of an archived hour.
    ///
    /// # Errors
    /// It is not there, the store is away, or it was written by a newer program.
    pub async fn manifest(&self, hour: Hour) -> anyhow::Result<Manifest> {
        let text = self.get(&manifest_path(hour)).await?;
        let manifest: Manifest = serde_json::from_slice(&text).with_context(|| format!("the manifest of {hour}"))?;
        anyhow::ensure!(manifest.format == FORMAT, "{hour} has format {}, known is {FORMAT}", manifest.format);
        Ok(manifest)
    }

    pub(super) async fn newest(&self) -> anyhow::Result<Option<Manifest>> {
        match self.hours().await?.last() {
            Some(hour) => self.manifest(*hour).await.map(Some),
            None => Ok(None),
        }
    }

    async fn get(&self, path: &Path) -> anyhow::Result<Bytes> {
        let said = || self.said(&format!("read {path}"));
        let found = self.objects.get(path).await.with_context(said)?;
        found.bytes().await.with_context(said)
    }

    /// The file of an hour, piece by piece.
    pub(super) async fn pieces(
        &self,
        manifest: &Manifest,
    ) -> anyhow::Result<futures::stream::BoxStream<'static, object_store::Result<Bytes>>> {
        let path = folder(manifest.hour).join(manifest.file.as_str());
        let found = self.objects.get(&path).await.with_context(|| self.said(&format!("read {path}")))?;
        Ok(found.into_stream())
    }

    /// Puts the file into its place, then its manifest.
    pub(super) async fn put(
        &self,
        hour: Hour,
        epoch: String,
        topic: &str,
        file: HourFile,
        borders: &[Border],
    ) -> anyhow::Result<Manifest> {
        let name = format!("{hour}.records.zst");
        let path = folder(hour).join(name.as_str());
        let said = || self.said(&format!("write {path}"));
        let upload = self.objects.put_multipart(&path).await.with_context(said)?;
        let mut upload = WriteMultipart::new(upload);
        let (mut sha256, mut bytes, mut partitions) = (Sha256::new(), 0, Vec::new());
        for ((partition, mut frame), border) in (0_u32..).zip(file.finish()?).zip(borders) {
            let (first_offset, end_offset, records) = border.extent();
            let section =
                Section { partition, first_offset, end_offset, records, start_byte: bytes, bytes: frame.bytes };
            loop {
                let piece = frame.piece()?;
                if piece.is_empty() {
                    break;
                }
                sha256.update(&piece);
                upload.wait_for_capacity(UPLOADS).await.with_context(said)?;
                upload.write(&piece);
            }
            bytes += section.bytes;
            partitions.push(section);
        }
        upload.finish().await.with_context(said)?;
        let manifest = Manifest {
            format: FORMAT,
            topic: topic.to_owned(),
            epoch,
            hour,
            file: name,
            bytes,
            sha256: sha256.finalize().iter().map(|byte| format!("{byte:02x}")).collect(),
            records: partitions.iter().map(|section| section.records).sum(),
            partitions,
        };
        let text = serde_json::to_vec_pretty(&manifest)?;
        let path = manifest_path(hour);
        self.objects.put(&path, PutPayload::from(text)).await.with_context(|| self.said(&format!("write {path}")))?;
        Ok(manifest)
    }

    /// Removes hours that ended before; the manifest first, so that an hour is never half there.
    pub(super) async fn remove_before(&self, before_ms: i64) -> anyhow::Result<usize> {
        let hours = self.hours().await?;
        let mut removed = 0;
        for hour in hours.into_iter().filter(|hour| hour.end_ms() <= before_ms) {
            let file = folder(hour).join(self.manifest(hour).await?.file.as_str());
            for path in [manifest_path(hour), file] {
                self.objects.delete(&path).await.with_context(|| self.said(&format!("remove {path}")))?;
            }
            removed += 1;
        }
        Ok(removed)
    }

    fn said(&self, what: &str) -> String {
        format!("cannot {what} in the archive {}", self.options.to)
    }
}

fn folder(hour: Hour) -> Path {
    Path::from(hour.folder())
}

fn manifest_path(hour: Hour) -> Path {
    folder(hour).join(format!("{hour}{MANIFEST}").as_str())
}
