//! Checks the list of all settings, which each program has: with it a program distinguishes a setting of another
//! program from a mistyped name.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result};

use crate::purity::sources;

/// The list of settings.
const LIST: &str = "crates/runtime/src/settings/names.txt";
/// Directories with declarations of options.
const DIRECTORIES: &[&str] = &["bridge", "crates", "processor", "pusher", "replay", "standalone"];
/// The declaration of an environment variable for clap.
const DECLARATION: &str = "env = \"UPDRAFT_";

pub(crate) fn violations(root: &Path) -> Result<Vec<String>> {
    let list = std::fs::read_to_string(root.join(LIST)).with_context(|| format!("read {LIST}"))?;
    let (settings, _) =
        list.split_once("\n#").context("expected a second part of the list: settings that no program reads")?;
    let listed: BTreeSet<&str> = settings.lines().filter(|line| !line.starts_with('#')).collect();
    let mut declared = BTreeSet::new();
    for directory in DIRECTORIES {
        for file in sources(&root.join(directory))? {
            let text = std::fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))?;
            // Declarations in tests are not settings of a program.
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            for rest in code.split(DECLARATION).skip(1) {
                let name: String = rest.chars().take_while(|letter| *letter != '"').collect();
                declared.insert(format!("UPDRAFT_{name}"));
            }
        }
    }
    let missing = declared.iter().filter(|name| !listed.contains(name.as_str()));
    let missing = missing.map(|name| format!("{LIST} lacks {name}: add it"));
    let removed = listed.iter().filter(|name| !declared.contains(**name));
    let removed = removed.map(|name| format!("{LIST} has {name}, which no program declares: remove it"));
    Ok(missing.chain(removed).collect())
}
