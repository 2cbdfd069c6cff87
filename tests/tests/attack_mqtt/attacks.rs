//! Each test is an attack on a running `updraft`.

use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::io::AsyncReadExt as _;

use crate::fixture::Fixture;
use crate::wire::{Client, connect, field, packet, publish, subscribe};

const FRAMES: &str = "fb/b/2900000001/f/1";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_without_attack_logs_no_warning() -> Result<()> {
    let fixture = Fixture::start().await?;
    fixture.wait_for_movement().await?;
    fixture.check_log(&["WARN", "ERROR", "not ready", "panic"])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_client_id_may_reconnect() -> Result<()> {
    let fixture = Fixture::start().await?;
    for id in ["a/b", "+", "#", "$SYS", "/+#$", "updraft-bridge", "é\u{1F600}"] {
        for level in [4, 5] {
            let mut first = Client::accepted(fixture.port, level, id, 60).await?;
            let mut second = Client::accepted(fixture.port, level, id, 60).await?;
            let disconnect = first.rest().await?;
            let expected: &[u8] = if level == 5 { &[0xE0, 2, 0x8E, 0] } else { &[] };
            ensure!(disconnect == expected, "{id}: {disconnect:02x?}");
            second.send(&[0xC0, 0]).await?;
            ensure!(second.receive().await? == (0xD0, vec![]), "{id}: expected only the older connection to be closed");
        }
    }
    fixture.check_healthy().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn subscribers_are_refused_and_read_no_frames() -> Result<()> {
    let fixture = Fixture::start().await?;
    let filters = ["#", "fb/b/+/f/#", "$share/g/fb/b/+/f/#", "$SYS/#"].map(str::to_owned);
    let mut readers = Vec::new();
    for level in [4, 5] {
        let mut reader = Client::accepted(fixture.port, level, &format!("reader-{level}"), 60).await?;
        reader.send(&subscribe(level, 7, &filters)).await?;
        let codes: &[u8] =
            if level == 5 { &[0, 7, 0, 0x87, 0x87, 0x9E, 0x87] } else { &[0, 7, 0x80, 0x80, 0x80, 0x80] };
        ensure!(reader.receive().await? == (0x90, codes.to_vec()), "expected all filters to be refused");
        readers.push(reader);
    }
    // The client of a shared subscription disconnects without DISCONNECT.
    drop(readers.pop());
    let mut writer = Client::accepted(fixture.port, 5, "writer", 60).await?;
    for id in 1..=50 {
        writer.send(&publish(5, 1, id, FRAMES, &[7; 30])).await?;
        ensure!(writer.receive().await?.0 == 0x40);
    }
    let reader = &mut readers[0];
    reader.send(&[0xC0, 0]).await?;
    ensure!(reader.receive().await? == (0xD0, vec![]), "expected only PINGRESP");
    fixture.check_healthy().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn server_packets_end_only_their_connection() -> Result<()> {
    let fixture = Fixture::start().await?;
    for (number, packet) in
        [&[0x20_u8, 3, 0, 0, 0][..], &[0x90, 4, 0, 1, 0, 0], &[0xD0, 0], &[0xF0, 0], &[0x00, 0]].into_iter().enumerate()
    {
        let mut client = Client::accepted(fixture.port, 5, &format!("server-{number}"), 60).await?;
        client.send(packet).await?;
        let disconnect = client.rest().await?;
        ensure!(disconnect.first() == Some(&0xE0) && disconnect[2] >= 0x80, "{packet:02x?}: {disconnect:02x?}");
    }
    fixture.check_healthy().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_filters_use_no_memory() -> Result<()> {
    let fixture = Fixture::start().await?;
    fixture.wait_for_movement().await?;
    let before = fixture.program.resident_bytes().unwrap_or_default();
    for level in [4, 5] {
        let mut client = Client::accepted(fixture.port, level, "many", 60).await?;
        for packet_id in 1..=20 {
            let filters: Vec<String> = (0..5_000).map(|number| format!("f/{number}/#")).collect();
            client.send(&subscribe(level, packet_id, &filters)).await?;
            let (first, codes) = client.receive().await?;
            ensure!(
                first == 0x90 && codes.iter().rev().take(5_000).all(|code| *code >= 0x80),
                "expected all filters to be refused"
            );
        }
    }
    let grown = fixture.program.resident_bytes().unwrap_or_default().saturating_sub(before);
    ensure!(grown < 64 << 20, "{} MB more", grown >> 20);
    fixture.check_healthy().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retained_wills_and_long_topics_are_not_stored() -> Result<()> {
    let fixture = Fixture::start().await?;
    fixture.wait_for_movement().await?;
    let before = fixture.program.resident_bytes().unwrap_or_default();
    let mut client = Client::accepted(fixture.port, 4, "keeper", 60).await?;
    let mut will = Client::open(fixture.port).await?;
    let fields = [field(b"MQTT"), vec![4, 0x2E, 0, 60], field(b"w"), field(b"fb/b/1/f"), field(&[7; 50_000])].concat();
    will.send(&packet(0x10, &fields)).await?;
    ensure!(will.receive().await? == (0x20, vec![0, 0]));
    drop(will);
    for number in 0..2_000_u16 {
        let topic = format!("{number}/{}", "x".repeat(20_000));
        let mut message = publish(4, 1, number + 1, &topic, &[7; 20_000]);
        message[0] |= 1;
        client.send(&message).await?;
        ensure!(client.receive().await?.0 == 0x40, "expected PUBACK");
    }
    let grown = fixture.program.resident_bytes().unwrap_or_default().saturating_sub(before);
    ensure!(grown < 64 << 20, "{} MB more", grown >> 20);
    ensure!(fixture.program.metric("fanet_standalone_mqtt_other_topics_total", &[]).await? >= 2_000.0);
    fixture.check_healthy().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unreleased_qos_2_is_bounded() -> Result<()> {
    let fixture = Fixture::start().await?;
    let mut client = Client::accepted(fixture.port, 5, "unreleased", 60).await?;
    let all: Vec<u8> = (1..=5_000_u16).flat_map(|id| publish(5, 2, id, FRAMES, &[7; 30])).collect();
    // The server disconnects the client meanwhile.
    let _ = client.send(&all).await;
    let answers = client.rest().await?;
    ensure!(
        answers.starts_with(&[0x50]),
        "expected PUBREC for the first messages: {:02x?}",
        &answers[..answers.len().min(8)]
    );
    fixture.wait_for_end("too_many_unreleased").await?;
    fixture.check_healthy().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_and_incomplete_packets_block_no_client() -> Result<()> {
    let fixture = Fixture::start().await?;
    let mut slow = Vec::new();
    for number in 0..100 {
        let mut client = Client::open(fixture.port).await?;
        client.send(&connect(4, &format!("slow-{number}"), 60)[..number % 14]).await?;
        slow.push(client);
        let mut incomplete = Client::accepted(fixture.port, 4, &format!("incomplete-{number}"), 60).await?;
        incomplete.send(&publish(4, 1, 1, FRAMES, &[7; 30])[..20]).await?;
        slow.push(incomplete);
    }
    fixture.check_healthy().await?;
    fixture.wait_for_end("slow_handshake").await?;
    fixture.wait_for_end("slow_packet").await?;
    fixture.check_healthy().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_many_connections_affect_no_other() -> Result<()> {
    let fixture = Fixture::start().await?;
    let mut connections = Vec::new();
    for number in 0..400 {
        let mut client = Client::open(fixture.port).await?;
        // Some are closed immediately.
        let _ = client.send(&connect(4, &format!("many-{number}"), 600)).await;
        connections.push(client);
    }
    fixture.wait_for_end("no_place").await?;
    fixture.wait_for_movement().await?;
    drop(connections);
    let accepted = async || Client::accepted(fixture.port, 4, "afterwards", 10).await.ok();
    harness::wait_until(crate::wire::TIMEOUT, "connections to be released", accepted).await?;
    fixture.check_log(&["ERROR", "panic"])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_does_not_read_is_bounded() -> Result<()> {
    let fixture = Fixture::start().await?;
    let mut not_reading = Client::accepted(fixture.port, 4, "not_reading", 60).await?;
    let pings = [0xC0, 0].repeat(50_000);
    let flood = async {
        loop {
            if not_reading.send(&pings).await.is_err() {
                return;
            }
        }
    };
    let flooded = tokio::time::timeout(Duration::from_secs(10), flood).await;
    fixture.check_healthy().await?;
    // The server disconnects the client or stops reading from it: its answers stay bounded.
    if flooded.is_err() {
        let mut some = [0; 4];
        ensure!(not_reading.0.read_exact(&mut some).await.is_ok() && some == [0xD0, 0, 0xD0, 0], "{some:02x?}");
    }
    fixture.check_healthy().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_bytes_end_only_their_connection() -> Result<()> {
    let fixture = Fixture::start().await?;
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    for number in 0..200 {
        let random_bytes: Vec<u8> = (0..number * 3)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                state as u8
            })
            .collect();
        let mut client = if number % 2 == 0 {
            Client::open(fixture.port).await?
        } else {
            Client::accepted(fixture.port, 4 + (number % 4 / 2) as u8, "random_bytes", 60).await?
        };
        // The server may disconnect the client before the last byte.
        let _ = client.send(&random_bytes).await;
    }
    fixture.check_healthy().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_too_small_packet_limit_disconnects() -> Result<()> {
    let fixture = Fixture::start().await?;
    for max_packet_bytes in [1_u8, 3, 10, 30] {
        let mut client = Client::open(fixture.port).await?;
        let fields =
            [&field(b"MQTT")[..], &[5, 2, 0, 60, 5, 0x27, 0, 0, 0, max_packet_bytes], &field(b"small")].concat();
        client.send(&packet(0x10, &fields)).await?;
        let filters = vec!["#".to_owned(); 1_000];
        // The CONNACK may already be too long.
        let _ = client.send(&subscribe(5, 1, &filters)).await;
        let answers = client.rest().await?;
        ensure!(answers.len() <= 40, "{max_packet_bytes}: {} bytes", answers.len());
    }
    fixture.check_healthy().await
}
