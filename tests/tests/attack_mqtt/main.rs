//! `updraft` as one client of its MQTT port could try to bring it down, or see what it must not: the map keeps moving, the
//! memory stays bounded, and the log has no panic and no error.

mod attacks;
mod clients;
mod scene;
mod wire;
