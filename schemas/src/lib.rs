//! The contract between the programs: wire types (made from `proto/`), identities, JSON forms and the topic catalogue.
//!
//! Nothing here does I/O, and nothing here depends on another crate of ours. A change of a message affects every
//! reader: `tests/compatibility.rs` refuses breaking changes.

pub mod alert;
pub mod catalogue;
pub mod compatibility;
pub mod descriptors;
pub mod headers;
pub mod id;
pub mod json;
mod json_form;
pub mod json_schema;
pub mod keys;
pub mod manufacturer;
pub mod object;
pub mod privacy;
pub mod redis;
pub mod wire;

pub use id::{DeviceAddress, RecordId};

/// The wire types of version 1, generated from `proto/updraft/v1`.
#[allow(missing_docs, reason = "the generated code carries the comments of the .proto files, where they are")]
#[allow(clippy::all, reason = "generated")]
pub mod v1 {
    include!(concat!(env!("OUT_DIR"), "/updraft.v1.rs"));
}
