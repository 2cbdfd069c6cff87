//! Checks that every program that can read from Kafka is linked with the correction of librdkafka.

use std::path::PathBuf;

use anyhow::{Context, Result};

/// The feature with librdkafka.
const FEATURE: &str = "\"streams/kafka\"";
/// What the build script of a package with it calls (`crates/streams/link.rs`).
const CALL: &str = "replace_leader_updates(";

/// `sources`: the source directories of the packages.
pub(crate) fn violations(sources: &[PathBuf]) -> Result<Vec<String>> {
    let mut violations = Vec::new();
    for package in sources.iter().filter_map(|source| source.parent()) {
        let manifest = package.join("Cargo.toml");
        let text = std::fs::read_to_string(&manifest).with_context(|| format!("read {}", manifest.display()))?;
        let script = std::fs::read_to_string(package.join("build.rs")).unwrap_or_default();
        if text.contains(FEATURE) && !script.contains(CALL) {
            violations.push(format!(
                "{}: has {FEATURE}, but its build.rs does not call {CALL}…): its consumers can end with a segmentation fault",
                package.display()
            ));
        }
    }
    Ok(violations)
}
