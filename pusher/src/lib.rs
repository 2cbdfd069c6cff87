//! State topics in; snapshots and deltas over WebSocket, REST and the map out.

pub mod view;
