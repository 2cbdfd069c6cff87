//! User and password, read again from the file of the URL for each connection.

use std::future::ready;
use std::pin::Pin;

use futures::stream::{self, Stream, StreamExt as _};
use redis::auth::{BasicAuth, StreamingCredentialsProvider};
use redis::{Client, RedisResult};
use runtime::Redacted;

/// The name of the user that Redis takes for a URL that has only a password.
const DEFAULT_USER: &str = "default";

/// Of one node of a URL that comes from a file.
pub(crate) struct Credentials {
    urls: Redacted,
    node: usize,
}

impl Credentials {
    /// `None` where nothing can change: the URL comes from no file, or the node has no password.
    pub(crate) fn of(urls: &Redacted, node: usize) -> Option<Self> {
        let credentials = Self { urls: urls.clone(), node };
        credentials.read(urls).filter(|_| urls.is_from_file()).map(|_| credentials)
    }

    fn read(&self, urls: &Redacted) -> Option<BasicAuth> {
        let client = Client::open(urls.reveal().split(',').nth(self.node)?.trim()).ok()?;
        let settings = client.get_connection_info().redis_settings();
        let user = settings.username().unwrap_or(DEFAULT_USER);
        Some(BasicAuth::new(user.to_owned(), settings.password()?.to_owned()))
    }

    /// A file that has no valid URL with a password counts as unreadable: those of the start.
    fn current(&self) -> BasicAuth {
        self.read(&self.urls.current()).or_else(|| self.read(&self.urls)).unwrap_or_default()
    }
}

impl StreamingCredentialsProvider for Credentials {
    /// One answer for each connection, which does not end: Redis keeps a connection whose password was removed.
    fn subscribe(&self) -> Pin<Box<dyn Stream<Item = RedisResult<BasicAuth>> + Send + 'static>> {
        Box::pin(stream::once(ready(Ok(self.current()))).chain(stream::pending()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(credentials: Option<Credentials>) -> Option<(String, String)> {
        let current = credentials?.current();
        Some((current.username().to_owned(), current.password().to_owned()))
    }

    #[test]
    fn a_url_without_file_or_password_has_none() {
        let urls = Redacted::from("redis://map:secret@a:1".to_owned());
        assert_eq!(shown(Credentials::of(&urls, 0)), None);
        let node = Credentials { urls: "redis://:s%40cret@a:1, redis://b:2".to_owned().into(), node: 0 };
        assert_eq!(shown(Some(node)), Some((DEFAULT_USER.to_owned(), "s@cret".to_owned())));
        assert!(Credentials::of(&"redis://a:1".to_owned().into(), 0).is_none());
    }
}
