//! The historian on the real engine, mistreated: each observation is in the history once, whatever happens.

mod chaos;
mod erasures;
mod kit;
mod refusals;
