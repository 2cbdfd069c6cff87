//! Where the files are: a directory, or a bucket of an S3-compatible store. Both make a file visible only when it is
//! complete (a rename, or the end of a multipart upload).

use std::path::Path as FilePath;
use std::sync::Arc;

use anyhow::Context as _;
use bytes::Bytes;
use capture::FileHeader;
use futures::TryStreamExt as _;
#[cfg(feature = "s3")]
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
#[cfg(feature = "s3")]
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, ObjectStoreExt as _, PutPayload, WriteMultipart};
use sha2::{Digest as _, Sha256};

use crate::hour_file::HourFile;
use crate::manifest::FORMAT;
use crate::{Border, Hour, Location, Manifest, S3Options, Section};

const MANIFEST: &str = ".manifest.json";
/// Parts of an upload that are sent in parallel.
const UPLOADS: usize = 4;

/// The archive's files.
#[derive(Clone)]
pub struct Store {
    objects: Arc<dyn ObjectStore>,
    location: Location,
}

impl Store {
    /// Opens the store; a directory is made where it is missing. Asks no network.
    ///
    /// # Errors
    /// The directory cannot be made, or the settings of S3 do not fit together.
    pub fn open(location: Location, s3: &S3Options) -> anyhow::Result<Self> {
        let objects: Arc<dyn ObjectStore> = match &location {
            #[cfg(not(feature = "s3"))]
            Location::Bucket { .. } => {
                let _ = s3;
                anyhow::bail!(
                    "this program was built without S3, which {location} needs: build it with \
                     `cargo build --release -p standalone --features full`"
                )
            }
            #[cfg(feature = "s3")]
            Location::Bucket { bucket, folder } => {
                let mut builder = AmazonS3Builder::new().with_bucket_name(bucket).with_region(&s3.s3_region);
                if let Some(endpoint) = &s3.s3_endpoint {
                    builder = builder.with_endpoint(endpoint).with_allow_http(endpoint.starts_with("http://"));
                }
                if let (Some(id), Some(secret)) = (&s3.s3_access_key_id, &s3.s3_secret_access_key) {
                    builder = builder.with_access_key_id(id).with_secret_access_key(secret.reveal());
                }
                let store = builder.build().with_context(|| format!("cannot use {location}"))?;
                Arc::new(PrefixStore::new(store, folder.as_str()))
            }
            Location::Folder(folder) => {
                let dir = FilePath::new(folder);
                std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
                Arc::new(LocalFileSystem::new_with_prefix(dir)?.with_automatic_cleanup(false))
            }
        };
        Ok(Self { objects, location })
    }

    /// All archived hours, oldest first.
    ///
    /// # Errors
    /// The store cannot be reached.
    pub async fn hours(&self) -> anyhow::Result<Vec<Hour>> {
        let objects: Vec<_> = self.objects.list(None).try_collect().await.with_context(|| self.failure("list"))?;
        let name = |path: &Path| path.filename()?.strip_suffix(MANIFEST)?.parse().ok();
        let mut hours: Vec<Hour> = objects.iter().filter_map(|object| name(&object.location)).collect();
        hours.sort_unstable();
        Ok(hours)
    }

    /// The manifest of an archived hour.
    ///
    /// # Errors
    /// It does not exist, the store cannot be reached, or it was written by a newer program.
    pub async fn manifest(&self, hour: Hour) -> anyhow::Result<Manifest> {
        let text = self.get(&manifest_path(hour)).await?;
        let manifest: Manifest = serde_json::from_slice(&text).with_context(|| format!("the manifest of {hour}"))?;
        let found = manifest.format;
        anyhow::ensure!(found == FORMAT, "the hour {hour} has archive format {found}; this program reads {FORMAT}");
        Ok(manifest)
    }

