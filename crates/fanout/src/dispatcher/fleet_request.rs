//! A client's request for a fleet.

use crate::hub::ClientId;

/// A client's request for a fleet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetRequest {
    /// The client.
    pub client: ClientId,
    /// The number of the request. The answer has it, too: after a client's end another one can get the same `client`.
    pub ticket: u64,
    /// The fleet's id as the client wrote it.
    pub fleet: String,
}
