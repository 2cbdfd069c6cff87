//! What tokens of sessions are signed with: the keys of a file, or a key of this process.

use std::path::Path;
use std::sync::Arc;

use access::SigningKeys;
use anyhow::Context as _;
use rand::TryRng as _;
use runtime::Watched;

/// Where the keys are.
pub(super) enum Keys {
    File(Arc<Watched<SigningKeys>>),
    Generated(Arc<SigningKeys>),
}

impl Keys {
    /// Reads the file; without one, makes a key, and warns of it.
    ///
    /// # Errors
    /// The file has no keys, or there is no randomness.
    pub(super) fn open(file: Option<&Path>) -> anyhow::Result<Self> {
        let Some(file) = file else {
            let mut seed = [0; 32];
            rand::rngs::SysRng.try_fill_bytes(&mut seed).context("no randomness")?;
            tracing::warn!(
                "--session-keys is not set: sessions are signed with a key that this process has made. They end with it, and \
                 no other instance accepts them; for development only"
            );
            return Ok(Self::Generated(Arc::new(SigningKeys::generated(&seed)?)));
        };
        open_file(file).map(Self::File)
    }

    /// The newest good keys.
    pub(super) fn value(&self) -> Arc<SigningKeys> {
        match self {
            Self::File(file) => file.value(),
            Self::Generated(keys) => keys.clone(),
        }
    }
}

fn open_file(file: &Path) -> anyhow::Result<Arc<Watched<SigningKeys>>> {
    let keys = Watched::open(vec![file.to_owned()], parse).context("--session-keys")?;
    Ok(Arc::new(keys.with_secrets(vec![file.to_owned()])))
}

/// Whether the file can be used.
///
/// # Errors
/// Why not.
#[cfg(feature = "services")]
pub(crate) fn check(file: &Path) -> anyhow::Result<()> {
    open_file(file).map(drop)
}

fn parse(contents: &[Vec<u8>]) -> anyhow::Result<SigningKeys> {
    Ok(SigningKeys::parse(&contents[0])?)
}
