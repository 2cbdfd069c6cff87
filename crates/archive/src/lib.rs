//! The archive of the raw topic: a capture per hour, with a manifest beside it, in a folder or an S3-compatible store.
//!
//! `processor archive` writes it, `replay` reads it. An hour is complete when its manifest exists, which is written
//! last.

mod border;
mod convert;
mod hour;
mod hour_file;
mod location;
mod manifest;
mod read;
mod store;

pub use border::Border;
pub use convert::{incoming, record};
pub use hour::Hour;
pub use hour_file::HourFile;
pub use location::{Location, S3Options};
pub use manifest::{Manifest, Section};
pub use read::ReadError;
pub use store::Store;
