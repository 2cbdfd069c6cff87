//! Targets that are refused, or refuse.

use std::time::Duration;

use anyhow::Result;
use harness::{Stage, wait_until};

use crate::program::{fresh_settings, path, prefix, refuses, run, without_prefix};
use crate::topics::raw;

const SOON: Duration = Duration::from_secs(90);

#[tokio::test(flavor = "multi_thread")]
async fn a_prefix_with_writers_is_refused() -> Result<()> {
    let stage = Stage::start("replay-live").await?;
    let dir = harness::supervise::fresh_dir("replay")?;
    let capture = dir.join("ticks.capture");
    let ticks = async || Some(raw(&stage.settings()).ok()?.len()).filter(|count| *count > 0);
    wait_until(SOON, "ticks", ticks).await?;
    run(&stage.settings(), &["capture", "kafka", "--out", path(&capture)?])?;
    let play = ["play", path(&capture)?, "--kafka-prefix", stage.prefix()];
    refuses(&without_prefix(&stage.settings()), &play, 1, "other programs write to")?;
    // The installation's own, without a look at its writers.
    refuses(&stage.settings(), &play, 1, "is the prefix of the installation itself")?;

    let mut other = fresh_settings().await?;
    other.push(("UPDRAFT_PROCESSOR_PARTITIONS".to_owned(), "3".to_owned()));
    harness::apply_topics(&other)?;
    let play = ["play", path(&capture)?, "--kafka-prefix", prefix(&other)?];
    refuses(&without_prefix(&other), &play, 1, "3 partitions, the capture 6")
}
