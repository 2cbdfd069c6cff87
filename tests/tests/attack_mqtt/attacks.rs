//! One attack each, against a running `updraft`.

use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::io::AsyncReadExt as _;

use crate::scene::Scene;
use crate::wire::{Client, connect, field, packet, publish, subscribe};

const FRAMES: &str = "fb/b/2900000001/f/1";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_healthy_start_says_nothing_is_wrong() -> Result<()> {
    let scene = Scene::start().await?;
    scene.map_moves().await?;
    scene.log_has_none_of(&["WARN", "ERROR", "not ready", "panic"])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_id_of_any_signs_may_connect_twice() -> Result<()> {
    let scene = Scene::start().await?;
    for id in ["a/b", "+", "#", "$SYS", "/+#$", "updraft-bridge", "é\u{1F600}"] {
        for level in [4, 5] {
            let mut first = Client::accepted(scene.port, level, id, 60).await?;
            let mut second = Client::accepted(scene.port, level, id, 60).await?;
            let goodbye = first.rest().await?;
            let expected: &[u8] = if level == 5 { &[0xE0, 2, 0x8E, 0] } else { &[] };
            ensure!(goodbye == expected, "{id}: {goodbye:02x?}");
            second.send(&[0xC0, 0]).await?;
            ensure!(second.receive().await? == (0xD0, vec![]), "{id}: only the older one is closed");
        }
    }
    scene.is_well().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn subscribers_are_refused_and_read_no_frames() -> Result<()> {
    let scene = Scene::start().await?;
    let filters = ["#", "fb/b/+/f/#", "$share/g/fb/b/+/f/#", "$SYS/#"].map(str::to_owned);
    let mut readers = Vec::new();
    for level in [4, 5] {
        let mut reader = Client::accepted(scene.port, level, &format!("reader-{level}"), 60).await?;
        reader.send(&subscribe(level, 7, &filters)).await?;
        let codes: &[u8] =
            if level == 5 { &[0, 7, 0, 0x87, 0x87, 0x9E, 0x87] } else { &[0, 7, 0x80, 0x80, 0x80, 0x80] };
        ensure!(reader.receive().await? == (0x90, codes.to_vec()), "every filter is refused");
        readers.push(reader);
    }
    // A shared subscription whose client leaves without a word.
    drop(readers.pop());
    let mut writer = Client::accepted(scene.port, 5, "writer", 60).await?;
    for id in 1..=50 {
        writer.send(&publish(5, 1, id, FRAMES, &[7; 30])).await?;
        ensure!(writer.receive().await?.0 == 0x40);
    }
    let reader = &mut readers[0];
    reader.send(&[0xC0, 0]).await?;
    ensure!(reader.receive().await? == (0xD0, vec![]), "nothing but the answer to its own ping came");
    scene.is_well().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn packets_of_a_server_end_their_own_connection_only() -> Result<()> {
    let scene = Scene::start().await?;
    for (number, packet) in
        [&[0x20_u8, 3, 0, 0, 0][..], &[0x90, 4, 0, 1, 0, 0], &[0xD0, 0], &[0xF0, 0], &[0x00, 0]].into_iter().enumerate()
    {
        let mut client = Client::accepted(scene.port, 5, &format!("server-{number}"), 60).await?;
        client.send(packet).await?;
        let goodbye = client.rest().await?;
        ensure!(goodbye.first() == Some(&0xE0) && goodbye[2] >= 0x80, "{packet:02x?}: {goodbye:02x?}");
    }
    scene.is_well().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_filters_cost_no_memory() -> Result<()> {
    let scene = Scene::start().await?;
    scene.map_moves().await?;
    let before = scene.program.resident_bytes().unwrap_or_default();
    for level in [4, 5] {
        let mut client = Client::accepted(scene.port, level, "many", 60).await?;
        for packet_id in 1..=20 {
            let filters: Vec<String> = (0..5_000).map(|number| format!("f/{number}/#")).collect();
            client.send(&subscribe(level, packet_id, &filters)).await?;
            let (first, codes) = client.receive().await?;
            ensure!(first == 0x90 && codes.iter().rev().take(5_000).all(|code| *code >= 0x80), "all are refused");
        }
    }
    let grown = scene.program.resident_bytes().unwrap_or_default().saturating_sub(before);
    ensure!(grown < 64 << 20, "{} MB more", grown >> 20);
    scene.is_well().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retained_wills_and_long_topics_are_not_kept() -> Result<()> {
    let scene = Scene::start().await?;
    scene.map_moves().await?;
    let before = scene.program.resident_bytes().unwrap_or_default();
    let mut client = Client::accepted(scene.port, 4, "keeper", 60).await?;
    let mut will = Client::open(scene.port).await?;
    let fields = [field(b"MQTT"), vec![4, 0x2E, 0, 60], field(b"w"), field(b"fb/b/1/f"), field(&[7; 50_000])].concat();
    will.send(&packet(0x10, &fields)).await?;
    ensure!(will.receive().await? == (0x20, vec![0, 0]));
    drop(will);
    for number in 0..2_000_u16 {
        let topic = format!("{number}/{}", "x".repeat(20_000));
        let mut message = publish(4, 1, number + 1, &topic, &[7; 20_000]);
        message[0] |= 1;
        client.send(&message).await?;
        ensure!(client.receive().await?.0 == 0x40, "acknowledged and dropped");
    }
    let grown = scene.program.resident_bytes().unwrap_or_default().saturating_sub(before);
    ensure!(grown < 64 << 20, "{} MB more", grown >> 20);
    ensure!(scene.program.metric("fanet_standalone_mqtt_other_topics_total", &[]).await? >= 2_000.0);
    scene.is_well().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unreleased_qos_2_is_bounded() -> Result<()> {
    let scene = Scene::start().await?;
    let mut client = Client::accepted(scene.port, 5, "unreleased", 60).await?;
    let all: Vec<u8> = (1..=5_000_u16).flat_map(|id| publish(5, 2, id, FRAMES, &[7; 30])).collect();
    // It is disconnected on the way.
    let _ = client.send(&all).await;
    let answers = client.rest().await?;
    ensure!(answers.starts_with(&[0x50]), "the first ones were received: {:02x?}", &answers[..answers.len().min(8)]);
    scene.ended("too_many_unreleased").await?;
    scene.is_well().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_and_half_packets_hold_no_one_up() -> Result<()> {
    let scene = Scene::start().await?;
    let mut slow = Vec::new();
    for number in 0..100 {
        let mut client = Client::open(scene.port).await?;
        client.send(&connect(4, &format!("slow-{number}"), 60)[..number % 14]).await?;
        slow.push(client);
        let mut half = Client::accepted(scene.port, 4, &format!("half-{number}"), 60).await?;
        half.send(&publish(4, 1, 1, FRAMES, &[7; 30])[..20]).await?;
        slow.push(half);
    }
    scene.is_well().await?;
    scene.ended("slow_handshake").await?;
    scene.ended("slow_packet").await?;
    scene.is_well().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_many_connections_leave_the_others_alone() -> Result<()> {
    let scene = Scene::start().await?;
    let mut held = Vec::new();
    for number in 0..400 {
        let mut client = Client::open(scene.port).await?;
        // Some are closed at once.
        let _ = client.send(&connect(4, &format!("many-{number}"), 600)).await;
        held.push(client);
    }
    scene.ended("no_place").await?;
    scene.map_moves().await?;
    drop(held);
    let accepted = async || Client::accepted(scene.port, 4, "afterwards", 10).await.ok();
    harness::wait_until(crate::wire::SOON, "places to be given back", accepted).await?;
    scene.log_has_none_of(&["ERROR", "panic"])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_of_nothing_is_disconnected_or_waits() -> Result<()> {
    let scene = Scene::start().await?;
    let mut deaf = Client::accepted(scene.port, 4, "deaf", 60).await?;
    let pings = [0xC0, 0].repeat(50_000);
    let flood = async {
        loop {
            if deaf.send(&pings).await.is_err() {
                return;
            }
        }
    };
    let flooded = tokio::time::timeout(Duration::from_secs(10), flood).await;
    scene.is_well().await?;
    // Whether it was cut off or is only read no more: its answers do not grow.
    if flooded.is_err() {
        let mut some = [0; 4];
        ensure!(deaf.0.read_exact(&mut some).await.is_ok() && some == [0xD0, 0, 0xD0, 0], "{some:02x?}");
    }
    scene.is_well().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_ends_its_own_connection_only() -> Result<()> {
    let scene = Scene::start().await?;
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    for number in 0..200 {
        let garbage: Vec<u8> = (0..number * 3)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                state as u8
            })
            .collect();
        let mut client = if number % 2 == 0 {
            Client::open(scene.port).await?
        } else {
            Client::accepted(scene.port, 4 + (number % 4 / 2) as u8, "garbage", 60).await?
        };
        // It may be disconnected before the last byte.
        let _ = client.send(&garbage).await;
    }
    scene.is_well().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_accepts_no_answer_is_disconnected() -> Result<()> {
    let scene = Scene::start().await?;
    for most in [1_u8, 3, 10, 30] {
        let mut client = Client::open(scene.port).await?;
        let fields = [&field(b"MQTT")[..], &[5, 2, 0, 60, 5, 0x27, 0, 0, 0, most], &field(b"small")].concat();
        client.send(&packet(0x10, &fields)).await?;
        let filters = vec!["#".to_owned(); 1_000];
        // The CONNACK may have been too long for it already.
        let _ = client.send(&subscribe(5, 1, &filters)).await;
        let answers = client.rest().await?;
        ensure!(answers.len() <= 40, "{most}: {} bytes", answers.len());
    }
    scene.is_well().await
}
