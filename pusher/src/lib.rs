//! State topics in; snapshots and deltas over WebSocket, REST and the map out.

mod client;
pub mod close;
pub mod compose;
pub mod hub;
pub mod session;
pub mod subscription;
pub mod switchboard;
pub mod view;
pub mod wire;
