//! Logs in JSON, as log collectors parse them.

use anyhow::{Context, Result, ensure};
use harness::parse_strict_json;

use crate::flight::Flight;
use crate::stage::{fly, stage};

#[tokio::test(flavor = "multi_thread")]
async fn every_log_line_is_strict_json() -> Result<()> {
    let stage = stage().await?;
    let mut flight = Flight::new(0x11_A001, (45.20, 6.10));
    stage.publish_captured().await?;
    fly(&stage, &mut flight, 2).await?;
    for program in stage.programs() {
        let (name, log) = (program.service().name(), std::fs::read_to_string(program.service().log())?);
        let complete = log.rfind('\n').map_or("", |end| &log[..end]);
        let mut in_tasks = 0;
        for line in complete.lines() {
            let event = parse_strict_json(line).with_context(|| format!("{name}: {line}"))?;
            for key in ["timestamp", "level", "message"] {
                ensure!(event[key].is_string(), "{name}: no {key} in {line}");
            }
            if event["span"]["name"] == "task" {
                ensure!(event["span"]["task"].is_string(), "{name}: no task in {line}");
                in_tasks += 1;
            }
        }
        ensure!(in_tasks > 0, "{name} has no log line of a task:\n{log}");
    }
    Ok(())
}
