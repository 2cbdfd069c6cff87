//! Circles of files inside a crate: what a file takes from others must not lead back to it.
//!
//! A file is a module. An arrow goes from the file that names an item to the file that defines it; a re-export
//! (`pub use`) is followed to the definition and is no arrow itself, so that a crate's front door may list its rooms.
//! Tests do not count.

mod known;
mod resolve;
mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::Result;

use resolve::Crate;

/// The arrows between the files of one crate: from, to, and a name that the first takes from the second.
type Arrows = BTreeMap<(usize, usize), String>;

/// A circle of files.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Circle {
    files: BTreeSet<String>,
    /// What each of them takes from another.
    text: String,
}

/// Every circle of files in the crates whose sources are in `sources` that is not [known](known::KNOWN), and every known
/// one that is there no more.
///
/// # Errors
/// A source file cannot be read or parsed.
pub(crate) fn violations(root: &Path, sources: &[PathBuf]) -> Result<Vec<String>> {
    let found: Vec<Vec<Circle>> = sources.iter().map(|src| circles_of(root, src)).collect::<Result<_>>()?;
    Ok(compare(&found.concat(), known::KNOWN))
}

/// The circles that are not known, and the known ones that are not there: each as it is listed, none smaller or larger.
fn compare(found: &[Circle], known: &[&[&str]]) -> Vec<String> {
    let known: Vec<BTreeSet<String>> =
        known.iter().map(|files| files.iter().map(|file| (*file).to_owned()).collect()).collect();
    let new = found.iter().filter(|circle| !known.contains(&circle.files)).map(|circle| circle.text.clone());
    let gone = known.iter().filter(|files| !found.iter().any(|circle| circle.files == **files));
    let gone = gone.map(|files| format!("known.rs lists a circle that is not there: {files:?}; take it out"));
    new.chain(gone).collect()
}

fn circles_of(root: &Path, src: &Path) -> Result<Vec<Circle>> {
    let sources = source::read(src)?;
    let files: Vec<String> = sources
        .iter()
        .map(|source| source.file.strip_prefix(root).unwrap_or(&source.file).display().to_string())
        .collect();
    let arrows = Crate::new(&sources).arrows();
    let circle = |circle: &BTreeSet<usize>| Circle {
        files: circle.iter().map(|file| files[*file].clone()).collect(),
        text: describe(circle, &files, &arrows),
    };
    Ok(circles(files.len(), &arrows).iter().map(circle).collect())
}

fn describe(circle: &BTreeSet<usize>, files: &[String], arrows: &Arrows) -> String {
    let inside = |(from, to): &(usize, usize)| circle.contains(from) && circle.contains(to);
    let mut text = format!("a circle of {} files:", circle.len());
    for ((from, to), name) in arrows.iter().filter(|(arrow, _)| inside(arrow)) {
        text.push_str(&format!("\n    {} takes `{name}` from {}", files[*from], files[*to]));
    }
    text
}

/// The strongly connected parts of more than one file.
fn circles(files: usize, arrows: &Arrows) -> Vec<BTreeSet<usize>> {
    let reach: Vec<BTreeSet<usize>> = (0..files).map(|file| reachable(file, arrows)).collect();
    let mut found: Vec<BTreeSet<usize>> = Vec::new();
    for file in 0..files {
        if found.iter().any(|circle| circle.contains(&file)) {
            continue;
        }
        let circle: BTreeSet<usize> =
            reach[file].iter().copied().filter(|other| reach[*other].contains(&file)).collect();
        if circle.len() > 1 {
            found.push(circle);
        }
    }
    found
}

fn reachable(from: usize, arrows: &Arrows) -> BTreeSet<usize> {
    let mut reached = BTreeSet::new();
    let mut next = vec![from];
    while let Some(file) = next.pop() {
        for (_, to) in arrows.keys().filter(|(start, _)| *start == file) {
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

    fn arrows_of(sources: &[(&str, &str)]) -> Vec<(String, String)> {
        let sources: Vec<Source> =
            sources.iter().map(|(file, text)| Source::parse(Path::new(file), text).expect("valid Rust")).collect();
        let name = |file: usize| sources[file].file.display().to_string();
        Crate::new(&sources).arrows().keys().map(|(from, to)| (name(*from), name(*to))).collect()
    }

    fn pair(from: &str, to: &str) -> (String, String) {
        (from.to_owned(), to.to_owned())
    }

    #[test]
    fn an_import_is_an_arrow() {
        let found = arrows_of(&[
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use crate::b::{Thing, other::Other};"),
            ("b.rs", "pub mod other; pub struct Thing;"),
            ("b/other.rs", "pub struct Other; fn f() { super::super::a::g(); }"),
        ]);
        assert_eq!(found, [pair("a.rs", "b.rs"), pair("a.rs", "b/other.rs"), pair("b/other.rs", "a.rs")]);
    }

    #[test]
    fn a_re_export_leads_to_the_definition() {
        let found = arrows_of(&[
            ("lib.rs", "mod a; mod b; pub use a::Thing; pub(crate) use a::*;"),
            ("a.rs", "pub struct Thing; pub fn work() {}"),
            ("b.rs", "use crate::Thing; fn f() { crate::work(); }"),
        ]);
        assert_eq!(found, [pair("b.rs", "a.rs")]);
    }

    #[test]
    fn a_call_into_a_child_is_an_arrow() {
        let found = arrows_of(&[("lib.rs", "mod a; fn f() { a::work(); }"), ("a.rs", "pub fn work() {}")]);
        assert_eq!(found, [pair("lib.rs", "a.rs")]);
    }

    #[test]
    fn tests_do_not_count() {
        let found = arrows_of(&[
            ("lib.rs", "mod a; #[cfg(test)] mod tests { use crate::a::work; }"),
            ("a.rs", "pub fn work() {} #[cfg(test)] use crate::other;"),
        ]);
        assert_eq!(found, []);
    }

    #[test]
    fn a_circle_names_its_files() {
        let arrows: Arrows =
            [(0, 1), (1, 2), (2, 0), (2, 3)].into_iter().map(|arrow| (arrow, "X".to_owned())).collect();
        assert_eq!(circles(4, &arrows), [BTreeSet::from([0, 1, 2])]);
    }

    #[test]
    fn the_list_of_known_circles_only_shrinks() {
        let circle = |files: &[&str]| Circle {
            files: files.iter().map(|file| (*file).to_owned()).collect(),
            text: format!("circle {}", files.join(" ")),
        };
        assert_eq!(compare(&[circle(&["a", "b"])], &[&["b", "a"]]), Vec::<String>::new());
        let larger = compare(&[circle(&["a", "b", "c"])], &[&["a", "b"]]);
        assert!(larger[0] == "circle a b c" && larger[1].starts_with("known.rs lists"), "{larger:?}");
        let gone = compare(&[], &[&["a", "b"]]);
        assert!(gone.len() == 1 && gone[0].contains("take it out"), "{gone:?}");
    }
}
