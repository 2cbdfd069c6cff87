//! Programs that start before their services: they report which service they cannot reach, and continue when it is
//! available.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::{Kafka, KafkaOptions, Mosquitto, Program, ProgramOptions, Redis, Registry, unique_prefix, wait_until};

use harness::apply_topics;

const TIMEOUT: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn programs_wait_for_their_services() -> Result<()> {
    let (kafka, registry, redis, mosquitto) =
        tokio::try_join!(Kafka::start(KafkaOptions::default()), Registry::start(), Redis::start(), Mosquitto::start())?;
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
    for service in [kafka.node(0), registry.service(), redis.service(), mosquitto.service()] {
        service.kill().await?;
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
        wait_for_missing(program, &missing).await?;
    }

    for service in [kafka.node(0), registry.service()] {
        service.start().await?;
    }
    wait_for_missing(&processor, &[redis.url()]).await?;
    wait_for_missing(&bridge, &[mosquitto.url()]).await?;
    redis.service().start().await?;
    mosquitto.service().start().await?;
    for program in [&bridge, &processor, &pusher] {
        program.until_ready().await.with_context(|| program.service().log_tail(20))?;
    }
    Ok(())
}

async fn wait_for_missing(program: &Program, missing: &[&str]) -> Result<()> {
    let name = program.service().name().to_owned();
    let what = format!("{name} to name {missing:?}");
    let waiting = wait_until(TIMEOUT, &what, async || {
        let (status, body) = program.admin("/ready").await.ok()?;
        let address = |url: &&str| url.split("://").last().is_some_and(|address| body.contains(address));
        (status == 503 && missing.iter().all(address)).then_some(())
    });
    waiting.await.with_context(|| program.service().log_tail(20))?;
    let (status, _) = program.admin("/health").await?;
    ensure!(status == 200, "expected that {name} stays healthy");
    Ok(())
}

#[test]
fn an_invalid_option_exits_with_code_64() -> Result<()> {
    let cases: [(&str, &[&str], &str); 6] = [
        ("bridge", &["--window", "0"], "--window"),
        ("bridge", &["--mqtt-url", "ftp://x"], "mqtt://host:port"),
        ("processor", &["run", "--log", "=="], "UPDRAFT_LOG"),
        ("processor", &["fly"], "fly"),
        ("pusher", &["--http-listen", "everywhere"], "--http-listen"),
        ("updraft", &["--pilots", "many"], "--pilots"),
    ];
    for (program, arguments, option) in cases {
        let output = std::process::Command::new(harness::beside_the_test(program)?).args(arguments).output()?;
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(output.status.code() == Some(64), "{program} {arguments:?}: {} {stderr}", output.status);
        ensure!(stderr.lines().count() == 1 && stderr.contains(option), "{program} {arguments:?}: {stderr}");
    }
    Ok(())
}
