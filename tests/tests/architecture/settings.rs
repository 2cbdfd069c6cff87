//! The names of all settings, in one list that every program has: by it a program tells a setting of another one from a
//! mistyped name.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result};

use crate::purity::sources;

/// The list.
const LIST: &str = "crates/runtime/src/settings/names.txt";
/// Where options are declared.
const ROOMS: &[&str] = &["bridge", "crates", "processor", "pusher", "replay", "standalone"];
/// How clap is told of a variable.
const DECLARATION: &str = "env = \"UPDRAFT_";

pub(crate) fn violations(root: &Path) -> Result<Vec<String>> {
    let list = std::fs::read_to_string(root.join(LIST)).with_context(|| format!("read {LIST}"))?;
    let (settings, _) = list.split_once("\n#").context("the list has a second part: what no program reads")?;
    let listed: BTreeSet<&str> = settings.lines().filter(|line| !line.starts_with('#')).collect();
    let mut declared = BTreeSet::new();
    for room in ROOMS {
        for file in sources(&root.join(room))? {
            let text = std::fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))?;
            // What tests declare is no setting of a program.
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            for rest in code.split(DECLARATION).skip(1) {
                let name: String = rest.chars().take_while(|letter| *letter != '"').collect();
                declared.insert(format!("UPDRAFT_{name}"));
            }
        }
    }
    let missing = declared.iter().filter(|name| !listed.contains(name.as_str()));
    let missing = missing.map(|name| format!("{LIST} lacks {name}"));
    let left = listed.iter().filter(|name| !declared.contains(**name));
    Ok(missing.chain(left.map(|name| format!("{LIST} has {name}, which no program declares"))).collect())
}
