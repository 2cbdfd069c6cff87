//! The `replay` program on the real services: the raw frames of a period again, captured, archived and played into a fresh
//! prefix, and the same comes out.

mod archived;
mod live;
mod outputs;
mod past;
mod program;
mod refused;
mod retention;
mod topics;
