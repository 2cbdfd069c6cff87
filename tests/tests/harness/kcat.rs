//! `just kcat`: prints a topic's records, decoded with the schemas from the registry.

use anyhow::{Context, Result, ensure};
use harness::{Stack, python, unique_prefix, workspace_dir};
use serde_json::{Value, json};
use tokio::process::Command;

async fn run(script: &str, arguments: &[&str]) -> Result<String> {
    let script = workspace_dir().join("tests").join(script);
    let output = Command::new(python()?).arg(&script).args(arguments).output().await?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{} failed: {error}", script.display());
    Ok(String::from_utf8(output.stdout)?)
}

#[tokio::test]
async fn records_are_decoded_by_the_registered_schema() -> Result<()> {
    let stack = Stack::shared();
    let (bootstrap, registry) = (stack.kafka().await?.bootstrap(), stack.registry().await?.url());
    let topic = unique_prefix("kcat") + "wind";
    run("fixtures/produce.py", &[bootstrap, registry, &topic]).await?;

    let addresses = ["--bootstrap", bootstrap, "--registry", registry];
    let options = [&[topic.as_str(), "--from-beginning", "--until-end", "--timeout", "20"][..], &addresses].concat();
    let printed = run("services/kcat.py", &options).await?;

    let records: Vec<Value> = printed.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let [wind, lull, tombstone, undecodable] = records.as_slice() else {
        anyhow::bail!("expected four records: {printed}");
    };
    assert_eq!(wind["message"], "made.up.Wind", "{printed}");
    assert_eq!(wind["value"], json!({"at": {"latitude_deg": 46.5}, "speed_kmh": 12}));
    assert_eq!(wind["key"], "110B90");
    assert_eq!(wind["headers"], json!({"way": "1"}));
    assert_eq!(wind["timestamp_ms"], 1_700_000_000_000_u64);
    assert_eq!(lull["message"], "made.up.Wind.Lull");
    assert_eq!(lull["value"], json!({"speed_kmh": 3}));
    assert_eq!(tombstone["tombstone"], true);
    let why = undecodable["why"].as_str().context("an undecodable record is printed with the reason")?;
    assert!(why.contains("wire format"), "{why}");
    Ok(())
}

#[tokio::test]
async fn an_unknown_topic_is_named() -> Result<()> {
    let bootstrap = Stack::shared().kafka().await?.bootstrap();
    let error = run("services/kcat.py", &["no-such-topic", "--bootstrap", bootstrap]).await.unwrap_err().to_string();
    assert!(error.contains("kcat: ") && error.to_lowercase().contains("unknown topic"), "{error}");
    Ok(())
}
