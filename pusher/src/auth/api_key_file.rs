//! The file of API keys, read again when it changes.

use std::path::Path;
use std::sync::Arc;

use access::ApiKeys;
use anyhow::Context as _;
use runtime::Watched;

/// Reads the file. A deleted file revokes its keys.
///
/// # Errors
/// It cannot be read, or a key in it is not as it should be.
pub(super) fn open(file: &Path) -> anyhow::Result<Arc<Watched<ApiKeys>>> {
    let keys = Watched::open(vec![file.to_owned()], parse).context("--api-keys")?;
    Ok(Arc::new(keys.revoked_by_deletion(ApiKeys::default)))
}

/// Whether the file can be used.
///
/// # Errors
/// Why not.
#[cfg(feature = "services")]
pub(crate) fn check(file: &Path) -> anyhow::Result<()> {
    open(file).map(drop)
}

fn parse(contents: &[Vec<u8>]) -> anyhow::Result<ApiKeys> {
    let text = std::str::from_utf8(&contents[0]).context("the file is not UTF-8")?;
    Ok(ApiKeys::parse(text)?)
}
