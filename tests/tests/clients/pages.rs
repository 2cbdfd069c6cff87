//! The pages for client developers match the code.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use harness::{ProgramOptions, workspace_dir};

fn read(path: &str) -> Result<String> {
    std::fs::read_to_string(workspace_dir().join(path)).with_context(|| path.to_owned())
}

/// The rows of the tables in a text, without the text before the first bar.
fn rows(text: &str) -> Vec<String> {
    let lines = text.lines().filter_map(|line| line.split_once('|'));
    lines.map(|(_, row)| row.trim().to_owned()).collect()
}

#[test]
fn the_page_lists_the_close_codes() -> Result<()> {
    let (code, page) = (read("crates/fanout/src/close.rs")?, read("docs/write-a-client.md")?);
    let head = code.lines().take_while(|line| line.starts_with("//!")).collect::<Vec<_>>().join("\n");
    let section = page.split("\n## ").find(|section| section.starts_with("Close codes")).context("the section")?;
    let (documented, written) = (rows(&head), rows(section));
    ensure!(documented.len() > 10 && documented == written, "close.rs has {documented:#?}, the page {written:#?}");
    Ok(())
}

#[test]
fn the_page_lists_the_error_codes() -> Result<()> {
    let files = [
        "crates/fanout/src/session/request.rs",
        "crates/fanout/src/dispatcher/fleets.rs",
        "pusher/src/socket/fleet_requests.rs",
    ];
    let code = files.into_iter().map(read).collect::<Result<String>>()?;
    let page = read("docs/write-a-client.md")?;
    let fields = code.split("code: ").filter_map(|rest| rest.strip_prefix('"')?.split('"').next());
    let codes = code.split("Refusal::fixed(").chain(code.split("Self::fixed(")).chain(code.split("Refusal::new("));
    let codes = codes.filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next());
    let codes: BTreeSet<&str> = codes.chain(fields).collect();
    let section = page.split("\n## ").find(|section| section.starts_with("Codes of errors")).context("the section")?;
    let first_cells = section.lines().filter(|line| line.starts_with("| `")).filter_map(|line| line.split('|').nth(1));
    let written: BTreeSet<&str> = first_cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
    ensure!(codes.len() > 5 && codes == written, "the code has {codes:?}, the page {written:?}");
    Ok(())
}

#[test]
fn schemas_and_fanet_name_the_same_manufacturers() {
    for number in 0..=u8::MAX {
        assert_eq!(schemas::manufacturer::manufacturer(number), fanet::names::manufacturer(number), "{number:#04X}");
    }
}

#[tokio::test]
async fn settings_on_the_pages_exist() -> Result<()> {
    let mut help = String::new();
    for (program, arguments) in
        [("bridge", &["--help"][..]), ("processor", &["run", "--help"]), ("pusher", &["--help"])]
    {
        help.push_str(&ProgramOptions::new(program).args(arguments.iter().copied()).run().await?);
    }
    let known: BTreeSet<&str> = names(&help).collect();
    for page in ["docs/coming-from-the-go-backend.md", "docs/rest.md", "docs/write-a-client.md"] {
        let text = read(page)?;
        let unknown = names(&text).find(|name| !known.contains(name.trim_end_matches("_FILE")));
        ensure!(unknown.is_none(), "{page} names {unknown:?}, which no program knows");
    }
    Ok(())
}

/// Our environment variables in a text.
fn names(text: &str) -> impl Iterator<Item = &str> {
    let is_part = |character: char| character.is_ascii_uppercase() || character.is_ascii_digit() || character == '_';
    text.split(move |character| !is_part(character)).filter(|word| word.starts_with("UPDRAFT_"))
}

#[test]
fn links_of_the_pages_exist() -> Result<()> {
    for page in
        ["docs/coming-from-the-go-backend.md", "docs/rest.md", "docs/write-a-client.md", "examples/clients/README.md"]
    {
        let folder = workspace_dir().join(page).parent().context("a folder")?.to_owned();
        for target in read(page)?.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
            let outside = target.is_empty() || target.starts_with("https://");
            ensure!(outside || folder.join(target).exists(), "{page} links to {target}, which does not exist");
        }
    }
    Ok(())
}
