//! The error of a store that does not answer.

/// The store does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the store of sessions does not answer")]
pub(crate) struct NoStore;
