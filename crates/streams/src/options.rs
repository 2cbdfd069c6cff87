//! The settings that every program shares to connect to the log and its schemas.

#[cfg(feature = "kafka")]
use std::path::Path;
use std::sync::Arc;

use clap::Args;
#[cfg(feature = "kafka")]
use runtime::{CertificateFiles, CertificateUse};

/// How to connect to the log. Every program has the same setting names.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Log")]
pub struct LogOptions {
    /// Kafka's brokers as host:port, separated by commas.
    #[arg(
        long,
        env = "UPDRAFT_KAFKA_BOOTSTRAP",
        value_name = "HOST:PORT",
        default_value = "localhost:9092",
        global = true
    )]
    pub kafka_bootstrap: String,
    /// More settings for librdkafka, key=value separated by commas or line ends, which no value can contain: SASL, and TLS in a build with kafka-tls.
    #[arg(long, env = "UPDRAFT_KAFKA_CONFIG", value_name = "KEY=VALUE", default_value = "", hide_env_values = true, hide_default_value = true, value_parser = parse_settings, global = true)]
    pub kafka_config: LibrdkafkaSettings,
    /// URL of the schema registry (Confluent's API).
    #[arg(
        long,
        env = "UPDRAFT_SCHEMA_REGISTRY_URL",
        value_name = "URL",
        default_value = "http://localhost:8081",
        global = true
    )]
    pub schema_registry_url: String,
    /// Prefix of every topic name, so that several environments can share a cluster.
    #[arg(
        long,
        env = "UPDRAFT_TOPIC_PREFIX",
        value_name = "PREFIX",
        default_value = "",
        hide_default_value = true,
        global = true
    )]
    pub topic_prefix: String,
}

impl Default for LogOptions {
    fn default() -> Self {
        runtime::settings::defaults()
    }
}

#[cfg(feature = "kafka")]
impl LogOptions {
    /// Exports when the certificates for Kafka expire.
    pub fn watch_certificates(&self, certificates: &CertificateFiles) {
        for (key, value) in self.kafka_config.0.iter() {
            let purpose = match key.as_str() {
                "ssl.certificate.location" => CertificateUse::Own,
                "ssl.ca.location" => CertificateUse::Trusted,
                _ => continue,
            };
            certificates.watch(Path::new(value), purpose);
        }
    }
}

/// Settings for the client library, in the order given.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct LibrdkafkaSettings(Arc<Vec<(String, String)>>);

impl LibrdkafkaSettings {
    /// Key and value of each.
    pub fn to_vec(&self) -> Vec<(String, String)> {
        self.0.as_ref().clone()
    }
}

/// Shows the keys only: values can be passwords.
impl std::fmt::Debug for LibrdkafkaSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(key, _)| key)).finish()
    }
}

fn parse_settings(text: &str) -> Result<LibrdkafkaSettings, String> {
    let pairs = parse_pairs(text)?;
    match wants_openssl(&pairs) {
        Some(setting) if !cfg!(feature = "kafka-tls") => Err(format!(
            "{setting} needs a build with the feature kafka-tls, and this build is without it: expected PLAINTEXT, or \
             SASL_PLAINTEXT with the mechanism PLAIN"
        )),
        _ => Ok(pairs),
    }
}

/// The setting that librdkafka without OpenSSL does not support.
fn wants_openssl(pairs: &LibrdkafkaSettings) -> Option<&'static str> {
    let is = |key: &str, wanted: &str| {
        pairs.0.iter().any(|(name, value)| name == key && value.to_ascii_uppercase().contains(wanted))
    };
    if is("security.protocol", "SSL") {
        return Some("security.protocol with SSL");
    }
    (is("sasl.mechanism", "SCRAM") || is("sasl.mechanisms", "SCRAM")).then_some("SASL SCRAM")
}

fn parse_pairs(text: &str) -> Result<LibrdkafkaSettings, String> {
    let parts = text.split([',', '\n']).map(str::trim).filter(|part| !part.is_empty());
    let pairs = parts.map(|part| match part.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => Ok((key.trim().to_owned(), value.trim().to_owned())),
        // The text itself is left out: it could be half of a password.
        _ => Err("expected key=value pairs, separated by commas or line ends".to_owned()),
    });
    Ok(LibrdkafkaSettings(Arc::new(pairs.collect::<Result<_, _>>()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_separated_by_commas_or_line_ends() {
        let pairs =
            parse_pairs("security.protocol=SASL_SSL, sasl.password=a=b\nssl.ca.location=/ca.pem,").expect("good");
        let expected = [("security.protocol", "SASL_SSL"), ("sasl.password", "a=b"), ("ssl.ca.location", "/ca.pem")];
        assert_eq!(pairs.to_vec(), expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
        assert_eq!(parse_pairs(""), Ok(LibrdkafkaSettings::default()));
        assert!(parse_pairs("novalue").is_err() && parse_pairs("=x").is_err());
    }

    #[test]
    fn settings_that_need_openssl_are_found() {
        let wants = |text| wants_openssl(&parse_pairs(text).expect("good"));
        assert_eq!(wants("security.protocol=SASL_SSL"), Some("security.protocol with SSL"));
        assert_eq!(wants("security.protocol=ssl"), Some("security.protocol with SSL"));
        assert_eq!(wants("security.protocol=SASL_PLAINTEXT,sasl.mechanism=SCRAM-SHA-512"), Some("SASL SCRAM"));
        assert_eq!(wants("security.protocol=SASL_PLAINTEXT,sasl.mechanisms=PLAIN"), None);
        assert_eq!(parse_settings("security.protocol=ssl").is_ok(), cfg!(feature = "kafka-tls"));
    }

    #[test]
    fn values_are_never_shown() {
        assert_eq!(format!("{:?}", parse_pairs("sasl.password=secret").expect("good")), r#"["sasl.password"]"#);
    }
}
