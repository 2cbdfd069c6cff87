//! Companies, fleets, their members, and the settings of users, as `fanet.account.v1` has them.
//!
//! A fleet is a named list of devices of one company. Its members see it, those who manage the company's fleets change it
//! ([`Caller::sees_fleet`](crate::Caller::sees_fleet)). A fleet can have a device only where it is vouched for: an
//! operator has named it among the company's devices, or the credentials of who puts it in have the device. Otherwise a
//! manager could look at the hidden devices of strangers.

mod change;
mod directory;
mod limits;
mod settings;

pub use change::{CompanyWish, FleetWish, Refused};
pub use directory::{Directory, Look};
pub use limits::{Limits, MAX_COMPANIES, MAX_FLEET_DEVICES, MAX_FLEET_USERS, MAX_FLEETS};
pub use settings::{MAX_VIEWS, SettingsError, check_settings};

/// The longest id of a company or fleet.
pub const ID_CHARS: usize = 48;
/// The longest name of a company or fleet.
pub const NAME_CHARS: usize = 80;
/// The longest name of a user: a subject, with its kind before.
pub const USER_BYTES: usize = 264;

/// Whether it is the id of a company or fleet: lower-case letters, digits and hyphens.
pub fn is_id(id: &str) -> bool {
    let is_known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !id.is_empty() && id.len() <= ID_CHARS && id.bytes().all(is_known)
}

/// Whether it is the name of a user as [`Caller::user_id`](crate::Caller::user_id) has it.
pub fn is_user(user_id: &str) -> bool {
    let subject = user_id.strip_prefix("token/").or_else(|| user_id.strip_prefix("key/"));
    let is_short = user_id.len() <= USER_BYTES && !user_id.chars().any(char::is_control);
    is_short && subject.is_some_and(|subject| !subject.is_empty())
}

#[cfg(test)]
mod tests;
