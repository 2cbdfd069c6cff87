//! Which calls for help concern a person in danger.

use crate::v1::AlertKind;

/// Whether a person may be in danger: such alerts are shown to all, independent of privacy and trust, and come first. The
/// others ask for a ride or for technical support.
pub fn is_distress(kind: AlertKind) -> bool {
    matches!(kind, AlertKind::NeedMedicalHelp | AlertKind::Distress | AlertKind::AutomaticDistress)
}
