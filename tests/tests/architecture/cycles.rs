//! Finds cycles of files inside a crate: a file must not use another that depends on it.
//!
//! A file is a module. An edge leads from the file that names an item to the file that defines it. A re-export (`pub
//! use`) is followed to the definition and is no edge itself, so that `lib.rs` may re-export items. Tests do not count.

mod known;
mod resolve;
mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::Result;

use resolve::Crate;

/// The edges between the files of one crate: from, to, and the name of an item that the first uses from the second.
type Edges = BTreeMap<(usize, usize), String>;

/// A cycle of files.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Cycle {
    files: BTreeSet<String>,
    /// The items that they use from each other.
    text: String,
}

/// Every cycle of files in the crates with these source directories that is not [known](known::KNOWN), and every known
/// cycle that no longer exists.
///
/// # Errors
/// A source file cannot be read or parsed.
pub(crate) fn violations(root: &Path, sources: &[PathBuf]) -> Result<Vec<String>> {
    let found: Vec<Vec<Cycle>> = sources.iter().map(|src| cycles_of(root, src)).collect::<Result<_>>()?;
    Ok(compare(&found.concat(), known::KNOWN))
}

/// New cycles, and known ones that no longer exist with exactly these files.
fn compare(found: &[Cycle], known: &[&[&str]]) -> Vec<String> {
    let known: Vec<BTreeSet<String>> =
        known.iter().map(|files| files.iter().map(|file| (*file).to_owned()).collect()).collect();
    let new = found.iter().filter(|cycle| !known.contains(&cycle.files)).map(|cycle| cycle.text.clone());
    let removed = known.iter().filter(|files| !found.iter().any(|cycle| cycle.files == **files));
    let removed = removed.map(|files| format!("known.rs lists a cycle that does not exist: {files:?}; remove it"));
    new.chain(removed).collect()
}

fn cycles_of(root: &Path, src: &Path) -> Result<Vec<Cycle>> {
    let sources = source::read(src)?;
    let files: Vec<String> = sources
        .iter()
        .map(|source| source.file.strip_prefix(root).unwrap_or(&source.file).display().to_string())
        .collect();
    let edges = Crate::new(&sources).edges();
    let cycle = |cycle: &BTreeSet<usize>| Cycle {
        files: cycle.iter().map(|file| files[*file].clone()).collect(),
        text: describe(cycle, &files, &edges),
    };
    Ok(cycles(files.len(), &edges).iter().map(cycle).collect())
}

fn describe(cycle: &BTreeSet<usize>, files: &[String], edges: &Edges) -> String {
    let inside = |(from, to): &(usize, usize)| cycle.contains(from) && cycle.contains(to);
    let mut text = format!("a cycle of {} files:", cycle.len());
    for ((from, to), name) in edges.iter().filter(|(edge, _)| inside(edge)) {
        text.push_str(&format!("\n    {} uses `{name}` from {}", files[*from], files[*to]));
    }
    text
}

/// The strongly connected components with more than one file.
fn cycles(files: usize, edges: &Edges) -> Vec<BTreeSet<usize>> {
    let reach: Vec<BTreeSet<usize>> = (0..files).map(|file| reachable(file, edges)).collect();
    let mut found: Vec<BTreeSet<usize>> = Vec::new();
    for file in 0..files {
        if found.iter().any(|cycle| cycle.contains(&file)) {
            continue;
        }
        let cycle: BTreeSet<usize> =
            reach[file].iter().copied().filter(|other| reach[*other].contains(&file)).collect();
        if cycle.len() > 1 {
            found.push(cycle);
        }
    }
    found
}

fn reachable(from: usize, edges: &Edges) -> BTreeSet<usize> {
    let mut reached = BTreeSet::new();
    let mut next = vec![from];
    while let Some(file) = next.pop() {
        for (_, to) in edges.keys().filter(|(start, _)| *start == file) {
            if reached.insert(*to) {
                next.push(*to);
            }
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;
    use source::Source;

    fn edges_of(sources: &[(&str, &str)]) -> Vec<(String, String)> {
        let sources: Vec<Source> =
            sources.iter().map(|(file, text)| Source::parse(Path::new(file), text).expect("valid Rust")).collect();
        let name = |file: usize| sources[file].file.display().to_string();
        Crate::new(&sources).edges().keys().map(|(from, to)| (name(*from), name(*to))).collect()
    }

    fn pair(from: &str, to: &str) -> (String, String) {
        (from.to_owned(), to.to_owned())
    }

    #[test]
    fn an_import_is_an_edge() {
        let found = edges_of(&[
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use crate::b::{Thing, other::Other};"),
            ("b.rs", "pub mod other; pub struct Thing;"),
            ("b/other.rs", "pub struct Other; fn f() { super::super::a::g(); }"),
        ]);
        assert_eq!(found, [pair("a.rs", "b.rs"), pair("a.rs", "b/other.rs"), pair("b/other.rs", "a.rs")]);
    }

    #[test]
    fn a_re_export_leads_to_the_definition() {
        let found = edges_of(&[
            ("lib.rs", "mod a; mod b; pub use a::Thing; pub(crate) use a::*;"),
            ("a.rs", "pub struct Thing; pub fn work() {}"),
            ("b.rs", "use crate::Thing; fn f() { crate::work(); }"),
        ]);
        assert_eq!(found, [pair("b.rs", "a.rs")]);
    }

    #[test]
    fn a_call_into_a_child_is_an_edge() {
        let found = edges_of(&[("lib.rs", "mod a; fn f() { a::work(); }"), ("a.rs", "pub fn work() {}")]);
        assert_eq!(found, [pair("lib.rs", "a.rs")]);
    }

    #[test]
    fn tests_do_not_count() {
        let found = edges_of(&[
            ("lib.rs", "mod a; #[cfg(test)] mod tests { use crate::a::work; }"),
            ("a.rs", "pub fn work() {} #[cfg(test)] use crate::other;"),
        ]);
        assert_eq!(found, []);
    }

    #[test]
    fn a_cycle_names_its_files() {
        let edges: Edges = [(0, 1), (1, 2), (2, 0), (2, 3)].into_iter().map(|edge| (edge, "X".to_owned())).collect();
        assert_eq!(cycles(4, &edges), [BTreeSet::from([0, 1, 2])]);
    }

    #[test]
    fn the_list_of_known_cycles_only_shrinks() {
        let cycle = |files: &[&str]| Cycle {
            files: files.iter().map(|file| (*file).to_owned()).collect(),
            text: format!("cycle {}", files.join(" ")),
        };
        assert_eq!(compare(&[cycle(&["a", "b"])], &[&["b", "a"]]), Vec::<String>::new());
        let larger = compare(&[cycle(&["a", "b", "c"])], &[&["a", "b"]]);
        assert!(larger[0] == "cycle a b c" && larger[1].starts_with("known.rs lists"), "{larger:?}");
        let removed = compare(&[], &[&["a", "b"]]);
        assert!(removed.len() == 1 && removed[0].contains("remove it"), "{removed:?}");
    }
}
