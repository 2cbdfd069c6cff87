//! Runs the queries of `docs/queries.md` unchanged, on rows that can be counted by hand (`known.sql`).

use std::collections::BTreeMap;

use harness::Stack;
use history::{ClickHouse, Retention};
use runtime::Clock;

/// Title and answer, tab separated.
const ANSWERS: [(&str, &str); 9] = [
    ("1. Thermals by hour of day at a site", "11\t2\t1.5\t2600\n13\t1\t3.5\t3000\n"),
    // Ada circles for an hour at 1 m/s, Bob twice for half an hour at 2.6; the last position of his first half hour
    // counts a minute.
    ("2. Histogram of climbs", "1\t60\n2.5\t61\n"),
    (
        "4. The longest flights of a day",
        "110B90\tAda\t10:00\t120\t120\t2200\n110B91\t\t10:30\t30\t30\t1300\n110B91\t\t13:30\t30\t30\t1300\n",
    ),
    ("5. Busy launch sites", "u0m9d\t3\t2\t120\t2200\n"),
    ("6. Airtime by device", "110B90\t1\t2\t120\n110B91\t2\t1\t60\n"),
    ("7. Wind at a station by hour", "10\t10\t25\t0\n11\t20\t30\t90\n"),
    ("8. Receivers that no other receiver could replace", "south\t121\t61\nnorth\t91\t31\n"),
    ("9. Aircraft in the air", "10\t2\t1\n10\t4\t1\n11\t2\t1\n11\t4\t1\n12\t2\t1\n13\t4\t1\n14\t4\t1\n"),
    (
        "10. How late frames come",
        "10\t90\t200\t30000\t1\n11\t61\t200\t400\t0\n12\t1\t200\t200\t0\n13\t30\t400\t400\t0\n14\t1\t400\t400\t0\n",
    ),
];

/// The corners of the coverage of `south`, degrees east and north: calculated on a sphere, independent of the query.
const COVERED: [(f64, f64); 9] = [
    (7.873, 46.680),
    (7.900, 46.683),
    (7.930, 46.683),
    (7.968, 46.685),
    (8.019, 46.689),
    (8.096, 46.693),
    (8.240, 46.701),
    (8.696, 46.730),
    (9.434, 46.664),
];

async fn known() -> ClickHouse {
    let url = Stack::shared().clickhouse().await.expect("the engine").url();
    let database = harness::unique_prefix("queries").replace(['-', '.'], "_");
    let store = ClickHouse::new(format!("{url}/{database}"), Clock::system()).expect("a good URL");
    // For ever: the rows' times are fixed, the server's clock is not.
    let keep = Retention { position_days: 0, reception_days: 0, statistics_days: 0 };
    store.migrate(&keep, false).await.expect("migrated");
    let known = include_str!("known.sql");
    let code: String =
        known.lines().filter(|line| !line.starts_with("--")).fold(String::new(), |all, line| all + line + "\n");
    for statement in code.split(";\n").map(str::trim).filter(|statement| !statement.is_empty()) {
        store.client().query(statement).execute().await.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
    store.refresh().await.expect("refreshed");
    store
}

/// The queries of the page by their headings.
fn queries() -> BTreeMap<&'static str, &'static str> {
    let page = include_str!("../../../docs/queries.md");
    let sections = page.split("\n## ").skip(1);
    let query = |section: &'static str| {
        let (title, rest) = section.split_once('\n')?;
        let (_, code) = rest.split_once("```sql run")?.1.split_once('\n')?;
        Some((title, code.split_once("```")?.0))
    };
    sections.map(|section| query(section).expect("a heading and a query")).collect()
}

async fn run(store: &ClickHouse, query: &str) -> String {
    let mut answer = store.client().query(query).fetch_bytes("TSV").expect("is sent");
    let bytes = answer.collect().await.unwrap_or_else(|error| panic!("{query}: {error}"));
    String::from_utf8(bytes.to_vec()).expect("text")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_query_gives_the_counted_answer() {
    let store = known().await;
    let queries = queries();
    assert_eq!(queries.len(), ANSWERS.len() + 1, "the polygon is compared separately: {:?}", queries.keys());
    for (title, expected) in ANSWERS {
        assert_eq!(run(&store, queries[title]).await, expected, "{title}");
    }
    let polygon = run(&store, queries["3. Coverage of a receiver"]).await;
    let polygon: serde_json::Value = serde_json::from_str(&polygon).expect("GeoJSON");
    let corners = polygon["coordinates"][0].as_array().expect("a ring");
    assert_eq!((corners.len(), &corners[0]), (37, &corners[36]), "36 sectors, closed");
    // Counterclockwise, as RFC 7946 requires: from the last sector to the first.
    for (sector, corner) in corners[..36].iter().rev().enumerate() {
        // Where nothing was received, it is the receiver's own position.
        let (longitude, latitude) = COVERED.get(sector).copied().unwrap_or((7.86, 46.58));
        let off = |at: usize, expected: f64| (corner[at].as_f64().expect("a number") - expected).abs();
        assert!(off(0, longitude) < 0.005 && off(1, latitude) < 0.005, "sector {sector}: {corner}");
    }
}
