//! TLS, client certificates, users and passwords on a real Mosquitto; Kafka's own settings.

use anyhow::Result;
use harness::{Program, free_port};
use schemas::catalogue::topic;

use crate::certificates::Papers;
use crate::desk::{Desk, complains};

const TOPIC: &str = "fb/b/8896672/f/1";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_broker_is_reached_over_tls_with_a_certificate_and_a_password_file_and_not_without_them() -> Result<()> {
    let (papers, port) = (Papers::issue()?, free_port());
    let secure = format!(
        "listener {port} 127.0.0.1\nallow_anonymous false\nrequire_certificate true\n\
         cafile {ca}\ncertfile {certificate}\nkeyfile {key}\npassword_file {users}\n",
        ca = papers.path("ca.pem"),
        certificate = papers.path("server.pem"),
        key = papers.path("server.key"),
        users = papers.users("bridge", "open sesame")?,
    );
    let desk = Desk::new("tls", &secure).await?;
    desk.create(&[topic::RAW, topic::DEAD_LETTER]).await?;
    let password = papers.write("password", "open sesame\n")?;
    let nameless = desk
        .bridge()
        .await?
        .env("UPDRAFT_MQTT_URL", format!("mqtts://127.0.0.1:{port}"))
        .env("UPDRAFT_MQTT_USER", "bridge")
        .env("UPDRAFT_MQTT_PASSWORD_FILE", &password)
        .env("UPDRAFT_MQTT_CA", papers.path("ca.pem"));
    let certificate = ("UPDRAFT_MQTT_CERTIFICATE", papers.path("client.pem"));
    let good = nameless.clone().env(certificate.0, &certificate.1).env("UPDRAFT_MQTT_KEY", papers.path("client.key"));
    let bridge = Program::start(good.clone()).await?;
    // Much more than one record of TLS, there and back.
    for number in 0..20 {
        desk.publish(TOPIC, &[number; 200]).await?;
    }
    assert_eq!(desk.raw(20).await?.len(), 20);
    bridge.service().stop().await?;

    let wrong_password = papers.write("wrong", "open barley")?;
    let refused = Program::spawn(good.clone().env("UPDRAFT_MQTT_PASSWORD_FILE", &wrong_password))?;
    complains(&refused, "the broker refuses this client: NotAuthorized").await?;
    let stranger = Program::spawn(good.env("UPDRAFT_MQTT_CA", papers.path("stranger.pem")))?;
    complains(&stranger, "certificate").await?;
    let nameless = Program::spawn(nameless)?;
    complains(&nameless, "mqtts://").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kafkas_own_settings_are_handed_through() -> Result<()> {
    let desk = Desk::new("kafka-config", "").await?;
    desk.create(&[topic::RAW, topic::DEAD_LETTER]).await?;
    let unknown = desk.bridge().await?.env("UPDRAFT_KAFKA_CONFIG", "no.such.setting=1");
    let refused = unknown.run().await.expect_err("librdkafka has no such setting").to_string();
    assert!(refused.contains("no.such.setting"), "{refused}");
    let slow = desk.bridge().await?.env("UPDRAFT_KAFKA_CONFIG", "linger.ms=20,compression.type=none");
    let slow = Program::start(slow).await?;
    desk.publish(TOPIC, &[7; 30]).await?;
    assert_eq!(desk.raw(1).await?.len(), 1);
    assert_eq!(slow.metric("fanet_bridge_forwarded_total", &[]).await?, 1.0);
    Ok(())
}
