//! The capture format: records of the raw topic in a file, losslessly, with an index by time, receiver and device.
//!
//! ```text
//! file    = header block* [index trailer]
//! header  = magic[8] version:u16 length:u32 FileHeader crc32:u32
//! block   = "BLK1" summary_length:u32 payload_length:u32 crc32:u32 Summary payload(zstd of columns)
//! index   = "IDX1" 0:u32 payload_length:u32 crc32:u32 payload(zstd of Index)
//! trailer = index_start:u64 "UDCAPEND"
//! ```
//!
//! Numbers are little-endian; `FileHeader`, `Summary` and `Index` are Protobuf. A checksum covers the bytes between it
//! and the end of its part, and the two lengths. A writer that is killed leaves a file
//! without index and trailer: it is read up to its last complete block, and can be continued.
//!
//! Records belong to *runs* (a partition of the log, or one MQTT connection). Within a run they are in the order in
//! which they are played; runs are merged by their clocks, the highest record time so far.

#![forbid(unsafe_code)]

mod block;
mod columns;
mod cursor;
mod error;
mod filter;
mod header;
mod index;
mod keys;
mod merge;
mod raw;
mod reader;
mod record;
mod run;
mod writer;

pub use block::{EncodedBlock, MAX_BLOCK_RECORDS, Summary};
pub use error::{Error, Result};
pub use filter::Filter;
pub use header::{FORMAT_VERSION, FileHeader, MAGIC};
pub use index::{Index, IndexEntry};
pub use merge::Records;
pub use raw::{Framed, address_of_frame};
pub use reader::{Capture, Ending};
pub use record::{Header, Record};
pub use run::RunBuilder;
pub use writer::{Writer, assemble};
