//! One receiver cannot speak for another one: the access list of the production configuration, with passwords and with
//! certificates.

use anyhow::{Context as _, Result, ensure};
use harness::{Program, free_port, tool_path, workspace_dir};
use schemas::catalogue::topic;
use tokio::process::Command;

use crate::certificates::Certificates;
use crate::fixture::{Fixture, TIMEOUT};

const RECEIVER: &str = "8896672";

/// Publishes as a client with these arguments; what Mosquitto's client says.
async fn publish(port: u16, client: &[&str], topic: &str) -> Result<String> {
    let mut command = Command::new(tool_path("mosquitto_pub")?);
    command.args([
        "-h",
        "127.0.0.1",
        "-p",
        &port.to_string(),
        "-V",
        "5",
        "-q",
        "1",
        "-t",
        topic,
        "-m",
        "fortyfortyforty",
    ]);
    let ended = tokio::time::timeout(TIMEOUT, command.args(client).kill_on_drop(true).output()).await;
    let output = ended.context("mosquitto_pub does not end")??;
    Ok(format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_publishes_under_its_own_id_alone() -> Result<()> {
    let (certificates, with_passwords, with_certificates) = (Certificates::issue()?, free_port(), free_port());
    certificates.client(RECEIVER)?;
    let acl = workspace_dir().join("ops/docker/mosquitto/production/receivers.acl");
    let acl = acl.display();
    let secure = format!(
        "listener {with_passwords} 127.0.0.1\nallow_anonymous false\npassword_file {users}\nacl_file {acl}\n\
         listener {with_certificates} 127.0.0.1\nallow_anonymous false\nrequire_certificate true\n\
         use_identity_as_username true\ncafile {ca}\ncertfile {certificate}\nkeyfile {key}\nacl_file {acl}\n",
        users = certificates.users(RECEIVER, "open sesame")?,
        ca = certificates.path("ca.pem"),
        certificate = certificates.path("server.pem"),
        key = certificates.path("server.key"),
    );
    let fixture = Fixture::new("receivers", &secure).await?;
    fixture.create(&[topic::RAW, topic::DEAD_LETTER]).await?;
    let bridge = Program::start(fixture.bridge().await?).await?;
    let password = ["-u", RECEIVER, "-P", "open sesame"];
    let files = ["ca.pem", "8896672.pem", "8896672.key"].map(|file| certificates.path(file));
    let certificate = ["--cafile", &files[0], "--cert", &files[1], "--key", &files[2]];
    for (port, client) in [(with_passwords, &password[..]), (with_certificates, &certificate[..])] {
        for topic in ["fb/b/1/f", "fb/b/1/f/1", "fb/b/1/hw", "other"] {
            let refused = publish(port, client, topic).await?;
            ensure!(refused.contains("Not authorized"), "{client:?} {topic}: {refused:?}");
        }
        let accepted = publish(port, client, "fb/b/8896672/f/1").await?;
        ensure!(accepted.is_empty(), "{client:?}: {accepted:?}");
    }
    let wrong = publish(with_passwords, &["-u", RECEIVER, "-P", "open barley"], "fb/b/8896672/f/1").await?;
    ensure!(wrong.contains("Not authorized"), "{wrong:?}");
    let records = fixture.raw(2).await?;
    ensure!(records.len() == 2, "{}", records.len());
    ensure!(records.iter().all(|raw| raw.message.receiver_id.as_deref() == Some(RECEIVER)));
    bridge.service().stop().await?;
    Ok(())
}
