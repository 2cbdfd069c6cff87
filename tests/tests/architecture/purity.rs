//! Checks that pure code mentions no clock, no I/O and no async.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Files and directories of pure code. A path that does not exist is a violation.
const PURE: &[&str] = &[
    "crates/access/src",
    "crates/envelope/src",
    "crates/explain/src",
    "crates/fanet/src",
    "crates/flight/src",
    "crates/geo/src",
    "crates/air/src",
    "crates/notify/src",
    "crates/rate/src",
    "crates/zones/src",
    "bridge/src/limits.rs",
    "bridge/src/window.rs",
    "crates/fanout/src",
    "pusher/src/http/connection_table.rs",
    "pusher/src/socket/turn.rs",
    "standalone/src/mqtt/deliveries.rs",
    "standalone/src/mqtt/packet.rs",
    "standalone/src/mqtt/rate.rs",
    "standalone/src/mqtt/version.rs",
];

const FORBIDDEN: &[(&str, &str)] = &[
    ("async fn", "is not async"),
    (".await", "is not async"),
    ("tokio::", "uses no runtime"),
    ("std::net", "does no I/O"),
    ("std::fs", "does no I/O"),
    ("rdkafka", "uses no client library"),
    ("Instant::now", "reads no clock"),
    ("SystemTime", "reads no clock"),
    ("std::thread", "starts no thread"),
];

pub(crate) fn violations(root: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for pure in PURE {
        let path = root.join(pure);
        if !path.exists() {
            found.push(format!("purity.rs lists {pure}, which does not exist: correct the list"));
            continue;
        }
        for file in sources(&path)? {
            let name = file.strip_prefix(root).unwrap_or(&file).display().to_string();
            let text = std::fs::read_to_string(&file).with_context(|| format!("read {name}"))?;
            found.extend(mentions(&name, &text));
        }
    }
    Ok(found)
}

/// The forbidden words in the code of a file, without comments and tests.
fn mentions(name: &str, text: &str) -> Vec<String> {
    let code = text.lines().enumerate().take_while(|(_, line)| line.trim() != "#[cfg(test)]");
    let code = code.filter(|(_, line)| !line.trim_start().starts_with("//"));
    code.flat_map(|(index, line)| {
        let found = FORBIDDEN.iter().filter(move |(word, _)| contains_word(line, word));
        found.map(move |(word, rule)| format!("{name}:{} mentions `{word}`: pure code {rule}", index + 1))
    })
    .collect()
}

/// Finds complete words: `.awaited` does not count as `.await`.
fn contains_word(line: &str, word: &str) -> bool {
    let continues = |rest: &str| rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    line.match_indices(word).any(|(at, _)| word.ends_with(':') || !continues(&line[at + word.len()..]))
}

pub(crate) fn sources(path: &Path) -> Result<Vec<PathBuf>> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).with_context(|| format!("list {}", path.display()))? {
        let path = entry?.path();
        let of_tests = path.file_stem().is_some_and(|stem| stem == "tests");
        if path.is_dir() {
            files.extend(sources(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") && !of_tests {
            files.push(path);
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forbidden_word_is_found_with_its_line() {
        let found = mentions("core.rs", "fn now() {\n    SystemTime::now()\n}\n");
        assert_eq!(found, ["core.rs:2 mentions `SystemTime`: pure code reads no clock"]);
    }

    #[test]
    fn comments_and_tests_do_not_count() {
        let text = "/// Never `tokio::spawn` here.\nfn pure() {}\n#[cfg(test)]\nmod tests {\n    use std::fs;\n}\n";
        assert_eq!(mentions("core.rs", text), Vec::<String>::new());
    }
}
