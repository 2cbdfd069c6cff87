//! The pages for people who write clients or come from elsewhere say what the code says.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use harness::{ProgramOptions, workspace_dir};

fn read(path: &str) -> Result<String> {
    std::fs::read_to_string(workspace_dir().join(path)).with_context(|| path.to_owned())
}

/// The rows of the tables in a text, with whatever stands before the first bar cut off.
fn rows(text: &str) -> Vec<String> {
    let lines = text.lines().filter_map(|line| line.split_once('|'));
    lines.map(|(_, row)| row.trim().to_owned()).collect()
}

#[test]
fn the_close_codes_of_the_page_are_those_of_the_code() -> Result<()> {
    let (code, page) = (read("crates/fanout/src/close.rs")?, read("docs/write-a-client.md")?);
    let head = code.lines().take_while(|line| line.starts_with("//!")).collect::<Vec<_>>().join("\n");
    let section = page.split("\n## ").find(|section| section.starts_with("Close codes")).context("the section")?;
    let (told, written) = (rows(&head), rows(section));
    ensure!(told.len() > 10 && told == written, "close.rs has {told:#?}, the page {written:#?}");
    Ok(())
}

#[test]
fn the_error_codes_of_the_page_are_those_of_the_code() -> Result<()> {
    let (code, page) = (read("crates/fanout/src/session/request.rs")?, read("docs/write-a-client.md")?);
    let made = code.split("Refusal::fixed(").chain(code.split("Self::fixed(")).chain(code.split("Refusal::told("));
    let made = made.filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next());
    let made: BTreeSet<&str> = made.collect();
    let section = page.split("\n## ").find(|section| section.starts_with("Codes of errors")).context("the section")?;
    let first_cells = section.lines().filter(|line| line.starts_with("| `")).filter_map(|line| line.split('|').nth(1));
    let written: BTreeSet<&str> = first_cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
    ensure!(made.len() > 5 && made == written, "request.rs has {made:?}, the page {written:?}");
    Ok(())
}

#[test]
fn manufacturers_are_those_of_the_codec() {
    for number in 0..=u8::MAX {
        assert_eq!(schemas::manufacturer::manufacturer(number), fanet::names::manufacturer(number), "{number:#04X}");
    }
}

#[tokio::test]
async fn the_settings_that_the_pages_name_exist() -> Result<()> {
    let mut help = String::new();
    for (program, arguments) in
        [("bridge", &["--help"][..]), ("processor", &["run", "--help"]), ("pusher", &["--help"])]
    {
        help.push_str(&ProgramOptions::new(program).args(arguments.iter().copied()).run().await?);
    }
    let known: BTreeSet<&str> = names(&help).collect();
    for page in ["docs/coming-from-the-go-backend.md", "docs/rest.md", "docs/write-a-client.md"] {
        let text = read(page)?;
        let strange = names(&text).find(|name| !known.contains(name.trim_end_matches("_FILE")));
        ensure!(strange.is_none(), "{page} names {strange:?}, which no program knows");
    }
    Ok(())
}

/// Environment variables of ours in a text.
fn names(text: &str) -> impl Iterator<Item = &str> {
    let is_part = |character: char| character.is_ascii_uppercase() || character.is_ascii_digit() || character == '_';
    text.split(move |character| !is_part(character)).filter(|word| word.starts_with("UPDRAFT_"))
}

#[test]
fn what_the_pages_link_to_is_there() -> Result<()> {
    for page in
        ["docs/coming-from-the-go-backend.md", "docs/rest.md", "docs/write-a-client.md", "examples/clients/README.md"]
    {
        let folder = workspace_dir().join(page).parent().context("a folder")?.to_owned();
        for target in read(page)?.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
            let outside = target.is_empty() || target.starts_with("https://");
            ensure!(outside || folder.join(target).exists(), "{page} links to {target}");
        }
    }
    Ok(())
}
