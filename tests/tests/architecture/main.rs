//! Who may import what: the rooms of the house and the arrows between them, held against `cargo metadata` and the sources.

mod circles;
mod graph;
mod purity;
mod rules;
mod settings;
mod words;

use std::process::Command;

use anyhow::{Context, Result, ensure};
use graph::Graph;

fn workspace() -> Result<Graph> {
    let output = Command::new(env!("CARGO"))
        // Only what is built here has been downloaded.
        .args(["metadata", "--format-version", "1", "--offline", "--filter-platform", &host()?])
        .current_dir(harness::workspace_dir())
        .output()
        .context("run cargo metadata")?;
    ensure!(output.status.success(), "cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr));
    Graph::parse(&serde_json::from_slice(&output.stdout)?)
}

fn host() -> Result<String> {
    let output = Command::new("rustc").arg("-vV").output().context("run rustc")?;
    let told = String::from_utf8(output.stdout)?;
    let line = told.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(line.context("rustc -vV names the host")?.to_owned())
}

fn assert_none(violations: &[String]) {
    assert!(violations.is_empty(), "the house has {} wrong arrows:\n{}", violations.len(), violations.join("\n"));
}

#[test]
fn rooms_import_what_they_may() -> Result<()> {
    assert_none(&rules::violations(&workspace()?));
    Ok(())
}

#[test]
fn every_room_has_a_rule_and_every_rule_a_room() -> Result<()> {
    assert_none(&rules::strangers(&workspace()?));
    Ok(())
}

#[test]
fn pure_code_mentions_no_clock_no_io_and_no_async() -> Result<()> {
    assert_none(&purity::violations(&harness::workspace_dir())?);
    Ok(())
}

#[test]
fn every_setting_is_in_the_list_of_all() -> Result<()> {
    assert_none(&settings::violations(&harness::workspace_dir())?);
    Ok(())
}

#[test]
fn no_crate_has_a_new_circle_of_files() -> Result<()> {
    assert_none(&circles::violations(&harness::workspace_dir(), &workspace()?.sources)?);
    Ok(())
}

#[test]
fn words_are_those_that_readers_search_for() -> Result<()> {
    let violations = words::violations(&harness::workspace_dir())?;
    assert!(violations.is_empty(), "{} words to replace:\n{}", violations.len(), violations.join("\n"));
    Ok(())
}
