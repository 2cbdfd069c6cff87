//! Finds external programs: on the path, or in the cache that `just setup test` fills.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The cache of `ops/setup/setup.sh`: `UPDRAFT_CACHE`, or `updraft` in the user's cache directory.
pub(crate) fn cache_dir() -> PathBuf {
    let named = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    named("UPDRAFT_CACHE")
        .or_else(|| named("XDG_CACHE_HOME").map(|dir| dir.join("updraft")))
        .or_else(|| named("HOME").map(|dir| dir.join(".cache/updraft")))
        .unwrap_or_else(|| workspace_dir().join(".cache"))
}

/// The root of the repository.
pub fn workspace_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ has a parent").to_owned()
}

/// The directory for screenshots and logs of failed tests.
///
/// # Panics
/// When it cannot be created.
pub fn artefacts_dir() -> PathBuf {
    let dir = workspace_dir().join("tests/artefacts");
    std::fs::create_dir_all(&dir).expect("tests/artefacts can be created");
    dir
}

/// Finds the program `name` on the path, in the system's own directories or among the cache's wrappers.
///
/// # Errors
/// When it is not found.
pub fn tool_path(name: &str) -> Result<PathBuf> {
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&on_path)
        .chain([PathBuf::from("/usr/sbin"), cache_dir().join("bin")])
        .map(|dir| dir.join(name))
        .find(|path| path.is_file())
        .with_context(|| format!("{name} is missing: run `npx -y rust-just setup test`"))
}

/// The Python with the test packages (websockets, confluent-kafka, the ClickHouse engine).
///
/// # Errors
/// When it is missing: `just setup test` creates it.
pub fn python() -> Result<PathBuf> {
    present(cache_dir().join("bin/test-python"), "the tests' Python")
}

/// The directory of the jars that tests use besides the services: the S3-compatible store, the Kafka client, Protobuf,
/// a compiler.
///
/// # Errors
/// When it is missing: `just setup test` installs it.
pub fn client_jars() -> Result<PathBuf> {
    present(cache_dir().join("java/clients"), "the directory of jars")
}

/// The directory of Kafka's jars.
pub(crate) fn kafka_jars() -> Result<PathBuf> {
    present(cache_dir().join("java/kafka"), "Apache Kafka")
}

/// The archive of Kafka's loaded classes, if there is one.
pub(crate) fn kafka_classes() -> Option<PathBuf> {
    Some(cache_dir().join("java/kafka.jsa")).filter(|archive| archive.exists())
}

/// The directory of the schema registry.
pub(crate) fn registry_dir() -> Result<PathBuf> {
    present(cache_dir().join("java/registry"), "the schema registry")
}

/// A Java for Kafka and the registry.
///
/// # Errors
/// When it is missing: `just setup test` installs it.
pub fn java() -> Result<OsString> {
    Ok(present(cache_dir().join("java/java21"), "a Java for Kafka and the schema registry")?.into())
}

fn present(path: PathBuf, what: &str) -> Result<PathBuf> {
    if !path.exists() {
        bail!("{what} is missing at {}: run `npx -y rust-just setup test`", path.display());
    }
    Ok(path)
}
