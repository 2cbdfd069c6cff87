//! Where the outside programs are: on the path, or in the cache that `just setup test` fills.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

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

/// Where tests leave what a person may want to look at: screenshots, logs of what failed.
///
/// # Panics
/// When it cannot be made.
pub fn artefacts_dir() -> PathBuf {
    let dir = workspace_dir().join("tests/artefacts");
    std::fs::create_dir_all(&dir).expect("tests/artefacts can be made");
    dir
}

/// A Debian program: its path and the environment that lets it run from where it lies.
#[derive(Clone, Debug)]
pub(crate) struct Tool {
    pub(crate) path: PathBuf,
    pub(crate) env: Vec<(String, String)>,
}

/// Finds `name` on the path, in the system's own directories or in the cache.
pub(crate) fn tool(name: &str) -> Result<Tool> {
    let root = cache_dir().join("debian/root");
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let system = std::env::split_paths(&on_path)
        .chain(["/usr/sbin", "/usr/bin"].map(PathBuf::from))
        .map(|dir| dir.join(name))
        .find(|path| path.is_file());
    if let Some(path) = system {
        return Ok(Tool { path, env: Vec::new() });
    }
    let cached = ["usr/sbin", "usr/bin"].iter().map(|dir| root.join(dir).join(name)).find(|path| path.is_file());
    match cached {
        Some(path) => Ok(Tool { path, env: vec![library_path(&root)] }),
        None => bail!("{name} is missing: run `npx -y rust-just setup test`"),
    }
}

fn library_path(root: &Path) -> (String, String) {
    let libraries = ["usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu", "usr/lib/aarch64-linux-gnu"];
    let joined = std::env::join_paths(libraries.map(|dir| root.join(dir))).unwrap_or_default();
    ("LD_LIBRARY_PATH".to_owned(), joined.to_string_lossy().into_owned())
}

/// The Python that has the test packages (websockets, confluent-kafka, the ClickHouse engine).
///
/// # Errors
/// When `just setup test` has not made it.
pub fn python() -> Result<PathBuf> {
    present(cache_dir().join("python/bin/python3"), "the tests' Python")
}

/// The directory of Kafka's jars.
pub(crate) fn kafka_jars() -> Result<PathBuf> {
    present(cache_dir().join("java/kafka"), "Apache Kafka")
}

/// The directory of the schema registry.
pub(crate) fn registry_dir() -> Result<PathBuf> {
    present(cache_dir().join("java/registry"), "the schema registry")
}

/// A Java that is new enough for the registry: Kafka is content with 17.
pub(crate) fn registry_java() -> Result<PathBuf> {
    present(cache_dir().join("java/registry-java"), "a Java for the schema registry")
}

/// `java` from `JAVA_HOME` or the path.
pub(crate) fn java() -> Result<OsString> {
    let home = std::env::var_os("JAVA_HOME").map(|home| PathBuf::from(home).join("bin/java"));
    match home.filter(|java| java.is_file()) {
        Some(java) => Ok(java.into()),
        None => Ok(tool("java")?.path.into()),
    }
}

fn present(path: PathBuf, what: &str) -> Result<PathBuf> {
    if !path.exists() {
        bail!("{what} is missing at {}: run `npx -y rust-just setup test`", path.display());
    }
    Ok(path)
}
