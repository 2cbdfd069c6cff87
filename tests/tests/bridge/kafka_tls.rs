//! Kafka behind TLS and a password: the settings are handed through, and without the right ones nothing gets in.

use anyhow::Result;
use harness::{Detour, Kafka, KafkaOptions, Program, ProgramOptions, free_port};
use schemas::catalogue::topic;

use crate::certificates::Papers;
use crate::desk::{Desk, complains};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kafka_is_reached_over_tls_with_a_password_and_not_without() -> Result<()> {
    let papers = Papers::issue()?;
    let port = free_port();
    let kafka: &'static Kafka = Box::leak(Box::new(secure_kafka(&papers, port).await?));
    let desk = Desk::on(kafka, "kafka-tls").await?;
    desk.create(&[topic::RAW, topic::DEAD_LETTER]).await?;

    let good = secured(&desk, port, &papers.path("ca.pem"), "open sesame").await?;
    let bridge = Program::start(good).await?;
    desk.publish("fb/b/8896672/f/1", &[7; 30]).await?;
    assert_eq!(desk.raw(1).await?.len(), 1);
    bridge.service().stop().await?;

    let wrong_password = Program::spawn(secured(&desk, port, &papers.path("ca.pem"), "open barley").await?)?;
    complains(&wrong_password, "uthentication failed").await?;
    let stranger = Program::spawn(secured(&desk, port, &papers.path("stranger.pem"), "open sesame").await?)?;
    complains(&stranger, "certificate").await
}

async fn secured(desk: &Desk, port: u16, ca: &str, password: &str) -> Result<ProgramOptions> {
    let config = format!(
        "security.protocol=SASL_SSL,sasl.mechanism=SCRAM-SHA-512,sasl.username=bridge,sasl.password={password},ssl.ca.location={ca}"
    );
    let bridge = desk.bridge().await?;
    Ok(bridge.env("UPDRAFT_KAFKA_BOOTSTRAP", format!("127.0.0.1:{port}")).env("UPDRAFT_KAFKA_CONFIG", config))
}

/// Its second listener asks for SCRAM inside TLS.
async fn secure_kafka(papers: &Papers, port: u16) -> Result<Kafka> {
    let both =
        std::fs::read_to_string(papers.path("server.key"))? + &std::fs::read_to_string(papers.path("server.pem"))?;
    let keystore = papers.write("server-both.pem", &both)?;
    let settings = [
        ("listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,DETOUR:SASL_SSL".to_owned()),
        ("listener.name.detour.ssl.keystore.type", "PEM".to_owned()),
        ("listener.name.detour.ssl.keystore.location", keystore),
        ("listener.name.detour.sasl.enabled.mechanisms", "SCRAM-SHA-512".to_owned()),
        (
            "listener.name.detour.scram-sha-512.sasl.jaas.config",
            "org.apache.kafka.common.security.scram.ScramLoginModule required;".to_owned(),
        ),
    ];
    let settings = settings.map(|(name, value)| (name.to_owned(), value)).to_vec();
    let advertised = format!("127.0.0.1:{port}");
    let options = KafkaOptions {
        settings,
        users: vec![("bridge".to_owned(), "open sesame".to_owned())],
        detour: Some(Detour { port, advertised }),
        ..KafkaOptions::default()
    };
    Kafka::start(options).await
}
