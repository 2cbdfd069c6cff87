//! The limit of open files and sockets of the process: raised to the hard limit.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the soft limit of open files to the hard one: the soft one is small for compatibility with old programs, and
/// each client is a socket. Returns the result in one line; after a refusal the limit is unchanged.
pub(crate) fn raise() -> String {
    let limit = getrlimit(Resource::Nofile);
    let shown = |limit: Option<u64>| limit.map_or("any number of".to_owned(), |limit| limit.to_string());
    let (soft, hard) = (shown(limit.current), shown(limit.maximum));
    if limit.current == limit.maximum {
        return format!("{soft} open files are allowed");
    }
    match setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }) {
        Ok(()) => format!("{hard} open files are allowed, raised from {soft}"),
        Err(error) => format!("{soft} open files are allowed; they cannot be raised to {hard}: {error}"),
    }
}
