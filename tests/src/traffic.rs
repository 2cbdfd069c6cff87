//! What tests and benches send through the programs, and how they keep book of what comes out.

pub mod frames;
pub mod ledger;
pub mod publisher;
pub mod sky;
pub mod warm_up;
