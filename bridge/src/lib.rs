//! MQTT frames into the raw topic; nothing acknowledged is lost.

mod raw;
mod reject;
mod topic;
mod window;
