//! Checks the architecture with `cargo metadata` and the sources: allowed dependencies, pure code, settings, cycles of
//! files, words.

mod cycles;
mod graph;
mod kinds;
mod links;
mod purity;
mod rules;
mod settings;
mod words;

use std::process::Command;

use anyhow::{Context, Result, ensure};
use graph::Graph;

fn workspace() -> Result<Graph> {
    let output = Command::new(env!("CARGO"))
        // Only the dependencies for this platform have been downloaded.
        .args(["metadata", "--format-version", "1", "--offline", "--filter-platform", &host()?])
        .current_dir(harness::workspace_dir())
        .output()
        .context("run cargo metadata")?;
    ensure!(output.status.success(), "cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr));
    Graph::parse(&serde_json::from_slice(&output.stdout)?)
}

fn host() -> Result<String> {
    let output = Command::new("rustc").arg("-vV").output().context("run rustc")?;
    let version = String::from_utf8(output.stdout)?;
    let line = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(line.context("rustc -vV names the host")?.to_owned())
}

fn assert_none(violations: &[String]) {
    assert!(violations.is_empty(), "{} violations:\n{}", violations.len(), violations.join("\n"));
}

#[test]
fn crates_have_only_allowed_dependencies() -> Result<()> {
    assert_none(&rules::violations(&workspace()?));
    Ok(())
}

#[test]
fn every_crate_has_a_rule() -> Result<()> {
    assert_none(&rules::missing_rules(&workspace()?));
    Ok(())
}

#[test]
fn pure_code_has_no_clock_io_or_async() -> Result<()> {
    assert_none(&purity::violations(&harness::workspace_dir())?);
    Ok(())
}

#[test]
fn every_setting_is_listed() -> Result<()> {
    assert_none(&settings::violations(&harness::workspace_dir())?);
    Ok(())
}

#[test]
fn no_crate_has_a_new_cycle_of_files() -> Result<()> {
    assert_none(&cycles::violations(&harness::workspace_dir(), &workspace()?.sources)?);
    Ok(())
}

#[test]
fn programs_with_kafka_link_its_correction() -> Result<()> {
    assert_none(&links::violations(&workspace()?.sources)?);
    Ok(())
}

#[test]
fn kinds_of_objects_are_listed_once() -> Result<()> {
    assert_none(&kinds::violations(&harness::workspace_dir(), &workspace()?.sources)?);
    Ok(())
}

#[test]
fn texts_use_standard_terms() -> Result<()> {
    let violations = words::violations(&harness::workspace_dir())?;
    assert!(violations.is_empty(), "{} words to replace:\n{}", violations.len(), violations.join("\n"));
    Ok(())
}
