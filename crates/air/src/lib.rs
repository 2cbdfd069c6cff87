//! Air picture from radio frames. Pure: no clock, no I/O, no runtime; time comes from the records.
//!
//! [`core`] turns the raw records of one partition into observations, states and alerts, [`thermals`] and [`receivers`]
//! aggregate its outputs. [`decode`] and [`record`] turn bytes into schema messages, [`dedupe`] finds the copies of a
//! frame that several receivers heard. [`group`] is the trait that the cores of the smaller groups implement.

pub mod core;
pub mod decode;
pub mod dedupe;
pub mod group;
pub mod name;
pub mod receivers;
pub mod record;
pub mod thermals;
