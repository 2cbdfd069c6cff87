//! Exports when the certificates in a program's files expire.

mod validity;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use crate::Metrics;

/// What the certificates of a file are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateUse {
    /// The program presents them: with the first one that expires the chain is refused.
    Own,
    /// The program trusts them: there may be old ones beside their successors, so that the last one to expire counts.
    Trusted,
}

/// A certificate's file.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FileLabel {
    file: String,
}

/// The files whose expiry is exported; they are read before each export. Clones share them.
#[derive(Clone, Debug)]
pub struct CertificateFiles {
    files: Arc<Mutex<BTreeMap<PathBuf, CertificateUse>>>,
    expiry: Family<FileLabel, Gauge>,
}

impl CertificateFiles {
    /// No files yet.
    pub fn new(metrics: &Metrics) -> Self {
        let certificates = Self {
            files: Arc::default(),
            expiry: metrics.register(
                "certificate_expiry_seconds",
                "Unix time at which the certificates of a file expire, seconds: of a chain the first one, of trusted ones the last one",
                Family::default(),
            ),
        };
        let measured = certificates.clone();
        metrics.before_export(move || measured.measure());
        certificates
    }

    /// Exports the expiry of a file's certificates from now on. A file without certificates in PEM form has none.
    pub fn watch(&self, file: &Path, purpose: CertificateUse) {
        self.files.lock().insert(file.to_owned(), purpose);
    }

    fn measure(&self) {
        for (file, purpose) in self.files.lock().iter() {
            // Of a file that cannot be read the last reading stays, so that a replacement does not interrupt the series.
            let expiry = fs::read(file).ok().and_then(|pem| expiry_of(&pem, *purpose));
            if let Some(expiry) = expiry {
                let label = FileLabel { file: file.display().to_string() };
                self.expiry.get_or_create(&label).set(i64::try_from(expiry).unwrap_or(i64::MAX));
            }
        }
    }
}

/// When the certificates of a PEM file expire, Unix time in seconds.
fn expiry_of(pem: &[u8], purpose: CertificateUse) -> Option<u64> {
    let certificates = CertificateDer::pem_slice_iter(pem).filter_map(Result::ok);
    let ends = certificates.filter_map(|certificate| validity::not_after(&certificate));
    match purpose {
        CertificateUse::Own => ends.min(),
        CertificateUse::Trusted => ends.max(),
    }
}

#[cfg(test)]
mod tests;
