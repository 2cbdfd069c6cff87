//! The rules for dependencies between crates.

use std::collections::{BTreeMap, BTreeSet};

use crate::graph::{Dependency, Graph, Kind};

/// The harness and the tests that need it.
const TESTS: &str = "updraft-tests";

/// The crates of ours that each crate may depend on. The tests of any crate may depend on the harness, too.
const CRATES: &[(&str, &[&str])] = &[
    ("access", &["geo", "rate", "schemas"]),
    ("envelope", &[]),
    ("explain", &["envelope", "fanet"]),
    ("fanet", &["envelope"]),
    ("geo", &[]),
    ("schemas", &[]),
    ("rate", &[]),
    ("flight", &["geo", "schemas"]),
    ("capture", &["envelope", "schemas"]),
    ("archive", &["capture", "runtime", "streams"]),
    ("zones", &["geo", "schemas"]),
    ("air", &["fanet", "flight", "geo", "rate", "schemas", "zones"]),
    ("fanout", &["flight", "geo", "schemas"]),
    ("runtime", &[]),
    ("redis-servers", &["runtime"]),
    ("streams", &["runtime", "schemas"]),
    ("membership", &["runtime", "streams"]),
    ("notify", &["schemas"]),
    ("history", &["flight", "geo", "runtime", "schemas"]),
    ("offline", &["air", "capture", "envelope", "runtime", "schemas", "streams"]),
    ("bridge", &["envelope", "rate", "runtime", "schemas", "streams"]),
    (
        "processor",
        &[
            "air",
            "archive",
            "capture",
            "envelope",
            "fanet",
            "flight",
            "geo",
            "history",
            "membership",
            "offline",
            "rate",
            "redis-servers",
            "runtime",
            "schemas",
            "streams",
        ],
    ),
    (
        "pusher",
        &[
            "access",
            "explain",
            "fanout",
            "geo",
            "history",
            "membership",
            "notify",
            "rate",
            "redis-servers",
            "runtime",
            "schemas",
            "streams",
            "zones",
        ],
    ),
    (
        "replay",
        &[
            "air", "archive", "capture", "envelope", "explain", "fanet", "flight", "geo", "offline", "runtime",
            "schemas", "streams",
        ],
    ),
    (
        "standalone",
        &[
            "bridge",
            "capture",
            "envelope",
            "fanet",
            "geo",
            "history",
            "processor",
            "pusher",
            "replay",
            "runtime",
            "schemas",
            "streams",
            "zones",
        ],
    ),
    // An example for third parties, who have only the contract.
    ("updraft-client", &["schemas"]),
    (
        TESTS,
        &[
            "air",
            "archive",
            "bridge",
            "capture",
            "fanet",
            "geo",
            "history",
            "processor",
            "pusher",
            "redis-servers",
            "replay",
            "runtime",
            "schemas",
            "standalone",
            "streams",
        ],
    ),
];

/// Third-party libraries: the crates that may depend on them, and those of which only the tests may.
const EXTERNAL: &[(&str, &[&str], &[&str])] = &[
    ("rdkafka", &["streams"], &[]),
    ("rdkafka-sys", &["streams"], &[]),
    ("schema_registry_converter", &["streams"], &[]),
    ("rumqttc", &["bridge", "replay"], &[TESTS]),
    ("rmqtt-codec", &["standalone"], &[]),
    ("clickhouse", &["history"], &[]),
    ("rusqlite", &["history"], &[]),
    ("redis", &["processor", "pusher", "redis-servers"], &[TESTS]),
    ("axum", &["pusher", "runtime"], &[]),
    ("protox", &["schemas"], &[]),
    ("prost-build", &["schemas"], &[]),
];

/// Pure crates, including their dependencies.
const PURE: &[&str] =
    &["access", "air", "envelope", "explain", "fanet", "fanout", "flight", "geo", "notify", "rate", "schemas", "zones"];

/// Libraries that pure crates may not use: runtimes, sockets, clocks, logs.
const IMPURE: &[&str] = &[
    "async-std",
    "async-trait",
    "axum",
    "chrono",
    "clap",
    "clickhouse",
    "futures",
    "hyper",
    "mio",
    "opentelemetry",
    "parking_lot",
    "rdkafka",
    "redis",
    "reqwest",
    "rmqtt-codec",
    "rumqttc",
    "rusqlite",
    "smol",
    "socket2",
    "time",
    "tokio",
    "tokio-util",
    "tracing",
];

/// All violations, one line each.
pub(crate) fn violations(graph: &Graph) -> Vec<String> {
    let dependencies = graph.dependencies.iter();
    let dependencies = dependencies.flat_map(|one| [internal(graph, one), external(one)]).flatten();
    let impure = PURE.iter().flat_map(|package| {
        let reached = graph.reach(package);
        let found = IMPURE.iter().filter(move |name| reached.contains(**name));
        found.map(move |name| format!("{package} is pure, but depends on {name}"))
    });
    dependencies.chain(impure).chain(versions(graph)).collect()
}

/// Crates without a rule, and rules without a crate.
pub(crate) fn missing_rules(graph: &Graph) -> Vec<String> {
    let known: BTreeSet<&str> = CRATES.iter().map(|(package, _)| *package).collect();
    let crates: BTreeSet<&str> = graph.crates.iter().map(String::as_str).collect();
    let new = crates.difference(&known);
    let new = new.map(|package| format!("{package} has no rule: add its allowed dependencies to rules.rs"));
    let removed = known.difference(&crates);
    let removed = removed.map(|package| format!("rules.rs lists {package}, which does not exist: remove it"));
    new.chain(removed).collect()
}

