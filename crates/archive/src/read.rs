//! Reading an archived hour: fetched into a temporary file, and compared with its manifest before it is returned.

use std::fs::File;
use std::io::Write as _;

use capture::Capture;
use futures::TryStreamExt as _;
use sha2::{Digest as _, Sha256};

use crate::{Manifest, Store};

/// An archived hour that does not match its manifest.
#[derive(Debug, thiserror::Error)]
#[error("{file} is damaged: its size or checksum is not that of its manifest; fetch it again from a backup")]
pub struct ReadError {
    file: String,
}

impl Store {
    /// Fetches the capture of an hour.
    ///
    /// # Errors
    /// The store cannot be reached, or the file is damaged ([`ReadError`]).
    pub async fn open_hour(&self, manifest: &Manifest) -> anyhow::Result<Capture<File>> {
        let mut file = tempfile::tempfile()?;
        let (mut sha256, mut bytes) = (Sha256::new(), 0);
        let mut pieces = self.pieces(manifest).await?;
        while let Some(piece) = pieces.try_next().await? {
            sha256.update(&piece);
            bytes += piece.len() as u64;
            file.write_all(&piece)?;
        }
        let hex: String = sha256.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        if bytes != manifest.bytes || hex != manifest.sha256 {
            return Err(ReadError { file: manifest.file.clone() }.into());
        }
        Ok(Capture::open(file)?)
    }
}
