//! The URL of the database.

use clap::Args;
use runtime::Redacted;
use url::Url;

/// The database of a URL without one. Not ClickHouse's `default`, which does not support refreshable views everywhere.
const DATABASE: &str = "updraft";

/// How to connect to the history. Every program has the same setting names.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "History")]
pub struct ClickHouseOptions {
    /// URL of ClickHouse's HTTP interface: http(s)://[user[:password]@]host:port[/database]; the default database is
    /// updraft.
    #[arg(
        long,
        env = "UPDRAFT_CLICKHOUSE_URL",
        value_name = "URL",
        default_value = "http://localhost:8123",
        hide_env_values = true
    )]
    pub clickhouse_url: Redacted,
}

impl ClickHouseOptions {
    /// Checks the URL.
    ///
    /// # Errors
    /// One line that says what is wrong and what is expected.
    pub fn check(&self) -> Result<(), String> {
        Endpoint::parse(self.clickhouse_url.reveal()).map(|_| ()).map_err(|line| format!("--clickhouse-url: {line}"))
    }
}

/// A parsed URL.
#[derive(Clone)]
pub(super) struct Endpoint {
    pub(super) server: String,
    pub(super) database: String,
    pub(super) credentials: Option<(String, Redacted)>,
}

impl Endpoint {
    /// # Errors
    /// One line without the URL, which can contain a password.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let refuse = |why: &str| format!("{why}: expected http(s)://[user[:password]@]host:port[/database]");
        let url = Url::parse(text).map_err(|error| refuse(&error.to_string()))?;
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| refuse("missing host"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refuse("scheme other than http and https"));
        }
        let default_port = if url.scheme() == "https" { 8443 } else { 8123 };
        // The parser drops the scheme's default port.
        let written = text.rsplit_once('@').map_or(text, |(_, rest)| rest);
        let port = if written.contains(":80/") || written.ends_with(":80") { 80 } else { default_port };
        let server = format!("{}://{host}:{}", url.scheme(), url.port().unwrap_or(port));
        let database = match url.path().trim_matches('/') {
            "" => DATABASE,
            name => name,
        };
        let plain = database.chars().all(|letter| letter.is_ascii_alphanumeric() || "_-".contains(letter));
        if !plain || url.query().is_some() || url.fragment().is_some() {
            return Err(refuse("invalid database: only letters, digits, _ and - are allowed, and nothing after it"));
        }
        let decode = |text: &str| percent_decoded(text).ok_or_else(|| refuse("user or password that is not UTF-8"));
        let credentials = match (url.username(), url.password()) {
            ("", None) => None,
            (user, password) => Some((decode(user)?, decode(password.unwrap_or_default())?.into())),
        };
        Ok(Self { server, database: database.to_owned(), credentials })
    }

    pub(super) fn is_secure(&self) -> bool {
        self.server.starts_with("https")
    }
}

/// Decodes `%40` to `@`. The parser has not validated it.
fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let hex = after.get(..2).filter(|_| first == b'%').and_then(|digits| std::str::from_utf8(digits).ok());
        match hex.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_server_database_and_user() {
        let endpoint = Endpoint::parse("https://map:s%40cret@ch.example:9440/flying").expect("good");
        assert_eq!((endpoint.server.as_str(), endpoint.database.as_str()), ("https://ch.example:9440", "flying"));
        let (user, password) = endpoint.credentials.expect("given");
        assert_eq!((user.as_str(), password.reveal()), ("map", "s@cret"));
        let endpoint = Endpoint::parse("http://localhost").expect("good");
        assert_eq!((endpoint.server.as_str(), endpoint.database.as_str()), ("http://localhost:8123", "updraft"));
        assert_eq!(Endpoint::parse("http://x:80/a").expect("good").server, "http://x:80");
        assert!(endpoint.credentials.is_none());
    }

    #[test]
    fn an_error_about_a_url_has_no_password() {
        for bad in ["", "localhost:8123", "tcp://u:geheim@x:9000", "http://u:geheim@x/a.b", "http://u:geheim@x/a?b=c"] {
            let Err(line) = Endpoint::parse(bad) else { panic!("{bad} is accepted") };
            assert!(line.contains("expected") && !line.contains("geheim"), "{line}");
        }
    }
}
