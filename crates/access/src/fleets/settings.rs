//! The settings of users: saved views with their filters, and display settings.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use geo::Bounds;
use prost::Message as _;
use schemas::v1::UserSettings;

use super::NAME_CHARS;

/// Saved views of one user.
pub const MAX_VIEWS: usize = 50;
/// Pairs of one map of settings or filters.
const MAX_PAIRS: usize = 64;
const MAX_KEY_BYTES: usize = 64;
const MAX_VALUE_BYTES: usize = 512;
/// Of the encoded settings of one user.
const MAX_BYTES: usize = 64 << 10;
/// Of all users together: beyond it, further users have none.
const MAX_ALL_BYTES: usize = 256 << 20;
/// What an entry costs besides its settings.
const OVERHEAD_BYTES: usize = 512;

/// The settings of all users.
#[derive(Debug, Default)]
pub(super) struct SettingsTable {
    of_user: HashMap<Arc<str>, (UserSettings, u64)>,
    bytes: usize,
}

impl SettingsTable {
    pub(super) fn put(&mut self, user_id: &str, offset: u64, settings: &UserSettings) {
        if self.of_user.get(user_id).is_some_and(|(_, known)| *known >= offset) {
            return;
        }
        self.take(user_id);
        if check_settings(settings).is_ok() && self.has_room_for(settings) {
            self.bytes += cost(settings);
            self.of_user.insert(user_id.into(), (settings.clone(), offset));
        }
    }

    pub(super) fn remove(&mut self, user_id: &str, offset: u64) {
        if self.of_user.get(user_id).is_some_and(|(_, known)| *known < offset) {
            self.take(user_id);
        }
    }

    pub(super) fn of(&self, user_id: &str) -> Option<&UserSettings> {
        self.of_user.get(user_id).map(|(settings, _)| settings)
    }

    pub(super) fn has_room_for(&self, settings: &UserSettings) -> bool {
        self.bytes + cost(settings) <= MAX_ALL_BYTES
    }

    fn take(&mut self, user_id: &str) {
        if let Some((before, _)) = self.of_user.remove(user_id) {
            self.bytes -= cost(&before);
        }
    }
}

fn cost(settings: &UserSettings) -> usize {
    settings.encoded_len() + OVERHEAD_BYTES
}

/// What is wrong with the settings of a user.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid {what}: expected {expected}")]
pub struct SettingsError {
    what: String,
    expected: String,
}

/// Checks settings as a user sends them.
///
/// # Errors
/// [`SettingsError`] names the field.
pub fn check_settings(settings: &UserSettings) -> Result<(), SettingsError> {
    let error = |what: String, expected: String| Err(SettingsError { what, expected });
    if settings.views.len() > MAX_VIEWS {
        return error("views".to_owned(), format!("at most {MAX_VIEWS}"));
    }
    check_pairs("display", &settings.display)?;
    let mut names = HashSet::new();
    for (number, view) in settings.views.iter().enumerate() {
        let field = |field: &str| format!("views[{number}].{field}");
        let chars = view.name.chars().count();
        if chars == 0 || chars > NAME_CHARS || view.name.contains(char::is_control) {
            return error(field("name"), format!("1 to {NAME_CHARS} characters in one line"));
        }
        if !names.insert(&view.name) {
            return error(field("name"), "a name that no other view has".to_owned());
        }
        if let Err(problem) = Bounds::new(view.south_deg, view.west_deg, view.north_deg, view.east_deg) {
            return error(field("south_deg to east_deg"), format!("bounds ({problem})"));
        }
        check_pairs(&field("filters"), &view.filters)?;
        check_pairs(&field("display"), &view.display)?;
    }
    if settings.encoded_len() > MAX_BYTES {
        return error("settings".to_owned(), format!("at most {MAX_BYTES} bytes together"));
    }
    Ok(())
}

fn check_pairs(what: &str, pairs: &HashMap<String, String>) -> Result<(), SettingsError> {
    let is_pair = |key: &str, value: &str| {
        (1..=MAX_KEY_BYTES).contains(&key.len())
            && value.len() <= MAX_VALUE_BYTES
            && !key.chars().chain(value.chars()).any(char::is_control)
    };
    if pairs.len() <= MAX_PAIRS && pairs.iter().all(|(key, value)| is_pair(key, value)) {
        return Ok(());
    }
    let expected = format!(
        "at most {MAX_PAIRS} texts of at most {MAX_VALUE_BYTES} bytes in one line, with names of at most {MAX_KEY_BYTES} bytes"
    );
    Err(SettingsError { what: what.to_owned(), expected })
}
