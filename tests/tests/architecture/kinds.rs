//! Checks that only `schemas::object` enumerates the kinds of objects (aircraft, ground objects, thermals and so on).
//! With a second enum, the compiler would no longer name all code that has to handle a new kind.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use syn::ItemEnum;
use syn::visit::{self, Visit};

/// An enum that has all of these variants, beside others, is taken for an enumeration of the kinds.
const VARIANTS: &[&str] = &["Aircraft", "Ground", "Thermal"];
/// The directory that may have one.
const ALLOWED_DIRECTORY: &str = "schemas/src";

/// The enumerations of kinds outside of the allowed directory. `sources`: the `src` directories of the crates.
///
/// # Errors
/// A source file cannot be read or parsed.
pub(crate) fn violations(root: &Path, sources: &[PathBuf]) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for folder in sources.iter().filter(|folder| !folder.ends_with(ALLOWED_DIRECTORY)) {
        for file in super::purity::sources(folder)? {
            let name = file.strip_prefix(root).unwrap_or(&file).display().to_string();
            let text = std::fs::read_to_string(&file).with_context(|| format!("read {name}"))?;
            found.extend(enumerations(&name, &text)?);
        }
    }
    Ok(found)
}

fn enumerations(name: &str, text: &str) -> Result<Vec<String>> {
    let mut enums = Enums::default();
    enums.visit_file(&syn::parse_str(text).with_context(|| format!("parse {name}"))?);
    let message = |found: String| format!("{name}: enum {found} lists the kinds of objects: use schemas::object");
    Ok(enums.0.into_iter().map(message).collect())
}

/// The names of the enums that have all of [`VARIANTS`].
#[derive(Default)]
struct Enums(Vec<String>);

impl<'ast> Visit<'ast> for Enums {
    fn visit_item_enum(&mut self, item: &'ast ItemEnum) {
        if VARIANTS.iter().all(|wanted| item.variants.iter().any(|variant| variant.ident == wanted)) {
            self.0.push(item.ident.to_string());
        }
        visit::visit_item_enum(self, item);
    }
}

#[test]
fn second_enumeration_is_found() {
    let text =
        "mod a { pub enum Mark { Aircraft(u8), Ground { x: u8 }, Thermal, Station } }\nenum Part { Aircraft, Thermal }";
    let found = enumerations("a.rs", text).expect("valid Rust");
    assert_eq!(found, ["a.rs: enum Mark lists the kinds of objects: use schemas::object"]);
}
