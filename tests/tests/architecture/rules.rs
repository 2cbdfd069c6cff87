//! The rules, and what breaks them.

use std::collections::{BTreeMap, BTreeSet};

use crate::graph::{Arrow, Graph, Kind};

/// The harness and the tests that need it.
const TESTS: &str = "updraft-tests";

/// Which of our own rooms a room may import. Tests of any room may start the harness besides.
const ROOMS: &[(&str, &[&str])] = &[
    ("envelope", &[]),
    ("fanet", &["envelope"]),
    ("geo", &[]),
    ("schemas", &[]),
    ("rate", &[]),
    ("flight", &["geo", "schemas"]),
    ("capture", &["envelope", "schemas"]),
    ("archive", &["capture", "runtime", "streams"]),
    ("air", &["fanet", "flight", "geo", "rate", "schemas"]),
    ("fanout", &["flight", "geo", "schemas"]),
    ("runtime", &[]),
    ("redis-servers", &["runtime"]),
    ("streams", &["runtime", "schemas"]),
    ("membership", &["runtime", "streams"]),
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
    ("pusher", &["fanout", "geo", "history", "redis-servers", "runtime", "schemas", "streams"]),
    (
        "replay",
        &[
            "air", "archive", "capture", "envelope", "fanet", "flight", "geo", "offline", "runtime", "schemas",
            "streams",
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
        ],
    ),
    // An example for others, who have the contract alone.
    ("updraft-client", &["schemas"]),
    (
        TESTS,
        &[
            "bridge",
            "fanet",
            "geo",
            "history",
            "processor",
            "pusher",
            "replay",
            "runtime",
            "schemas",
            "standalone",
            "streams",
        ],
    ),
];

/// The outside world: which rooms may import the library of a neighbour, and those that only their tests may.
const NEIGHBOURS: &[(&str, &[&str], &[&str])] = &[
    ("rdkafka", &["streams"], &[]),
    ("rdkafka-sys", &["streams"], &[]),
    ("schema_registry_converter", &["streams"], &[]),
    ("rumqttc", &["bridge", "replay"], &["standalone", TESTS]),
    ("rmqtt-codec", &["standalone"], &[]),
    ("clickhouse", &["history"], &[]),
    ("rusqlite", &["history"], &[]),
    ("redis", &["processor", "pusher", "redis-servers"], &[TESTS]),
    ("axum", &["pusher", "runtime"], &[]),
    ("protox", &["schemas"], &[]),
    ("prost-build", &["schemas"], &[]),
];

/// Rooms that are functions of their input, near and far.
const PURE: &[&str] = &["air", "envelope", "fanet", "fanout", "flight", "geo", "rate", "schemas"];

/// What has no place in them: threads of work, sockets, clocks, logs.
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

/// Every broken rule, one line each.
pub(crate) fn violations(graph: &Graph) -> Vec<String> {
    let arrows = graph.arrows.iter().flat_map(|arrow| [between_rooms(graph, arrow), to_a_neighbour(arrow)]).flatten();
    let impure = PURE.iter().flat_map(|room| {
        let reached = graph.reach(room);
        let found = IMPURE.iter().filter(move |name| reached.contains(**name));
        found.map(move |name| format!("{room} is pure, but {name} is among what it needs"))
    });
    arrows.chain(impure).chain(versions(graph)).collect()
}

/// Rooms that no rule knows, and rules for rooms that are not there.
pub(crate) fn strangers(graph: &Graph) -> Vec<String> {
    let known: BTreeSet<&str> = ROOMS.iter().map(|(room, _)| *room).collect();
    let rooms: BTreeSet<&str> = graph.rooms.iter().map(String::as_str).collect();
    let new = rooms.difference(&known).map(|room| format!("{room} is a new room: say in rules.rs what it may import"));
    let gone = known.difference(&rooms).map(|room| format!("rules.rs speaks of {room}, which is not there"));
    new.chain(gone).collect()
}

fn between_rooms(graph: &Graph, arrow: &Arrow) -> Option<String> {
    let Arrow { from, to, kind, .. } = arrow;
    // A room may ask for more of its own features in its tests.
    let for_tests = *kind == Kind::Dev && (to == TESTS || to == from);
    if !graph.rooms.contains(to) || for_tests {
        return None;
    }
    let allowed = ROOMS.iter().find(|(room, _)| room == from).map_or(&[][..], |(_, allowed)| allowed);
    let list = if allowed.is_empty() { "none of our rooms".to_owned() } else { allowed.join(", ") };
    (!allowed.contains(&to.as_str())).then(|| format!("{from} imports {to}; it may import {list}"))
}

