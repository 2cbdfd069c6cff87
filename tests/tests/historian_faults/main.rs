//! The historian with failing services: each observation is in the history once.

mod chaos;
mod erasures;
mod fixture;
mod refusals;
