//! Out of the archive in an S3-compatible store.

use anyhow::{Context, Result, ensure};
use harness::{ProgramOptions, S3};
use serde_json::Value;

use crate::outputs::{Processors, compare, expected, until_published};
use crate::past::Past;
use crate::program::{fresh_settings, path, prefix, refuses, run, without_prefix};
use crate::topics::{number, raw_ids};

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_in_s3_gives_the_same_again() -> Result<()> {
    let (past, s3) = (Past::write().await?, S3::start().await?);
    let dir = harness::supervise::fresh_dir("replay-s3")?;
    let archive = format!("s3://{}/raw", s3.bucket());
    let store = store_settings(&s3, s3.credentials().1);
    let archiving = ProgramOptions::new("processor").args(["archive", "--to", &archive, "--settle", "1s"]);
    archiving.envs(past.settings.clone()).envs(store.clone()).run().await?;

    // What is in it.
    let info: Value = serde_json::from_str(&run(&store, &["info", &archive, "--json"])?)?;
    let hours = info["hours"].as_array().map_or(&[][..], Vec::as_slice);
    let records = hours.iter().map(|hour| number(&hour["records"])).sum::<Result<u64>>()?;
    ensure!(hours.len() >= 2 && records == past.records, "{} records, {info}", past.records);
    ensure!(info["missing"] == Value::Array(Vec::new()) && info["breaks"] == Value::Array(Vec::new()), "{info}");

    // A capture of it is that of the topic.
    let (from_s3, from_kafka) = (dir.join("s3.capture"), dir.join("kafka.capture"));
    run(&store, &["capture", &archive, "--out", path(&from_s3)?])?;
    let start = past.start();
    run(&past.settings, &["capture", "kafka", "--from", &start, "--out", path(&from_kafka)?])?;
    let lines = |input: &str| run(&store, &["cat", input, "--lines"]);
    ensure!(lines(path(&from_s3)?)? == lines(path(&from_kafka)?)?, "the archive and the topic differ");
    ensure!(lines(&archive)? == lines(path(&from_kafka)?)?, "the archive and the topic differ");

    // One hour of the two, one device of many.
    let border = past.border();
    let first_hour = dir.join("first-hour.capture");
    run(&store, &["capture", &archive, "--to", &border, "--out", path(&first_hour)?])?;
    let info: Value = serde_json::from_str(&run(&[], &["info", path(&first_hour)?, "--json"])?)?;
    ensure!(Some(number(&info["records"])?) == hours.first().and_then(|hour| number(&hour["records"]).ok()), "{info}");
    let tracking = run(&store, &["cat", &archive, "--type", "tracking"])?;
    let device = tracking.lines().next().and_then(|line| line.split(" tracking ").next()?.rsplit(' ').next());
    let device = device.context("pilots fly")?;
    let seen = run(&store, &["cat", &archive, "--device", device, "--type", "tracking"])?;
    let of_device: Vec<&str> = tracking.lines().filter(|line| line.contains(&format!(" {device} tracking "))).collect();
    ensure!(of_device.len() > 5 && seen.lines().eq(of_device), "{device}: {seen}");

    // The programs make the same of it, thermals and winds included.
    let expected = expected(&store, &archive)?;
    ensure!(expected == self::expected(&[], path(&from_kafka)?)?, "a core makes something else of the archive");
    ensure!(expected["fanet.thermal-report.v1"] > 5, "{expected:?}");
    let _original = Processors::start(&past.settings).await?;
    until_published(&past.settings, &expected).await?;
    let fresh = fresh_settings().await?;
    let settings = [without_prefix(&fresh), store.clone()].concat();
    run(&settings, &["play", &archive, "--kafka-prefix", prefix(&fresh)?, "--speed", "max"])?;
    ensure!(raw_ids(&past.settings, false)? == raw_ids(&fresh, true)?, "the played topic is another one");
    harness::apply_topics(&fresh)?;
    let _again = Processors::start(&fresh).await?;
    compare(&past.settings, &fresh, &expected).await?;

    // A store that refuses.
    let wrong = store_settings(&s3, "wrong");
    for arguments in [&["info", &archive][..], &["cat", &archive], &["play", &archive, "--dry-run"]] {
        refuses(&wrong, arguments, 1, &format!("in the archive {archive}"))?;
    }
    refuses(&store, &["info", "s3://archive/elsewhere"], 1, "is empty: expected hourly files")
}

fn store_settings(s3: &S3, secret: &str) -> Vec<(String, String)> {
    let settings = [
        ("UPDRAFT_ARCHIVE_S3_ENDPOINT", s3.endpoint()),
        ("UPDRAFT_ARCHIVE_S3_ACCESS_KEY_ID", s3.credentials().0),
        ("UPDRAFT_ARCHIVE_S3_SECRET_ACCESS_KEY", secret),
    ];
    settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}
