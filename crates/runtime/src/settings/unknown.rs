//! Environment variables that look like settings and are none: a mistyped name must not be ignored silently.

use std::collections::BTreeSet;

use clap::Command;

/// The prefix of all settings.
const PREFIX: &str = "UPDRAFT_";
/// The settings of all programs.
const NAMES: &str = include_str!("names.txt");

/// A line for each variable that looks like a setting and is none of any program.
pub(super) fn lines<'a>(command: &Command, variables: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut known: BTreeSet<String> = NAMES.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect();
    collect(command, &mut known);
    let mut lines: Vec<_> = variables.filter_map(|name| line(name, &known)).collect();
    lines.sort();
    lines
}

fn line(name: &str, known: &BTreeSet<String>) -> Option<String> {
    let setting = name.strip_suffix("_FILE").unwrap_or(name);
    if !name.starts_with(PREFIX) || known.contains(name) || known.contains(setting) {
        return None;
    }
    let (_, nearest) = known.iter().map(|known| (distance(setting, known), known)).min()?;
    Some(format!("{name} is not a setting of any program and is ignored; did you mean {nearest}? (--help lists all)"))
}

fn collect(command: &Command, known: &mut BTreeSet<String>) {
    known.extend(command.get_arguments().filter_map(|arg| arg.get_env()?.to_str().map(str::to_owned)));
    command.get_subcommands().for_each(|sub| collect(sub, known));
}

/// How many letters have to be put in, taken out or replaced (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.bytes().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, other) in b.bytes().enumerate() {
            let replaced = diagonal + usize::from(letter != other);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Arg;

    #[test]
    fn distances_are_edits() {
        for (a, b, edits) in [("", "", 0), ("abc", "", 3), ("kitten", "sitting", 3), ("WINDOW", "WINDWO", 2)] {
            assert_eq!((distance(a, b), distance(b, a)), (edits, edits), "{a} {b}");
        }
    }

    #[test]
    fn a_mistyped_name_is_reported_with_its_nearest() {
        let arg = |name: &'static str| Arg::new(name).long(name).env(name);
        let sub = Command::new("run").arg(arg("UPDRAFT_BRIDGE_WINDOW"));
        let command = Command::new("bridge").arg(arg("UPDRAFT_KAFKA_BOOTSTRAP")).subcommand(sub);
        let line_of = |name: &'static str| lines(&command, std::iter::once(name)).pop();
        for known in ["UPDRAFT_KAFKA_BOOTSTRAP", "UPDRAFT_KAFKA_BOOTSTRAP_FILE", "UPDRAFT_BRIDGE_WINDOW", "PATH"] {
            assert_eq!(line_of(known), None);
        }
        for other in ["UPDRAFT_PUSHER_SHARDS", "UPDRAFT_REDIS_URL", "UPDRAFT_CLICKHOUSE_URL_FILE", "UPDRAFT_CACHE"] {
            assert_eq!(line_of(other), None, "another program's");
        }
        for (name, nearest) in [
            ("UPDRAFT_KAFKA_BOOTSTRAPS", "UPDRAFT_KAFKA_BOOTSTRAP"),
            ("UPDRAFT_KAFKA_BOTSTRAP_FILE", "UPDRAFT_KAFKA_BOOTSTRAP"),
            ("UPDRAFT_PUSHR_SHARDS", "UPDRAFT_PUSHER_SHARDS"),
            ("UPDRAFT_SOMETHING_ELSE_ENTIRELY", "UPDRAFT_"),
        ] {
            let line = line_of(name).expect(name);
            assert!(line.starts_with(name) && line.contains(nearest), "{line}");
        }
    }
}