fn to_a_neighbour(arrow: &Arrow) -> Option<String> {
    let Arrow { from, to, kind, .. } = arrow;
    let (_, rooms, tests_of) = NEIGHBOURS.iter().find(|(name, ..)| name == to)?;
    let by_tests = *kind == Kind::Dev && tests_of.contains(&from.as_str());
    let mut who = rooms.join(", ");
    if !tests_of.is_empty() {
        who.push_str(&format!(" and the tests of {}", tests_of.join(", ")));
    }
    let allowed = by_tests || rooms.contains(&from.as_str()) || (from == TESTS && tests_of.contains(&TESTS));
    (!allowed).then(|| format!("{from} imports {to}, which belongs to {who}"))
}

/// One version of a dependency serves all rooms.
fn versions(graph: &Graph) -> Vec<String> {
    let mut wanted: BTreeMap<&str, BTreeMap<&str, &str>> = BTreeMap::new();
    for Arrow { from, to, wants, .. } in &graph.arrows {
        wanted.entry(to).or_default().insert(wants, from);
    }
    let several = wanted.iter().filter(|(_, versions)| versions.len() > 1);
    several
        .map(|(name, versions)| {
            let each: Vec<_> = versions.iter().map(|(version, room)| format!("{version} in {room}")).collect();
            format!("{name} is wanted in several versions: {}; use [workspace.dependencies]", each.join(", "))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(arrows: &[(&str, &str, Kind)]) -> Graph {
        let arrow = |(from, to, kind): &(&str, &str, Kind)| Arrow {
            from: (*from).to_owned(),
            to: (*to).to_owned(),
            kind: *kind,
            wants: "^1".to_owned(),
        };
        let mut graph = Graph {
            rooms: ROOMS.iter().map(|(room, _)| (*room).to_owned()).collect(),
            arrows: arrows.iter().map(arrow).collect(),
            ..Graph::default()
        };
        for arrow in graph.arrows.iter().filter(|arrow| arrow.kind == Kind::Normal) {
            graph.needs.entry(arrow.from.clone()).or_default().insert(arrow.to.clone());
        }
        graph
    }

    #[test]
    fn the_arrows_of_the_design_pass() {
        let good = [
            ("processor", "fanet", Kind::Normal),
            ("streams", "rdkafka", Kind::Normal),
            ("streams", TESTS, Kind::Dev),
            ("standalone", "pusher", Kind::Normal),
            ("standalone", "rumqttc", Kind::Dev),
            (TESTS, "redis", Kind::Dev),
            ("fanet", "serde", Kind::Normal),
            ("pusher", "tokio", Kind::Normal),
        ];
        assert_eq!(violations(&graph(&good)), Vec::<String>::new());
    }

    #[test]
    fn each_wrong_arrow_is_named_with_what_is_allowed() {
        let cases = [
            (("bridge", "fanet", Kind::Normal), "bridge imports fanet; it may import envelope, rate, runtime"),
            (("pusher", "processor", Kind::Normal), "pusher imports processor; it may import fanout, geo, history"),
            (("pusher", "processor", Kind::Dev), "pusher imports processor; it may import fanout, geo, history"),
            (("schemas", "geo", Kind::Normal), "schemas imports geo; it may import none of our rooms"),
            (("geo", TESTS, Kind::Normal), "geo imports updraft-tests; it may import none of our rooms"),
            (("bridge", "rdkafka", Kind::Normal), "bridge imports rdkafka, which belongs to streams"),
            (("bridge", "rdkafka", Kind::Dev), "bridge imports rdkafka, which belongs to streams"),
            (
                ("standalone", "rumqttc", Kind::Normal),
                "standalone imports rumqttc, which belongs to bridge, replay and the tests of standalone, updraft-tests",
            ),
            (("processor", "clickhouse", Kind::Normal), "processor imports clickhouse, which belongs to history"),
            (("geo", "tokio", Kind::Normal), "geo is pure, but tokio is among what it needs"),
        ];
        for (arrow, message) in cases {
            let found = violations(&graph(&[arrow]));
            assert!(found.iter().any(|line| line.starts_with(message)), "{arrow:?}: {found:?}");
        }
    }

    #[test]
    fn a_pure_room_is_pure_through_others_too() {
        let found = violations(&graph(&[("geo", "leaf", Kind::Normal), ("leaf", "socket2", Kind::Normal)]));
        assert_eq!(found, ["geo is pure, but socket2 is among what it needs"]);
    }

    #[test]
    fn two_versions_of_one_dependency_are_found() {
        let mut graph = graph(&[("bridge", "serde", Kind::Normal), ("pusher", "serde", Kind::Normal)]);
        graph.arrows[1].wants = "^2".to_owned();
        let found = violations(&graph);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("serde is wanted in several versions: ^1 in bridge, ^2 in pusher"), "{found:?}");
    }

    #[test]
    fn a_room_without_a_rule_is_a_stranger() {
        let mut graph = graph(&[]);
        graph.rooms.insert("attic".to_owned());
        graph.rooms.remove("geo");
        let found = strangers(&graph);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("attic is a new room"), "{found:?}");
        assert!(found[1].contains("speaks of geo"), "{found:?}");
    }
}
