//! Where the database is.

use clap::Args;
use runtime::Redacted;
use url::Url;

/// The database where the URL names none. ClickHouse's own `default` can hold no refreshable views everywhere.
const DATABASE: &str = "updraft";

/// Where the history is. The same names in every program.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "History")]
pub struct ClickHouseOptions {
    /// ClickHouse's HTTP interface: http(s)://[user[:password]@]host:port[/database]; the database is updraft where none
    /// is named.
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
    /// One line that says what is wrong with it.
    ///
    /// # Errors
    /// The line.
    pub fn check(&self) -> Result<(), String> {
        Place::parse(self.clickhouse_url.reveal()).map(|_| ()).map_err(|line| format!("--clickhouse-url: {line}"))
    }
}

/// A URL taken apart.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) server: String,
    pub(super) database: String,
    pub(super) credentials: Option<(String, Redacted)>,
}

impl Place {
    /// # Errors
    /// One line, without the URL: it can hold a password.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let refuse = |why: &str| format!("{why}; http(s)://[user[:password]@]host:port[/database] is allowed");
        let url = Url::parse(text).map_err(|error| refuse(&error.to_string()))?;
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| refuse("there is no host"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refuse("neither http nor https"));
        }
        let default_port = if url.scheme() == "https" { 8443 } else { 8123 };
        // The scheme's own port is dropped by the parser when it is written.
        let written = text.rsplit_once('@').map_or(text, |(_, rest)| rest);
        let port = if written.contains(":80/") || written.ends_with(":80") { 80 } else { default_port };
        let server = format!("{}://{host}:{}", url.scheme(), url.port().unwrap_or(port));
        let database = match url.path().trim_matches('/') {
            "" => DATABASE,
            name => name,
        };
        let plain = database.chars().all(|letter| letter.is_ascii_alphanumeric() || "_-".contains(letter));
        if !plain || url.query().is_some() || url.fragment().is_some() {
            return Err(refuse("a database is letters, digits, _ and -, and nothing follows it"));
        }
        let decode = |text: &str| percent_decoded(text).ok_or_else(|| refuse("user or password is not UTF-8"));
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

/// `%40` is `@`. The parser has checked nothing of it.
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
        let place = Place::parse("https://map:s%40cret@ch.example:9440/flying").expect("good");
        assert_eq!((place.server.as_str(), place.database.as_str()), ("https://ch.example:9440", "flying"));
        let (user, password) = place.credentials.expect("given");
        assert_eq!((user.as_str(), password.reveal()), ("map", "s@cret"));
        let place = Place::parse("http://localhost").expect("good");
        assert_eq!((place.server.as_str(), place.database.as_str()), ("http://localhost:8123", "updraft"));
        assert_eq!(Place::parse("http://x:80/a").expect("good").server, "http://x:80");
        assert!(place.credentials.is_none());
    }

    #[test]
    fn what_is_no_such_url_is_refused_without_its_password() {
        for bad in ["", "localhost:8123", "tcp://u:geheim@x:9000", "http://u:geheim@x/a.b", "http://u:geheim@x/a?b=c"] {
            let Err(line) = Place::parse(bad) else { panic!("{bad} is taken") };
            assert!(line.contains("is allowed") && !line.contains("geheim"), "{line}");
        }
    }
}
