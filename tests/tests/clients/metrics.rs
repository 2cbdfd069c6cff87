//! `docs/metrics.md` is generated from the sources and has all metrics of the running programs.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use harness::{Program, ProgramOptions, free_port, python, workspace_dir};

use crate::running::check;
use crate::stage::{stage, temporary_dir};

const PAGE: &str = "docs/metrics.md";

fn script() -> Result<Command> {
    let mut command = Command::new(python()?);
    command.arg(workspace_dir().join("tests/clients/metrics.py"));
    Ok(command)
}

#[tokio::test]
async fn the_page_of_metrics_is_up_to_date() -> Result<()> {
    let (generated, file) = (check(script()?).await?, workspace_dir().join(PAGE));
    if std::env::var_os("UPDATE_METRICS").is_some() {
        std::fs::write(&file, &generated)?;
    }
    let written = std::fs::read_to_string(&file).context(PAGE)?;
    ensure!(
        written == generated,
        "{PAGE} is out of date: run UPDATE_METRICS=1 cargo test -p updraft-tests --test clients metrics"
    );

    let before = "docs/coming-from-the-go-backend.md";
    let table = std::fs::read_to_string(workspace_dir().join(before))?;
    let table = table.split("\n## ").find(|section| section.starts_with("Metrics")).context("the section")?;
    for row in table.lines().filter(|line| line.starts_with("| `")) {
        let now = row.split('|').nth(2).context("a second column")?;
        for name in now.split('`').skip(1).step_by(2).filter(|name| name.starts_with("fanet_")) {
            let name = name.split('{').next().unwrap_or_default().trim_end_matches("_count");
            ensure!(generated.contains(&format!("| `{name}` |")), "{before} names {name}, which no program has");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_has_all_metrics_of_the_programs() -> Result<()> {
    let stage = stage().await?;
    let to = temporary_dir()?.join("archive");
    let archive = ProgramOptions::new("processor").args(["archive", "--every", "1m", "--to"]);
    let archive = archive.args([to.display().to_string()]);
    let mqtt_listen = format!("127.0.0.1:{}", free_port());
    let updraft = ProgramOptions::new("updraft").env("UPDRAFT_STANDALONE_MQTT_LISTEN", mqtt_listen);
    let (archive, updraft) = tokio::try_join!(Program::start(archive.envs(stage.settings())), Program::start(updraft))?;
    for program in stage.programs().into_iter().chain([&archive, &updraft]) {
        let (status, text) = program.admin("/metrics").await?;
        ensure!(status == 200, "{status}");
        let file = temporary_dir()?.join("metrics.txt");
        std::fs::write(&file, text)?;
        let mut command = script()?;
        command.arg("--check").arg(&file);
        check(command).await?;
    }
    Ok(())
}
