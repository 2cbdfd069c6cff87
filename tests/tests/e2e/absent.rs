//! Programs that start before their neighbours: they say what they cannot reach, and go on by themselves when it comes.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::{Kafka, KafkaOptions, Mosquitto, Program, ProgramOptions, Redis, Registry, unique_prefix, wait_until};

use harness::apply_topics;

const SOON: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn each_program_waits_for_its_neighbours_and_says_for_which() -> Result<()> {
    let kafka = Kafka::start(KafkaOptions::default()).await?;
    let (registry, redis, mosquitto) = (Registry::start().await?, Redis::start().await?, Mosquitto::start().await?);
    let prefix = unique_prefix("absent");
    let settings = [
        ("UPDRAFT_KAFKA_BOOTSTRAP", kafka.bootstrap()),
        ("UPDRAFT_SCHEMA_REGISTRY_URL", registry.url()),
        ("UPDRAFT_REDIS_URL", redis.url()),
        ("UPDRAFT_MQTT_URL", mosquitto.url()),
        ("UPDRAFT_TOPIC_PREFIX", &prefix),
    ];
    let settings: Vec<_> = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    apply_topics(&settings)?;
    for neighbour in [kafka.node(0), registry.service(), redis.service(), mosquitto.service()] {
        neighbour.kill().await?;
    }

    let program = |name: &str, arguments: &[&str]| {
        Program::spawn(ProgramOptions::new(name).args(arguments.iter().copied()).envs(settings.clone()))
    };
    let (bridge, processor, pusher) =
        (program("bridge", &[])?, program("processor", &["run"])?, program("pusher", &[])?);
    for (program, missing) in [
        (&bridge, vec![registry.url()]),
        (&processor, vec![kafka.bootstrap(), registry.url()]),
        (&pusher, vec![kafka.bootstrap()]),
    ] {
        says_what_is_missing(program, &missing).await?;
    }

    for neighbour in [kafka.node(0), registry.service()] {
        neighbour.start().await?;
    }
    says_what_is_missing(&processor, &[redis.url()]).await?;
    says_what_is_missing(&bridge, &[mosquitto.url()]).await?;
    redis.service().start().await?;
    mosquitto.service().start().await?;
    for program in [&bridge, &processor, &pusher] {
        program.until_ready().await.with_context(|| program.service().log_tail(20))?;
    }
    Ok(())
}

async fn says_what_is_missing(program: &Program, missing: &[&str]) -> Result<()> {
    let name = program.service().name().to_owned();
    let what = format!("{name} to name {missing:?}");
    let said = wait_until(SOON, &what, async || {
        let (status, body) = program.admin("/ready").await.ok()?;
        let address = |url: &&str| url.split("://").last().is_some_and(|address| body.contains(address));
        (status == 503 && missing.iter().all(address)).then_some(())
    });
    said.await.with_context(|| program.service().log_tail(20))?;
    let (status, _) = program.admin("/health").await?;
    ensure!(status == 200, "{name} is alive all the while");
    Ok(())
}

#[test]
fn a_bad_setting_is_one_line_and_exit_code_64() -> Result<()> {
    let cases: [(&str, &[&str], &str); 6] = [
        ("bridge", &["--window", "0"], "--window"),
        ("bridge", &["--mqtt-url", "ftp://x"], "mqtt://host:port"),
        ("processor", &["run", "--log", "=="], "UPDRAFT_LOG"),
        ("processor", &["fly"], "fly"),
        ("pusher", &["--http-listen", "everywhere"], "--http-listen"),
        ("updraft", &["--pilots", "many"], "--pilots"),
    ];
    for (program, arguments, named) in cases {
        let output = std::process::Command::new(harness::beside_the_test(program)?).args(arguments).output()?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(output.status.code() == Some(64), "{program} {arguments:?}: {} {said}", output.status);
        ensure!(said.lines().count() == 1 && said.contains(named), "{program} {arguments:?}: {said}");
    }
    Ok(())
}
