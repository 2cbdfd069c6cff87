//! Raw frames in; observations, states, alerts and history out.
//!
//! The cores ([`core`], [`thermals`], [`receivers`]) are pure: records in, outputs out. The shells around them are the
//! only I/O.

pub mod core;
pub mod decode;
pub mod dedupe;
pub mod record;
