//! The version header of states and tombstones.

use schemas::headers::{self, VERSION};

use crate::Headers;

/// Adds the version header that tombstones and states carry.
pub fn put_version(headers: &mut Headers, version: u64) {
    headers.push(VERSION, version.to_string());
}

/// The version that a state or tombstone carries.
pub fn version_of(headers: &Headers) -> Option<u64> {
    headers::parse_number(headers.first(VERSION)?)
}
