//! Kafka with TLS and a password: the bridge passes the settings on, and cannot connect with wrong ones.

use anyhow::Result;
use harness::{Detour, Kafka, KafkaOptions, Program, ProgramOptions, free_port};
use schemas::catalogue::topic;

use crate::certificates::Certificates;
use crate::fixture::{Fixture, wait_until_not_ready};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kafka_tls_needs_the_right_password_and_ca() -> Result<()> {
    let certificates = Certificates::issue()?;
    let port = free_port();
    let kafka: &'static Kafka = Box::leak(Box::new(secure_kafka(&certificates, port).await?));
    let fixture = Fixture::on(kafka, "kafka-tls").await?;
    fixture.create(&[topic::RAW, topic::DEAD_LETTER]).await?;

    let good = secured(&fixture, port, &certificates.path("ca.pem"), "open sesame").await?;
    let bridge = Program::start(good).await?;
    fixture.publish("fb/b/8896672/f/1", &[7; 30]).await?;
    assert_eq!(fixture.raw(1).await?.len(), 1);
    bridge.service().stop().await?;

    let wrong_password = Program::spawn(secured(&fixture, port, &certificates.path("ca.pem"), "open barley").await?)?;
    wait_until_not_ready(&wrong_password, "uthentication failed").await?;
    let other_ca = Program::spawn(secured(&fixture, port, &certificates.path("other-ca.pem"), "open sesame").await?)?;
    wait_until_not_ready(&other_ca, "certificate").await
}

async fn secured(fixture: &Fixture, port: u16, ca: &str, password: &str) -> Result<ProgramOptions> {
    let config = format!(
        "security.protocol=SASL_SSL,sasl.mechanism=SCRAM-SHA-512,sasl.username=bridge,sasl.password={password},ssl.ca.location={ca}"
    );
    let bridge = fixture.bridge().await?;
    Ok(bridge.env("UPDRAFT_KAFKA_BOOTSTRAP", format!("127.0.0.1:{port}")).env("UPDRAFT_KAFKA_CONFIG", config))
}

/// Starts a Kafka whose second listener requires SCRAM over TLS.
async fn secure_kafka(certificates: &Certificates, port: u16) -> Result<Kafka> {
    let both = std::fs::read_to_string(certificates.path("server.key"))?
        + &std::fs::read_to_string(certificates.path("server.pem"))?;
    let keystore = certificates.write("server-both.pem", &both)?;
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
