//! TLS on the pusher's own port, for installations without an ingress.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use runtime::Watched;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// TLS settings made from the newest valid files.
pub(crate) type Tls = Watched<ServerConfig>;

/// Reads the certificate chain and its key.
///
/// # Errors
/// A file cannot be read or is not PEM; the key does not belong to the certificate.
pub(crate) fn open(cert: &Path, key: &Path) -> anyhow::Result<Arc<Tls>> {
    let files: Vec<PathBuf> = vec![cert.to_owned(), key.to_owned()];
    let watched = Watched::open(files, server_config).context("--tls-cert, --tls-key")?;
    Ok(Arc::new(watched.with_secrets(vec![key.to_owned()])))
}

fn server_config(contents: &[Vec<u8>]) -> anyhow::Result<ServerConfig> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&contents[0])
        .collect::<Result<_, _>>()
        .context("the certificate file is not PEM")?;
    anyhow::ensure!(
        !chain.is_empty(),
        "the certificate file has no certificate: it must have the chain, the server's own first"
    );
    let key = PrivateKeyDer::from_pem_slice(&contents[1]).context("the key file has no private key in PEM")?;
    // Named here, because another library of the process may install a second provider.
    let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().context("TLS 1.2 and 1.3")?.with_no_client_auth();
    let mut config = builder.with_single_cert(chain, key).context("the key does not belong to the certificate")?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
