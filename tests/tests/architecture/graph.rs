//! The dependencies between crates, from `cargo metadata`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

/// The kind of a dependency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Normal,
    Build,
    Dev,
}

/// A dependency in the manifest of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dependency {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) kind: Kind,
    /// The required version.
    pub(crate) requirement: String,
}

/// The workspace.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    /// The packages of the workspace.
    pub(crate) crates: BTreeSet<String>,
    /// The source directories of these packages.
    pub(crate) sources: Vec<PathBuf>,
    /// The dependencies of these packages.
    pub(crate) dependencies: Vec<Dependency>,
    /// The direct dependencies at run time of each package, third-party packages included.
    pub(crate) needs: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    pub(crate) fn parse(metadata: &Value) -> Result<Self> {
        let packages = array(metadata, "packages")?;
        let names: BTreeMap<&str, &str> =
            packages.iter().map(|package| Ok((text(package, "id")?, text(package, "name")?))).collect::<Result<_>>()?;
        let members: BTreeSet<&str> = array(metadata, "workspace_members")?.iter().filter_map(Value::as_str).collect();
        let mut graph = Self::default();
        for package in packages.iter().filter(|package| package["id"].as_str().is_some_and(|id| members.contains(id))) {
            let from = text(package, "name")?;
            graph.crates.insert(from.to_owned());
            let manifest = Path::new(text(package, "manifest_path")?);
            graph.sources.push(manifest.with_file_name("src"));
            for dependency in array(package, "dependencies")? {
                graph.dependencies.push(parse_dependency(from, dependency)?);
            }
        }
        for node in array(&metadata["resolve"], "nodes")? {
            let name = names.get(text(node, "id")?).context("a node is a package")?;
            let needs = array(node, "deps")?.iter().filter(|dependency| at_run_time(dependency));
            let needs = needs.filter_map(|dependency| names.get(dependency["pkg"].as_str()?).copied());
            graph.needs.entry((*name).to_owned()).or_default().extend(needs.map(str::to_owned));
        }
        Ok(graph)
    }

    /// All direct and transitive dependencies of `package` at run time.
    pub(crate) fn reach(&self, package: &str) -> BTreeSet<&str> {
        let mut reached = BTreeSet::new();
        let mut next = vec![package];
        while let Some(name) = next.pop() {
            for need in self.needs.get(name).into_iter().flatten() {
                if reached.insert(need.as_str()) {
                    next.push(need);
                }
            }
        }
        reached
    }
}

fn parse_dependency(from: &str, dependency: &Value) -> Result<Dependency> {
    let kind = match dependency["kind"].as_str() {
        None => Kind::Normal,
        Some("build") => Kind::Build,
        Some(_) => Kind::Dev,
    };
    let (to, requirement) = (text(dependency, "name")?.to_owned(), text(dependency, "req")?.to_owned());
    Ok(Dependency { from: from.to_owned(), to, kind, requirement })
}

fn at_run_time(dependency: &Value) -> bool {
    dependency["dep_kinds"].as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind["kind"].is_null()))
}

fn array<'a>(value: &'a Value, name: &str) -> Result<&'a Vec<Value>> {
    value[name].as_array().with_context(|| format!("cargo metadata has no list {name}"))
}

fn text<'a>(value: &'a Value, name: &str) -> Result<&'a str> {
    value[name].as_str().with_context(|| format!("cargo metadata has no text {name}"))
}
