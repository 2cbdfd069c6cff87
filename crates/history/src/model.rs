//! The rows of the history, in the units they are stored in. Each struct is one table; each field one column.
//!
//! Coordinates are degrees times 10^7, times milliseconds since the Unix epoch (columns without the `_ms`), absent values
//! `None` and never a number. The accessors give degrees, km/h and m/s.

mod cell;
mod flight;
mod observed;
mod row;
mod told;

pub use cell::Cell;
pub use flight::FlightRow;
pub use observed::{ConfirmationRow, GroundPositionRow, NameRow, PositionRow, WeatherRow};
pub use row::Stored;
pub use told::{AlertRow, ErasureRow, PrivacyRow, ReceiverRow, ReceptionRow, ThermalRow};

/// Bits of the column `flags`: what there is to know about an observation's worth.
pub mod flag {
    /// Held up on its way; the event time is the receiver's stamp, corrected.
    pub const DELAYED: u8 = 1;
    /// More than an hour late: never shown live.
    pub const HISTORY_ONLY: u8 = 1 << 1;
    /// The first copy had been relayed by another device.
    pub const RELAYED: u8 = 1 << 2;
    /// Failed the plausibility check.
    pub const IMPLAUSIBLE: u8 = 1 << 3;
    /// The frame carried a signature.
    pub const SIGNED: u8 = 1 << 4;
    /// The device had not (or no longer) the trust to be shown.
    pub const UNTRUSTED: u8 = 1 << 5;
    /// The event time lay too far from the time of ingest and was moved to the limit.
    pub const CLAMPED: u8 = 1 << 6;
    /// No second position agrees with it, or it continues the track of another device with the same address.
    pub const UNCONFIRMED: u8 = 1 << 7;
    /// Rows with one of these are not part of the device's track, unless a [`crate::ConfirmationRow`] names them: reading
    /// a confirmed row clears them.
    pub const NOT_OF_TRACK: u8 = IMPLAUSIBLE | UNCONFIRMED;
}
