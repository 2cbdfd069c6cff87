//! The MQTT messages of receivers: the [`Topic`], and the [wrapper](Wrapped) around a frame.
//!
//! Only this crate parses both forms. The frame itself stays bytes, except its source address, which is the key of its
//! record. Pure, without dependencies.

#![no_std]

extern crate alloc;

mod prefix;
mod topic;
mod wrapper;

pub use prefix::{DEFAULT_PREFIX, frames_filter, hardware_filter, is_subscribed, limit_key, prefix_of, receiver_of};
pub use topic::{MAX_RECEIVER_ID_BYTES, Topic};
pub use wrapper::{MAX_FRAME_BYTES, MAX_HARDWARE_BYTES, PayloadError, WRAPPER_BYTES, Wrapped, WrapperTooShort};