fn internal(graph: &Graph, dependency: &Dependency) -> Option<String> {
    let Dependency { from, to, kind, .. } = dependency;
    // A crate may enable more of its own features in its tests.
    let for_tests = *kind == Kind::Dev && (to == TESTS || to == from);
    if !graph.crates.contains(to) || for_tests {
        return None;
    }
    let allowed = CRATES.iter().find(|(package, _)| package == from).map_or(&[][..], |(_, allowed)| allowed);
    let list = if allowed.is_empty() { "none of our crates".to_owned() } else { allowed.join(", ") };
    (!allowed.contains(&to.as_str())).then(|| format!("{from} depends on {to}; allowed: {list}"))
}

fn external(dependency: &Dependency) -> Option<String> {
    let Dependency { from, to, kind, .. } = dependency;
    let (_, crates, tests_of) = EXTERNAL.iter().find(|(name, ..)| name == to)?;
    let by_tests = *kind == Kind::Dev && tests_of.contains(&from.as_str());
    let mut owners = crates.join(", ");
    if !tests_of.is_empty() {
        owners.push_str(&format!(" and the tests of {}", tests_of.join(", ")));
    }
    let allowed = by_tests || crates.contains(&from.as_str()) || (from == TESTS && tests_of.contains(&TESTS));
    (!allowed).then(|| format!("{from} depends on {to}; only allowed in {owners}"))
}

/// Third-party crates that are required in several versions.
fn versions(graph: &Graph) -> Vec<String> {
    let mut requirements: BTreeMap<&str, BTreeMap<&str, &str>> = BTreeMap::new();
    for Dependency { from, to, requirement, .. } in &graph.dependencies {
        requirements.entry(to).or_default().insert(requirement, from);
    }
    let several = requirements.iter().filter(|(_, versions)| versions.len() > 1);
    several
        .map(|(name, versions)| {
            let each: Vec<_> = versions.iter().map(|(version, package)| format!("{version} in {package}")).collect();
            format!("{name} is required in several versions: {}; use [workspace.dependencies]", each.join(", "))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(dependencies: &[(&str, &str, Kind)]) -> Graph {
        let dependency = |(from, to, kind): &(&str, &str, Kind)| Dependency {
            from: (*from).to_owned(),
            to: (*to).to_owned(),
            kind: *kind,
            requirement: "^1".to_owned(),
        };
        let mut graph = Graph {
            crates: CRATES.iter().map(|(package, _)| (*package).to_owned()).collect(),
            dependencies: dependencies.iter().map(dependency).collect(),
            ..Graph::default()
        };
        for dependency in graph.dependencies.iter().filter(|dependency| dependency.kind == Kind::Normal) {
            graph.needs.entry(dependency.from.clone()).or_default().insert(dependency.to.clone());
        }
        graph
    }

    #[test]
    fn allowed_dependencies_pass() {
        let good = [
            ("processor", "fanet", Kind::Normal),
            ("streams", "rdkafka", Kind::Normal),
            ("streams", TESTS, Kind::Dev),
            ("standalone", "pusher", Kind::Normal),
            (TESTS, "rumqttc", Kind::Dev),
            (TESTS, "redis", Kind::Dev),
            ("fanet", "serde", Kind::Normal),
            ("pusher", "tokio", Kind::Normal),
        ];
        assert_eq!(violations(&graph(&good)), Vec::<String>::new());
    }

    #[test]
    fn a_violation_names_the_allowed_crates() {
        let cases = [
            (("bridge", "fanet", Kind::Normal), "bridge depends on fanet; allowed: envelope, rate, runtime"),
            (("pusher", "processor", Kind::Normal), "pusher depends on processor; allowed: access, explain, fanout"),
            (("pusher", "processor", Kind::Dev), "pusher depends on processor; allowed: access, explain, fanout"),
            (("schemas", "geo", Kind::Normal), "schemas depends on geo; allowed: none of our crates"),
            (("geo", TESTS, Kind::Normal), "geo depends on updraft-tests; allowed: none of our crates"),
            (("bridge", "rdkafka", Kind::Normal), "bridge depends on rdkafka; only allowed in streams"),
            (("bridge", "rdkafka", Kind::Dev), "bridge depends on rdkafka; only allowed in streams"),
            (
                ("standalone", "rumqttc", Kind::Normal),
                "standalone depends on rumqttc; only allowed in bridge, replay and the tests of updraft-tests",
            ),
            (("processor", "clickhouse", Kind::Normal), "processor depends on clickhouse; only allowed in history"),
            (("geo", "tokio", Kind::Normal), "geo is pure, but depends on tokio"),
        ];
        for (dependency, message) in cases {
            let found = violations(&graph(&[dependency]));
            assert!(found.iter().any(|line| line.starts_with(message)), "{dependency:?}: {found:?}");
        }
    }

    #[test]
    fn a_pure_crate_has_pure_dependencies() {
        let found = violations(&graph(&[("geo", "leaf", Kind::Normal), ("leaf", "socket2", Kind::Normal)]));
        assert_eq!(found, ["geo is pure, but depends on socket2"]);
    }

    #[test]
    fn two_versions_of_one_dependency_are_found() {
        let mut graph = graph(&[("bridge", "serde", Kind::Normal), ("pusher", "serde", Kind::Normal)]);
        graph.dependencies[1].requirement = "^2".to_owned();
        let found = violations(&graph);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("serde is required in several versions: ^1 in bridge, ^2 in pusher"), "{found:?}");
    }

    #[test]
    fn a_crate_without_a_rule_is_found() {
        let mut graph = graph(&[]);
        graph.crates.insert("attic".to_owned());
        graph.crates.remove("geo");
        let found = missing_rules(&graph);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("attic has no rule"), "{found:?}");
        assert!(found[1].contains("lists geo"), "{found:?}");
    }
}
