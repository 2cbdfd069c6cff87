//! What is known of the second device that uses an address.

use geo::Position;
use schemas::v1;

/// An address conflict. Few devices have one.
#[derive(Clone, Debug, PartialEq)]
pub struct Conflict {
    pub(super) since_us: u64,
    pub(super) newest_us: u64,
    pub(super) frames: u32,
    /// Of the newest frame of the device that is followed, once there was one since.
    pub(super) receiver: Option<Box<str>>,
    pub(super) other_position: Position,
    pub(super) other_receiver: Option<Box<str>>,
}

impl Conflict {
    /// From a checkpoint.
    pub fn from_checkpoint(checkpoint: &v1::AddressConflict) -> Self {
        let other = checkpoint.other_position.unwrap_or_default();
        Self {
            since_us: checkpoint.since_us,
            newest_us: checkpoint.newest_us,
            frames: u32::try_from(checkpoint.frames).unwrap_or(u32::MAX),
            receiver: checkpoint.receiver_id.as_deref().map(Into::into),
            other_position: Position::new(other.latitude_deg, other.longitude_deg),
            other_receiver: checkpoint.other_receiver_id.as_deref().map(Into::into),
        }
    }
}
