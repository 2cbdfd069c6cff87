//! Reading the embedded log: directly from its partitions, without a queue.

mod cursor;
mod group;
mod plain;

pub(super) use group::GroupSource;
pub(super) use plain::PlainSource;
