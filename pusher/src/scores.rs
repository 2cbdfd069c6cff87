//! Scores of devices from another source than Redis.

use schemas::v1::ValidationView;

/// Reads the scores of devices.
pub trait ScoreReader: Send + Sync {
    /// The score of a device; `server_time` is left empty. `None`: the device is unknown.
    fn score(&self, device: u32) -> Option<ValidationView>;
}
