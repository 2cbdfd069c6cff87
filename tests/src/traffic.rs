//! Traffic of tests and benchmarks, and a ledger of the programs' outputs.

pub mod frames;
pub mod ledger;
pub mod publisher;
pub mod sky;
pub mod warm_up;
