//! Settings that are URLs: a password may be in each.

use clap::Arg;

/// Whether an option takes a URL, alone or among others.
pub(super) fn is_url(arg: &Arg) -> bool {
    let names = arg.get_value_names().unwrap_or_default();
    names.iter().any(|name| name.as_str().split('|').any(|name| name == "URL"))
}