    /// The newest archived hour.
    ///
    /// # Errors
    /// As [`Store::hours`] and [`Store::manifest`].
    pub async fn newest(&self) -> anyhow::Result<Option<Manifest>> {
        match self.hours().await?.last() {
            Some(hour) => self.manifest(*hour).await.map(Some),
            None => Ok(None),
        }
    }

    async fn get(&self, path: &Path) -> anyhow::Result<Bytes> {
        let failure = || self.failure(&format!("read {path}"));
        let found = self.objects.get(path).await.with_context(failure)?;
        found.bytes().await.with_context(failure)
    }

    /// The file of an hour, piece by piece.
    pub(crate) async fn pieces(
        &self,
        manifest: &Manifest,
    ) -> anyhow::Result<futures::stream::BoxStream<'static, object_store::Result<Bytes>>> {
        let path = folder(manifest.hour).join(manifest.file.as_str());
        let found = self.objects.get(&path).await.with_context(|| self.failure(&format!("read {path}")))?;
        Ok(found.into_stream())
    }

    /// Writes the capture of an hour, then its manifest.
    ///
    /// # Errors
    /// The store cannot be reached or refuses; without a manifest the hour does not count as archived.
    pub async fn put(
        &self,
        hour: Hour,
        header: &FileHeader,
        file: HourFile,
        borders: &[Border],
    ) -> anyhow::Result<Manifest> {
        let name = format!("{hour}.capture");
        let path = folder(hour).join(name.as_str());
        let failure = || self.failure(&format!("write {path}"));
        let upload = self.objects.put_multipart(&path).await.with_context(failure)?;
        let mut upload = WriteMultipart::new(upload);
        let (mut sha256, mut bytes, mut pieces) = (Sha256::new(), 0, file.finish(header)?);
        loop {
            let piece = pieces.next()?;
            if piece.is_empty() {
                break;
            }
            sha256.update(&piece);
            bytes += piece.len() as u64;
            upload.wait_for_capacity(UPLOADS).await.with_context(failure)?;
            upload.write(&piece);
        }
        upload.finish().await.with_context(failure)?;
        let section = |(partition, border): (u32, &Border)| {
            let (first_offset, end_offset, records) = border.extent();
            Section { partition, first_offset, end_offset, records }
        };
        let partitions: Vec<Section> = (0_u32..).zip(borders).map(section).collect();
        let manifest = Manifest {
            format: FORMAT,
            topic: header.topic.clone(),
            epoch: header.epoch.clone(),
            hour,
            file: name,
            bytes,
            sha256: sha256.finalize().iter().map(|byte| format!("{byte:02x}")).collect(),
            records: partitions.iter().map(|section| section.records).sum(),
            partitions,
        };
        let text = serde_json::to_vec_pretty(&manifest)?;
        let path = manifest_path(hour);
        self.objects
            .put(&path, PutPayload::from(text))
            .await
            .with_context(|| self.failure(&format!("write {path}")))?;
        Ok(manifest)
    }

    /// Removes hours that ended before; the manifest first, so that an hour is never incomplete. Returns how many.
    ///
    /// # Errors
    /// The store cannot be reached or refuses.
    pub async fn remove_before(&self, before_ms: i64) -> anyhow::Result<usize> {
        let hours = self.hours().await?;
        let mut removed = 0;
        for hour in hours.into_iter().filter(|hour| hour.end_ms() <= before_ms) {
            let file = folder(hour).join(self.manifest(hour).await?.file.as_str());
            for path in [manifest_path(hour), file] {
                self.objects.delete(&path).await.with_context(|| self.failure(&format!("remove {path}")))?;
            }
            removed += 1;
        }
        Ok(removed)
    }

    fn failure(&self, what: &str) -> String {
        format!("cannot {what} in the archive {}", self.location)
    }
}

fn folder(hour: Hour) -> Path {
    Path::from(hour.folder())
}

fn manifest_path(hour: Hour) -> Path {
    folder(hour).join(format!("{hour}{MANIFEST}").as_str())
}
