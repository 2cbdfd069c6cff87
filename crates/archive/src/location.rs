//! Where an archive is: a folder, or a bucket of an S3-compatible store.

use std::fmt;
use std::str::FromStr;

use clap::Args;
use runtime::Redacted;

/// Where an archive is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A folder of this machine.
    Folder(String),
    /// A bucket, and the folder in it; empty for none.
    Bucket {
        /// The bucket's name.
        bucket: String,
        /// Without slashes at its ends.
        folder: String,
    },
}

impl FromStr for Location {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(rest) = text.strip_prefix("s3://") {
            let (bucket, folder) = rest.split_once('/').unwrap_or((rest, ""));
            if bucket.is_empty() {
                return Err("expected s3://bucket or s3://bucket/folder".to_owned());
            }
            return Ok(Self::Bucket { bucket: bucket.to_owned(), folder: folder.trim_matches('/').to_owned() });
        }
        if text.is_empty() || is_like_url(text) {
            return Err(format!(
                "expected a directory, s3://bucket or s3://bucket/folder; a directory of that name is ./{text}"
            ));
        }
        Ok(Self::Folder(text.to_owned()))
    }
}

impl fmt::Display for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => formatter.write_str(folder),
            Self::Bucket { bucket, folder } if folder.is_empty() => write!(formatter, "s3://{bucket}"),
            Self::Bucket { bucket, folder } => write!(formatter, "s3://{bucket}/{folder}"),
        }
    }
}

/// Whether a text is probably a mistyped URL and not a directory: `s3//bucket`, `s3:/bucket`, `s3:bucket`,
/// `gs://bucket`.
fn is_like_url(text: &str) -> bool {
    let head = text.split(['/', ':']).next().unwrap_or_default();
    let is_scheme = !head.is_empty() && head.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let rest = &text[head.len()..];
    is_scheme && (rest.starts_with(':') || rest.starts_with("//"))
}

/// How to reach an S3-compatible store.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "S3-compatible store")]
pub struct S3Options {
    /// URL of the store, where it is not Amazon's: https://host:port.
    #[arg(long, env = "UPDRAFT_ARCHIVE_S3_ENDPOINT", value_name = "URL")]
    pub s3_endpoint: Option<String>,
    /// Region of the bucket.
    #[arg(long, env = "UPDRAFT_ARCHIVE_S3_REGION", value_name = "REGION", default_value = DEFAULT_REGION)]
    pub s3_region: String,
    /// Id of the access key. Without it the role of the machine is used.
    #[arg(long, env = "UPDRAFT_ARCHIVE_S3_ACCESS_KEY_ID", value_name = "ID")]
    pub s3_access_key_id: Option<String>,
    /// Secret of that key.
    #[arg(long, env = "UPDRAFT_ARCHIVE_S3_SECRET_ACCESS_KEY", value_name = "SECRET", hide_env_values = true)]
    pub s3_secret_access_key: Option<Redacted>,
}

const DEFAULT_REGION: &str = "us-east-1";

impl Default for S3Options {
    fn default() -> Self {
        Self {
            s3_endpoint: None,
            s3_region: DEFAULT_REGION.to_owned(),
            s3_access_key_id: None,
            s3_secret_access_key: None,
        }
    }
}

impl S3Options {
    /// Checks options against each other. The error is one line.
    ///
    /// # Errors
    /// The line.
    pub fn check(&self) -> Result<(), String> {
        if self.s3_access_key_id.is_some() == self.s3_secret_access_key.is_some() {
            return Ok(());
        }
        Err("--s3-access-key-id and --s3-secret-access-key go together: set both or none".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_read_and_written() {
        for (text, written) in [
            ("/var/lib/archive", Some("/var/lib/archive")),
            ("./s3", Some("./s3")),
            ("s3://bucket", Some("s3://bucket")),
            ("s3://bucket/a/b/", Some("s3://bucket/a/b")),
            ("s3://", None),
            ("s3:///folder", None),
            ("s3//bucket", None),
            ("s3:/bucket", None),
            ("s3:bucket", None),
            ("S3//bucket/folder", None),
            ("gs://bucket", None),
            ("ftp://host", None),
            ("bucket//folder", None),
            ("s3/bucket", Some("s3/bucket")),
            ("./s3//bucket", Some("./s3//bucket")),
            ("/var//archive", Some("/var//archive")),
            ("", None),
        ] {
            let location = text.parse::<Location>().ok().map(|location| location.to_string());
            assert_eq!(location.as_deref(), written, "{text}");
        }
        let half = S3Options { s3_access_key_id: Some("id".into()), ..S3Options::default() };
        assert!(half.check().is_err_and(|line| line.contains("go together")));
    }
}
