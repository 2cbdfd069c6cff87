//! Attacks on `updraft` by a client of its MQTT port: the map continues, memory is bounded, the client reads no frames,
//! and the log has no panic and no error. And third-party MQTT clients.

mod attacks;
mod clients;
mod fixture;
mod wire;
