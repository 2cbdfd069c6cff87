//! The file of the server's keys, read again when it changes.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use notify::signature::ServerKeys;
use runtime::Watched;

/// Reads the file.
///
/// # Errors
/// It cannot be read, or a key in it is not as it should be.
pub(super) fn open(file: &Path) -> anyhow::Result<Arc<Watched<ServerKeys>>> {
    let keys = Watched::open(vec![file.to_owned()], parse).context("--notify-keys")?;
    Ok(Arc::new(keys.with_secrets(vec![file.to_owned()])))
}

fn parse(contents: &[Vec<u8>]) -> anyhow::Result<ServerKeys> {
    let text = std::str::from_utf8(&contents[0]).context("the file is not UTF-8")?;
    Ok(ServerKeys::parse(text)?)
}
