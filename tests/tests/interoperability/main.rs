//! What a pusher sends is read by independent programs: WebSocket libraries and a browser, readers of tracks and tables.

mod files;
#[path = "../../../pusher/tests/api/recorded.rs"]
mod recorded;
#[path = "../../../pusher/tests/api/stage.rs"]
mod stage;
mod websockets;
