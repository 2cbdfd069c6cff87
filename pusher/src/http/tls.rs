//! TLS on the pusher's own port, for those who have no ingress in front.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::watched::Watched;

/// Settings of TLS: those of the newest good files.
pub(crate) type Tls = Watched<ServerConfig>;

/// Reads certificate chain and key.
///
/// # Errors
/// One of them cannot be read, or they do not go together.
pub(crate) fn open(cert: &Path, key: &Path) -> anyhow::Result<Arc<Tls>> {
    let files: Vec<PathBuf> = vec![cert.to_owned(), key.to_owned()];
    let watched = Watched::open(files, server_config).context("--tls-cert, --tls-key")?;
    Ok(Arc::new(watched.with_secrets(vec![key.to_owned()])))
}

fn server_config(contents: &[Vec<u8>]) -> anyhow::Result<ServerConfig> {
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(&contents[0]).collect::<Result<_, _>>().context("the certificate is no PEM")?;
    anyhow::ensure!(!chain.is_empty(), "there is no certificate in the file");
    let key = PrivateKeyDer::from_pem_slice(&contents[1]).context("there is no private key in the file")?;
    // Named, since another library of the process may bring a second one along.
    let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().context("TLS 1.2 and 1.3")?.with_no_client_auth();
    let mut config = builder.with_single_cert(chain, key).context("certificate and key do not go together")?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
