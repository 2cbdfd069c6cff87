//! Where scores come from, where that is not Redis.

use schemas::v1::ValidationView;

/// Knows how far devices are believed.
pub trait ScoreReader: Send + Sync {
    /// What is known of a device, without the time of the answer; `None`: nothing.
    fn score(&self, device: u32) -> Option<ValidationView>;
}
