//! Scores of devices from another source than Redis, and which of them are for operators.

use schemas::v1::ValidationView;

/// The highest score: nothing is held against a device any more.
const FULL: u32 = 100;

/// Reads the scores of devices.
pub trait ScoreReader: Send + Sync {
    /// The score of a device; `server_time` is left empty. `None`: the device is unknown.
    fn score(&self, device: u32) -> Option<ValidationView>;

    /// The scores that are wanted, in no order.
    fn matching(&self, is_wanted: fn(&ValidationView) -> bool) -> Vec<ValidationView>;
}

/// Whether operators should look at a device: frames of it were implausible and later ones have not made up for them, or
/// another device uses its address. A device that is merely new is not in doubt.
pub(crate) fn is_in_doubt(view: &ValidationView) -> bool {
    let is_suspect = view.last_reason.is_some() && view.score < FULL;
    is_suspect || view.address_conflict.is_some()
}

#[cfg(test)]
mod tests {
    use schemas::v1::AddressConflict;

    use super::*;

    #[test]
    fn a_device_is_in_doubt_for_a_reason() {
        let view = |score, reason: Option<&str>| ValidationView {
            score,
            last_reason: reason.map(str::to_owned),
            ..ValidationView::default()
        };
        assert!(!is_in_doubt(&view(50, None)), "new");
        assert!(is_in_doubt(&view(50, Some("speed"))));
        assert!(!is_in_doubt(&view(100, Some("speed"))), "trusted again");
        let conflict = Some(AddressConflict::default());
        assert!(is_in_doubt(&ValidationView { address_conflict: conflict, ..view(100, None) }));
    }
}
