//! The fan-out: state records in, messages for each client out. Pure: no socket, no clock, no runtime.
//!
//! [`view`] folds records into the air picture, [`hub`] finds the clients that a change affects, [`session`] is the
//! protocol of one connection, [`dispatcher`] combines them. The caller passes the time and owns the sockets.

mod client;
pub mod close;
pub mod compose;
pub mod covers;
pub mod dispatcher;
pub mod fleet;
pub mod hub;
pub mod session;
pub mod subscription;
pub mod view;
pub mod wire;
mod work;
mod zone_event;
