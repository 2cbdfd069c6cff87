//! An authority of our own, a server and a client that it vouches for, and a user with a password.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// Where the files are.
pub(crate) struct Papers {
    dir: PathBuf,
}

impl Papers {
    pub(crate) fn issue() -> Result<Self> {
        let papers = Self { dir: harness::supervise::fresh_dir("papers")? };
        papers.authority("ca")?;
        papers.authority("stranger")?;
        papers.issued("server", "subjectAltName=IP:127.0.0.1")?;
        papers.issued("client", "extendedKeyUsage=clientAuth")?;
        Ok(papers)
    }

    pub(crate) fn path(&self, file: &str) -> String {
        self.dir.join(file).to_string_lossy().into_owned()
    }

    pub(crate) fn write(&self, file: &str, content: &str) -> Result<String> {
        std::fs::write(self.dir.join(file), content)?;
        Ok(self.path(file))
    }

    /// A file with a user in Mosquitto's form: PBKDF2 with SHA-512, as mosquitto_passwd writes it.
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

    fn issued(&self, name: &str, extension: &str) -> Result<()> {
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
