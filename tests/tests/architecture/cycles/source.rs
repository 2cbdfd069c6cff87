//! The paths and re-exports of a source file.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use syn::visit::{self, Visit};
use syn::{Attribute, File, Ident, Item, ItemUse, UseTree, Visibility};

/// A path as written, such as `crate::core::score::Score`.
pub(super) type Segments = Vec<String>;

/// One source file.
pub(super) struct Source {
    pub(super) file: PathBuf,
    /// Its module, from the root of the crate.
    pub(super) module: Segments,
    /// The paths in its code, including imports.
    pub(super) named: Vec<Segments>,
    /// Re-exports as (name, path); `*` for all items of a module.
    pub(super) exported: Vec<(String, Segments)>,
    /// Private imports as (name, path).
    pub(super) imported: Vec<(String, Segments)>,
    /// The names of its own items.
    pub(super) items: Vec<String>,
}

impl Source {
    /// Parses a file; its name is relative to the crate's `src`.
    pub(super) fn parse(file: &Path, text: &str) -> Result<Self> {
        let parsed: File = syn::parse_str(text).with_context(|| format!("parse {}", file.display()))?;
        let mut source = Self {
            file: file.to_owned(),
            module: module_of(file),
            named: Vec::new(),
            exported: Vec::new(),
            imported: Vec::new(),
            items: Vec::new(),
        };
        source.visit_file(&parsed);
        Ok(source)
    }

    fn record_use(&mut self, item: &ItemUse) {
        let mut leaves = Vec::new();
        flatten(&item.tree, &mut Vec::new(), &mut leaves);
        if matches!(item.vis, Visibility::Inherited) {
            self.named.extend(leaves.iter().map(|(_, path)| path.clone()));
            self.imported.extend(leaves);
        } else {
            self.exported.extend(leaves);
        }
    }
}

impl<'ast> Visit<'ast> for Source {
    fn visit_item(&mut self, item: &'ast Item) {
        let (attributes, name) = outline(item);
        if !is_for_tests(attributes) {
            self.items.extend(name.map(ToString::to_string));
            visit::visit_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.record_use(item);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.segments.len() > 1 && path.leading_colon.is_none() {
            self.named.push(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        }
        visit::visit_path(self, path);
    }
}

/// Parses all source files of a directory. Modules are relative to it; file names are complete.
pub(super) fn read(src: &Path) -> Result<Vec<Source>> {
    let mut found = Vec::new();
    let mut folders = vec![src.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).with_context(|| format!("list {}", folder.display()))? {
            let path = entry?.path();
            if path.file_stem().is_some_and(|stem| stem == "tests") {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
                let relative = path.strip_prefix(src).context("below the folder")?;
                found.push(Source { file: path.clone(), ..Source::parse(relative, &text)? });
            }
        }
    }
    found.sort_by(|a, b| a.file.cmp(&b.file));
    Ok(found)
}

fn module_of(file: &Path) -> Segments {
    let complete = file.with_extension("");
    let segments = complete.iter().map(|segment| segment.to_string_lossy().into_owned());
    let segments: Segments = segments.collect();
    match segments.as_slice() {
        [only] if only == "lib" || only == "main" => Vec::new(),
        _ => segments,
    }
}

fn flatten(tree: &UseTree, prefix: &mut Segments, leaves: &mut Vec<(String, Segments)>) {
    let leaf = |prefix: &Segments, name: &str| {
        let mut path = prefix.clone();
        if name != "self" {
            path.push(name.to_owned());
        }
        path
    };
    match tree {
        UseTree::Path(path) => {
            prefix.push(path.ident.to_string());
            flatten(&path.tree, prefix, leaves);
            prefix.pop();
        }
        UseTree::Group(group) => group.items.iter().for_each(|tree| flatten(tree, prefix, leaves)),
        UseTree::Name(name) => {
            let path = leaf(prefix, &name.ident.to_string());
            leaves.push((path.last().cloned().unwrap_or_default(), path));
        }
        UseTree::Rename(rename) => leaves.push((rename.rename.to_string(), leaf(prefix, &rename.ident.to_string()))),
        UseTree::Glob(_) => leaves.push(("*".to_owned(), prefix.clone())),
    }
}

fn outline(item: &Item) -> (&[Attribute], Option<&Ident>) {
    match item {
        Item::Const(item) => (&item.attrs, Some(&item.ident)),
        Item::Enum(item) => (&item.attrs, Some(&item.ident)),
        Item::Fn(item) => (&item.attrs, Some(&item.sig.ident)),
        Item::Impl(item) => (&item.attrs, None),
        Item::Mod(item) => (&item.attrs, None),
        Item::Static(item) => (&item.attrs, Some(&item.ident)),
        Item::Struct(item) => (&item.attrs, Some(&item.ident)),
        Item::Trait(item) => (&item.attrs, Some(&item.ident)),
        Item::Type(item) => (&item.attrs, Some(&item.ident)),
        Item::Use(item) => (&item.attrs, None),
        _ => (&[], None),
    }
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg") && attribute.parse_args::<Ident>().is_ok_and(|word| word == "test")
    })
}
