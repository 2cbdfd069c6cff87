//! The fan-out: state records in, messages for each client out. Pure: no socket, no clock, no runtime.
//!
//! [`view`] folds records into the air picture, [`hub`] knows which clients a change concerns, [`session`] is the protocol
//! of one connection, [`switchboard`] puts them together. Time and randomness are arguments; the caller owns the sockets.

mod client;
pub mod close;
pub mod compose;
pub mod covers;
pub mod hub;
pub mod session;
pub mod subscription;
pub mod switchboard;
pub mod view;
pub mod wire;
mod work;
