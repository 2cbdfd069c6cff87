//! Settings that do not fit together.

use thiserror::Error;

/// Options that the command line takes one by one, but not together: exit code 64.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct BadUsage(pub(crate) String);
