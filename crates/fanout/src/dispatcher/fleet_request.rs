//! A fleet that a client asks for.

use crate::hub::ClientId;

/// A fleet that a client asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetRequest {
    /// Who asks.
    pub client: ClientId,
    /// Of this request: another client may get the same id later.
    pub ticket: u64,
    /// The fleet's id as the client wrote it.
    pub fleet: String,
}
