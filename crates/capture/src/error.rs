//! Errors of captures.

use std::io;

/// The result of reading or writing a capture.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a capture cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file is not a capture: it begins with other bytes.
    #[error("not a capture: it starts with {found:02x?}; a capture starts with the eight bytes \\x89UDCAP\\r\\n")]
    NotACapture {
        /// Its first bytes; fewer where the file is shorter.
        found: Vec<u8>,
    },
    /// A later program wrote it.
    #[error("the capture has format version {found}; this program reads version 1 to {known}: use a newer one")]
    Newer {
        /// The file's version.
        found: u16,
        /// The newest that is known here.
        known: u16,
    },
    /// The header is cut off or changed.
    #[error("the capture's header is damaged: {what}")]
    Header {
        /// The problem.
        what: &'static str,
    },
    /// A block is damaged.
    #[error("the capture is damaged at byte {at}: {what}")]
    Damaged {
        /// Where the block begins.
        at: u64,
        /// The problem.
        what: &'static str,
    },
    /// A record that the format cannot hold.
    #[error("record {partition}/{offset}: {what}")]
    Record {
        /// Its partition.
        partition: u32,
        /// Its offset.
        offset: u64,
        /// The problem.
        what: &'static str,
    },
    /// The file cannot be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Error {
    pub(crate) fn damaged(at: u64, what: &'static str) -> Self {
        Self::Damaged { at, what }
    }
}
