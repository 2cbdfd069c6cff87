//! A test CA with certificates for a server and a client, and a user with a password.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// The directory with the files.
pub(crate) struct Certificates {
    dir: PathBuf,
}

impl Certificates {
    pub(crate) fn issue() -> Result<Self> {
        let certificates = Self { dir: harness::supervise::fresh_dir("certificates")? };
        certificates.authority("ca")?;
        certificates.authority("other-ca")?;
        certificates.signed("server", "subjectAltName=IP:127.0.0.1")?;
        certificates.signed("client", "extendedKeyUsage=clientAuth")?;
        Ok(certificates)
    }

    /// A certificate of a client with this name.
    pub(crate) fn client(&self, name: &str) -> Result<()> {
        self.signed(name, "extendedKeyUsage=clientAuth")
    }

    pub(crate) fn path(&self, file: &str) -> String {
        self.dir.join(file).to_string_lossy().into_owned()
    }

    pub(crate) fn write(&self, file: &str, content: &str) -> Result<String> {
        std::fs::write(self.dir.join(file), content)?;
        Ok(self.path(file))
    }

    /// Writes a user in Mosquitto's format, as mosquitto_passwd does: PBKDF2 with SHA-512.
    pub(crate) fn users(&self, user: &str, password: &str) -> Result<String> {
        const HASH: &str = "import base64, hashlib, sys; salt = b'twelve bytes'; text = lambda b: base64.b64encode(b).decode(); \
            print(f'{sys.argv[1]}:$7$101${text(salt)}$' + text(hashlib.pbkdf2_hmac('sha512', sys.argv[2].encode(), salt, 101)))";
        let output = Command::new(harness::python()?).args(["-c", HASH, user, password]).output()?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        self.write("users", std::str::from_utf8(&output.stdout)?)
    }

    fn authority(&self, name: &str) -> Result<()> {
        let (key, pem, subject) = (format!("{name}.key"), format!("{name}.pem"), format!("/CN={name}"));
        let new = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
        openssl(&self.dir, new.into_iter().chain(["-keyout", &key, "-out", &pem, "-subj", &subject]))
    }

    fn signed(&self, name: &str, extension: &str) -> Result<()> {
        let (key, request, pem) = (format!("{name}.key"), format!("{name}.csr"), format!("{name}.pem"));
        let subject = format!("/CN={name}");
        let new = ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
        openssl(&self.dir, new.into_iter().chain(["-keyout", &key, "-out", &request, "-subj", &subject]))?;
        let extensions = self.write(&format!("{name}.ext"), extension)?;
        let sign = ["x509", "-req", "-days", "2", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"];
        openssl(&self.dir, sign.into_iter().chain(["-in", &request, "-out", &pem, "-extfile", &extensions]))
    }
}

fn openssl<'a>(dir: &Path, arguments: impl IntoIterator<Item = &'a str>) -> Result<()> {
    let output = Command::new(harness::tool_path("openssl")?).current_dir(dir).args(arguments).output();
    let output = output.context("start openssl")?;
    ensure!(output.status.success(), "openssl: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
