//! `docs/metrics.md`: made of the sources, and complete for what the running programs say.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use harness::{python, workspace_dir};

use crate::running::check;
use crate::stage::{own_dir, stage};

const PAGE: &str = "docs/metrics.md";

fn script() -> Result<Command> {
    let mut command = Command::new(python()?);
    command.arg(workspace_dir().join("tests/clients/metrics.py"));
    Ok(command)
}

#[tokio::test]
async fn the_page_of_metrics_is_made_of_the_code() -> Result<()> {
    let (made, file) = (check(script()?).await?, workspace_dir().join(PAGE));
    if std::env::var_os("UPDATE_METRICS").is_some() {
        std::fs::write(&file, &made)?;
    }
    let written = std::fs::read_to_string(&file).context(PAGE)?;
    ensure!(
        written == made,
        "{PAGE} is not what the code says: UPDATE_METRICS=1 cargo test -p updraft-tests --test clients metrics"
    );

    let before = "docs/coming-from-the-go-backend.md";
    let table = std::fs::read_to_string(workspace_dir().join(before))?;
    let table = table.split("\n## ").find(|section| section.starts_with("Metrics")).context("the section")?;
    for row in table.lines().filter(|line| line.starts_with("| `")) {
        let now = row.split('|').nth(2).context("a second column")?;
        for name in now.split('`').skip(1).step_by(2).filter(|name| name.starts_with("fanet_")) {
            let name = name.split('{').next().unwrap_or_default().trim_end_matches("_count");
            ensure!(made.contains(&format!("| `{name}` |")), "{before} names {name}, which no program has");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_running_programs_count_is_on_the_page_of_metrics() -> Result<()> {
    let stage = stage().await?;
    for program in [&stage.bridge, &stage.processor, &stage.pusher] {
        let (status, said) = program.admin("/metrics").await?;
        ensure!(status == 200, "{status}");
        let file = own_dir()?.join("metrics.txt");
        std::fs::write(&file, said)?;
        let mut command = script()?;
        command.arg("--check").arg(&file);
        check(command).await?;
    }
    Ok(())
}
