//! Reading the embedded log: straight from its partitions, so nothing queues up.

mod cursor;
mod group;
mod plain;

pub(super) use group::GroupSource;
pub(super) use plain::PlainSource;
