//! What notifications need of the air picture.

/// The air picture as the public sees it.
pub(crate) trait PublicPicture: Send + Sync {
    /// Whether it was read to its end.
    fn is_complete(&self) -> bool;
    /// Whether the public may see what a device did at an event time.
    fn shows(&self, device: u32, at_us: u64) -> bool;
    /// Whether the alert of a device is hidden now.
    fn hides_alert(&self, device: u32) -> bool;
    /// The name of a public aircraft.
    fn name(&self, device: u32) -> Option<String>;
}
