#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;

mod address;
mod dedup;
mod error;
mod field;
mod frame;
mod header;
#[cfg(feature = "serde")]
pub mod json;
mod math;
pub mod names;
pub mod packet;
mod reader;
pub mod signature;
#[cfg(test)]
mod testing;
mod writer;

pub use address::{Address, AddressParseError};
pub use dedup::{DedupKey, stable_hash};
pub use envelope::Wrapped;
pub use error::{DecodeError, EncodeError, ErrorClass, Reason};
pub use field::date::BuildDate;
pub use field::elements::{AltitudePoint, Circle, Element, Elements, ElementsIter};
pub use field::position::Position;
pub use field::text::Text;
pub use field::wind::WindSectors;
pub use frame::{Frame, FrameBuf, RawFrame};
pub use header::{AckRequest, ExtendedHeader, Header};
pub use packet::{Packet, PacketType};
pub use signature::Signature;
