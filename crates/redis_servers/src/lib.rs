//! Redis, one server or a cluster, with TLS or without: how programs connect to it.
//!
//! The URL names one server, or several nodes of a cluster separated by commas. The server reports which of the two it
//! is: `INFO cluster`. `rediss://` is TLS by rustls; authorities are those of the system, or of the file that the
//! environment variable `SSL_CERT_FILE` names.
//!
//! A cluster assigns keys to slots by the text in braces (`schemas::redis`: the kind). A pipeline or a function
//! call of ours therefore stays within one kind.

mod connection;
mod credentials;
mod lazy;
mod servers;

pub use connection::{Connection, Link};
pub use lazy::LazyConnection;
pub use servers::{Servers, Timeouts, check};
