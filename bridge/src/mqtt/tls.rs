//! TLS to the broker: trusted certificates, and our own. The files are read with each connection, so that new
//! certificates need no restart.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};

use crate::config::BridgeOptions;

pub(super) async fn connect(
    stream: TcpStream,
    host: &str,
    options: &BridgeOptions,
) -> anyhow::Result<TlsStream<TcpStream>> {
    let name = ServerName::try_from(host.to_owned())
        .with_context(|| format!("invalid host {host}: expected a DNS name or an IP address for TLS"))?;
    let connector = TlsConnector::from(Arc::new(configuration(options)?));
    connector.connect(name, stream).await.context("TLS")
}

/// # Errors
/// A file that cannot be read or holds no certificate or key; a key that does not fit its certificate.
pub(super) fn configuration(options: &BridgeOptions) -> anyhow::Result<ClientConfig> {
    // Named, since other libraries in this process may bring a provider of their own.
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .context("TLS versions")?
        .with_root_certificates(roots(options.mqtt_ca.as_deref())?);
    match (&options.mqtt_certificate, &options.mqtt_key) {
        (Some(certificate), Some(key)) => {
            let chain = certificates(certificate)?;
            let key = PrivateKeyDer::from_pem_file(key).with_context(|| format!("cannot read {}", key.display()))?;
            builder.with_client_auth_cert(chain, key).context("--mqtt-certificate and --mqtt-key")
        }
        _ => Ok(builder.with_no_client_auth()),
    }
}

fn roots(ca: Option<&Path>) -> anyhow::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    match ca {
        Some(path) => {
            for certificate in certificates(path)? {
                roots.add(certificate).with_context(|| format!("{}: a certificate", path.display()))?;
            }
        }
        None => {
            let system = rustls_native_certs::load_native_certs();
            let (_, ignored) = roots.add_parsable_certificates(system.certs);
            if ignored > 0 || !system.errors.is_empty() {
                tracing::debug!(ignored, errors = ?system.errors, "some of the system's certificates are not usable");
            }
        }
    }
    anyhow::ensure!(
        !roots.is_empty(),
        "no certificate to trust: expected at least one; name a PEM file with --mqtt-ca"
    );
    Ok(roots)
}

fn certificates(path: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let read = || format!("cannot read {}", path.display());
    let certificates = CertificateDer::pem_file_iter(path).with_context(read)?;
    let certificates = certificates.collect::<Result<Vec<_>, _>>().with_context(read)?;
    anyhow::ensure!(!certificates.is_empty(), "{} has no certificate: expected PEM", path.display());
    Ok(certificates)
}
