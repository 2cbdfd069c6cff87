//! The rows of the history, in the units they are stored in. Each struct is one table; each field one column.
//!
//! Coordinates are degrees times 10^7, times milliseconds since the Unix epoch (columns without the `_ms`), absent values
//! `None` and never a number. The accessors give degrees, km/h and m/s.

mod cell;
mod device;
mod flight;
mod observed;
mod row;
mod states;

pub use cell::Cell;
pub use device::DeviceRow;
pub(crate) use device::Heard;
pub use flight::FlightRow;
pub use observed::{
    ConfirmationRow, DecisionRow, GroundPositionRow, NameRow, ObservedRow, PositionKey, PositionRow, WeatherRow,
};
pub use row::Stored;
pub use states::{AlertRow, ErasureRow, PrivacyRow, ReceiverRow, ReceptionRow, ThermalRow};

/// Bits of the column `flags`: properties of an observation.
pub mod flag {
    /// Delayed by a link; the event time is the receiver's corrected timestamp.
    pub const DELAYED: u8 = 1;
    /// More than an hour late: never shown live.
    pub const HISTORY_ONLY: u8 = 1 << 1;
    /// Another device relayed the first copy.
    pub const RELAYED: u8 = 1 << 2;
    /// Failed the plausibility check.
    pub const IMPLAUSIBLE: u8 = 1 << 3;
    /// The frame carried a signature.
    pub const SIGNED: u8 = 1 << 4;
    /// The device was not trusted enough to be shown.
    pub const UNTRUSTED: u8 = 1 << 5;
    /// The event time was too far from the ingestion time and was clamped to the limit.
    pub const CLAMPED: u8 = 1 << 6;
    /// No second position agrees with it, or it continues the track of another device with the same address.
    pub const UNCONFIRMED: u8 = 1 << 7;
    /// Rows with one of these flags are not part of the device's track, unless a [`crate::ConfirmationRow`] names them:
    /// reading a confirmed row clears the flags. Reading a row that a [`crate::DecisionRow`] rejects sets `IMPLAUSIBLE`.
    pub const NOT_OF_TRACK: u8 = IMPLAUSIBLE | UNCONFIRMED;
}
