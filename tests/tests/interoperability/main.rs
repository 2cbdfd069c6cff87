//! What a pusher sends is read by independent programs: WebSocket libraries and a browser, readers of tracks and tables.

mod files;
#[path = "../../../pusher/tests/live/recorded.rs"]
mod recorded;
#[path = "../../../pusher/tests/live/stage.rs"]
mod stage;
mod websockets;
