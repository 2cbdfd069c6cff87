//! Resolves a path to the file that defines the item.

use std::collections::BTreeMap;

use super::Edges;
use super::source::{Segments, Source};

/// The maximum length of a chain of re-exports.
const MAX_DEPTH: usize = 8;

/// The modules of one crate.
pub(super) struct Crate<'a> {
    sources: &'a [Source],
    by_module: BTreeMap<&'a [String], usize>,
}

impl<'a> Crate<'a> {
    pub(super) fn new(sources: &'a [Source]) -> Self {
        // Other files cannot import from `main.rs`, which may exist beside `lib.rs`.
        let is_main = |source: &Source| source.file.file_name().is_some_and(|name| name == "main.rs");
        let by_module = sources.iter().enumerate().filter(|(_, source)| !is_main(source));
        Self { sources, by_module: by_module.map(|(index, source)| (source.module.as_slice(), index)).collect() }
    }

    pub(super) fn edges(&self) -> Edges {
        let mut edges = Edges::new();
        for (from, source) in self.sources.iter().enumerate() {
            for path in &source.named {
                if let Some((to, name)) = self.definition(from, path, MAX_DEPTH)
                    && to != from
                {
                    edges.entry((from, to)).or_insert(name);
                }
            }
        }
        edges
    }

    /// The file that defines the item of `path` in the file `from`, and its name; `None`: outside of this crate.
    fn definition(&self, from: usize, path: &[String], depth: usize) -> Option<(usize, String)> {
        let module = &self.sources[from].module;
        let (mut at, mut rest): (Segments, &[String]) = match path.first()?.as_str() {
            "crate" => (Vec::new(), &path[1..]),
            "self" => (module.clone(), &path[1..]),
            "super" => (module.clone(), path),
            first if self.has_child(module, first) => (module.clone(), path),
            first => return self.imported(from, first, path, depth),
        };
        while rest.first().is_some_and(|segment| segment == "super") {
            at.pop();
            rest = &rest[1..];
        }
        self.descend(&at, rest, depth)
    }

    /// Resolves for example `score::Score` after `use crate::core::score`.
    fn imported(&self, from: usize, first: &str, path: &[String], depth: usize) -> Option<(usize, String)> {
        let remaining = depth.checked_sub(1)?;
        let (_, start) = self.sources[from].imported.iter().find(|(name, _)| name == first)?;
        if start.as_slice() == [first] {
            return None;
        }
        let complete: Segments = start.iter().chain(&path[1..]).cloned().collect();
        self.definition(from, &complete, remaining)
    }

    fn descend(&self, at: &[String], rest: &[String], depth: usize) -> Option<(usize, String)> {
        let file = *self.by_module.get(at)?;
        let Some((next, after)) = rest.split_first() else {
            return Some((file, at.last().cloned().unwrap_or_else(|| "crate".to_owned())));
        };
        if self.has_child(at, next) {
            let child: Segments = at.iter().chain([next]).cloned().collect();
            return self.descend(&child, after, depth);
        }
        self.exported(file, next, after, depth).or_else(|| Some((file, next.clone())))
    }

    fn exported(&self, file: usize, name: &str, after: &[String], depth: usize) -> Option<(usize, String)> {
        let remaining = depth.checked_sub(1)?;
        let exported = &self.sources[file].exported;
        if let Some((_, path)) = exported.iter().find(|(export, _)| export == name) {
            let complete: Segments = path.iter().chain(after).cloned().collect();
            return self.definition(file, &complete, remaining);
        }
        exported.iter().filter(|(export, _)| export == "*").find_map(|(_, path)| {
            let (target, _) = self.definition(file, path, remaining)?;
            self.defines(target, name).then(|| (target, name.to_owned()))
        })
    }

    /// Whether a module defines the name itself; for glob imports.
    fn defines(&self, file: usize, name: &str) -> bool {
        self.sources[file].items.iter().any(|item| item == name)
    }

    fn has_child(&self, module: &[String], name: &str) -> bool {
        let child: Segments = module.iter().cloned().chain([name.to_owned()]).collect();
        self.by_module.contains_key(child.as_slice())
    }
}
