//! The encodings that several packet types share.

pub(crate) mod date;
pub(crate) mod elements;
pub(crate) mod plain;
pub(crate) mod position;
pub(crate) mod scaled;
pub(crate) mod text;
pub(crate) mod wind;
