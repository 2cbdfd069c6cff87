//! TLS, client certificates, users and passwords with Mosquitto; librdkafka's settings.

use anyhow::Result;
use harness::{Program, free_port};
use schemas::catalogue::topic;

use crate::certificates::Certificates;
use crate::fixture::{Fixture, wait_for_count, wait_until_not_ready};

const TOPIC: &str = "fb/b/8896672/f/1";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mqtt_tls_needs_certificate_and_password() -> Result<()> {
    let (certificates, port) = (Certificates::issue()?, free_port());
    let secure = format!(
        "listener {port} 127.0.0.1\nallow_anonymous false\nrequire_certificate true\n\
         cafile {ca}\ncertfile {certificate}\nkeyfile {key}\npassword_file {users}\n",
        ca = certificates.path("ca.pem"),
        certificate = certificates.path("server.pem"),
        key = certificates.path("server.key"),
        users = certificates.users("bridge", "open sesame")?,
    );
    let fixture = Fixture::new("tls", &secure).await?;
    fixture.create(&[topic::RAW, topic::DEAD_LETTER]).await?;
    let password = certificates.write("password", "open sesame\n")?;
    let without_certificate = fixture
        .bridge()
        .await?
        .env("UPDRAFT_MQTT_URL", format!("mqtts://127.0.0.1:{port}"))
        .env("UPDRAFT_MQTT_USER", "bridge")
        .env("UPDRAFT_MQTT_PASSWORD_FILE", &password)
        .env("UPDRAFT_MQTT_CA", certificates.path("ca.pem"));
    let certificate = ("UPDRAFT_MQTT_CERTIFICATE", certificates.path("client.pem"));
    let good = without_certificate
        .clone()
        .env(certificate.0, &certificate.1)
        .env("UPDRAFT_MQTT_KEY", certificates.path("client.key"));
    let bridge = Program::start(good.clone()).await?;
    // Much more than one TLS record in each direction.
    for number in 0..20 {
        fixture.publish(TOPIC, &[number; 200]).await?;
    }
    assert_eq!(fixture.raw(20).await?.len(), 20);
    bridge.service().stop().await?;

    let wrong_password = certificates.write("wrong", "open barley")?;
    let refused = Program::spawn(good.clone().env("UPDRAFT_MQTT_PASSWORD_FILE", &wrong_password))?;
    wait_until_not_ready(&refused, "the broker refuses this client: NotAuthorized").await?;
    certificates.write("wrong", "open sesame")?;
    // The file is read again for the next connection.
    refused.until_ready().await?;
    refused.service().stop().await?;
    let other_ca = Program::spawn(good.env("UPDRAFT_MQTT_CA", certificates.path("other-ca.pem")))?;
    wait_until_not_ready(&other_ca, "certificate").await?;
    let without_certificate = Program::spawn(without_certificate)?;
    wait_until_not_ready(&without_certificate, "mqtts://").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kafka_settings_are_passed_to_librdkafka() -> Result<()> {
    let fixture = Fixture::new("kafka-config", "").await?;
    fixture.create(&[topic::RAW, topic::DEAD_LETTER]).await?;
    let unknown = fixture.bridge().await?.env("UPDRAFT_KAFKA_CONFIG", "no.such.setting=1");
    let refused = unknown.run().await.expect_err("librdkafka has no such setting").to_string();
    assert!(refused.contains("no.such.setting"), "{refused}");
    let slow = fixture.bridge().await?.env("UPDRAFT_KAFKA_CONFIG", "linger.ms=20,compression.type=none");
    let slow = Program::start(slow).await?;
    fixture.publish(TOPIC, &[7; 30]).await?;
    assert_eq!(fixture.raw(1).await?.len(), 1);
    wait_for_count(&slow, "fanet_bridge_forwarded_total", 1.0).await
}
