//! The program as a newcomer meets it: one command, a map with pilots on it, one key to end it.

use std::collections::HashSet;
use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use fanet::packet::{AircraftType, GroundTracking, GroundType, Tracking};
use fanet::{Address, Frame, Header, Packet, Position, Wrapped};
use harness::{OtlpReceiver, Pace, Program, ProgramOptions, free_port, wait_until};
use rumqttc::{AsyncClient, MqttOptions, QoS};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

pub(crate) const SOON: Duration = Duration::from_secs(90);
/// The time between two frames of a pilot.
const STEP: Duration = Duration::from_millis(1_100);

async fn start(mqtt_port: u16, arguments: &[&str]) -> Result<Program> {
    let listen = format!("127.0.0.1:{mqtt_port}");
    let arguments = ["--mqtt-listen", &listen].into_iter().chain(arguments.iter().copied());
    Program::start(ProgramOptions::new("updraft").args(arguments)).await
}

/// One list of the snapshot of the world.
async fn shown(program: &Program, list: &str) -> Result<Vec<Value>> {
    let (status, body) = program.http(&format!("/api/v1/{list}?bounds=-90,-180,90,180")).await?;
    ensure!(status == 200, "{list}: {status} {body}");
    let body: Value = serde_json::from_str(&body)?;
    Ok(body[list].as_array().context("no list")?.clone())
}

pub(crate) async fn until_shown(program: &Program, list: &'static str, least: usize) -> Result<Vec<Value>> {
    let what = format!("{least} {list} on the map");
    wait_until(SOON, &what, async || shown(program, list).await.ok().filter(|found| found.len() >= least)).await
}

#[tokio::test]
async fn simulated_objects_are_on_the_map_within_seconds() -> Result<()> {
    let program = start(free_port(), &[]).await?;
    let pilots = until_shown(&program, "pilots", 15).await?;
    until_shown(&program, "ground", 3).await?;
    until_shown(&program, "stations", 5).await?;
    until_shown(&program, "receivers", 8).await?;
    let log = program.service().log_tail(1_000);
    for line in ["map:    http://localhost:", "MQTT:   mqtt://localhost:", "pilots: 40 simulated"] {
        ensure!(log.contains(line), "{line:?} is missing in:\n{log}");
    }
    let devices: HashSet<&str> = pilots.iter().filter_map(|pilot| pilot["device"].as_str()).collect();
    ensure!(devices.len() == pilots.len(), "devices are doubled: {pilots:?}");
    let code = program.service().stop().await?;
    ensure!(code == 0, "ended with {code}:\n{}", program.service().log_tail(30));
    Ok(())
}

/// How many positions the track of a device has.
async fn recorded(program: &Program, device: &str) -> Option<u64> {
    let (status, body) = program.http(&format!("/api/v1/track/{device}?hours=1")).await.ok()?;
    let body: Value = serde_json::from_str(&body).ok()?;
    (status == 200).then_some(())?;
    body["recorded"].as_str()?.parse().ok()
}

#[tokio::test]
async fn recorded_tracks_in_a_folder_outlive_the_program() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let folder = dir.path().join("data").display().to_string();
    let program = start(free_port(), &["--pilots", "5", "--data-dir", &folder]).await?;
    let pilots = until_shown(&program, "pilots", 1).await?;
    let device = pilots[0]["device"].as_str().context("no address")?.to_owned();
    let enough = async || recorded(&program, &device).await.filter(|count| *count >= 2);
    let before = wait_until(SOON, "a track", enough).await?;
    let code = program.service().stop().await?;
    ensure!(code == 0, "ended with {code}:\n{}", program.service().log_tail(30));
    drop(program);

    let program = start(free_port(), &["--pilots", "5", "--data-dir", &folder]).await?;
    let again = async || recorded(&program, &device).await.filter(|count| *count >= before);
    wait_until(SOON, "the track of before", again).await?;
    Ok(())
}

#[tokio::test]
async fn scores_are_kept_without_redis() -> Result<()> {
    let listen = format!("127.0.0.1:{}", free_port());
    let options = ProgramOptions::new("updraft").args(["--mqtt-listen", &listen, "--pilots", "5"]);
    let program = Program::start(options.env("UPDRAFT_PUSHER_OPEN_OPERATOR", "true")).await?;
    let pilots = until_shown(&program, "pilots", 1).await?;
    let device = pilots[0]["device"].as_str().context("no address")?;
    let known = async || {
        let (status, body) = program.http(&format!("/api/v1/validation/{device}")).await.ok()?;
        let known: Value = (status == 200).then(|| serde_json::from_str(&body).ok())??;
        // The state of a pilot who has just become trusted can be slightly ahead of the score.
        (known["published"] == true).then_some(known)
    };
    let known = wait_until(SOON, "the score of a pilot who is shown", known).await?;
    ensure!(known["device"] == device, "{known}");
    ensure!(known["score"].as_u64().is_some_and(|score| (1..=100).contains(&score)), "{known}");
    let (status, body) = program.http("/api/v1/validation/123456").await?;
    ensure!(status == 404 && body.contains("unknown_device"), "{status} {body}");
    Ok(())
}

#[tokio::test]
async fn frames_of_receivers_arrive_but_no_hidden_ones() -> Result<()> {
    let mqtt_port = free_port();
    let program = start(mqtt_port, &["--live"]).await?;
    let (client, mut events) = AsyncClient::new(MqttOptions::new("receiver", "127.0.0.1", mqtt_port), 16);
    let connection = async {
        while events.poll().await.is_ok() {}
        anyhow::bail!("the connection has ended")
    };
    let publishing = async {
        let mut pace = Pace::every(STEP);
        for step in 0..60_u32 {
            pace.next().await;
            let frames = [tracking(0x11_0001, step, true), tracking(0x11_0002, step, false), walking(0x11_0003, step)];
            for frame in frames {
                let payload =
                    Wrapped { timestamp_s: 1_780_308_000 + step, rssi_dbm: -90, snr_db: 5, frame: &frame }.encode();
                client.publish("fb/b/2900000001/f", QoS::AtLeastOnce, false, payload).await?;
            }
            let pilots = shown(&program, "pilots").await.unwrap_or_default();
            let ground = shown(&program, "ground").await.unwrap_or_default();
            if !pilots.is_empty() && !ground.is_empty() {
                return Ok((pilots, ground));
            }
        }
        anyhow::bail!("nothing shown:\n{}", program.service().log_tail(30))
    };
    let (pilots, ground) = tokio::select! {
        shown = publishing => shown?,
        ended = connection => ended?,
    };
    assert_eq!((pilots.len(), ground.len()), (1, 1), "{pilots:?} {ground:?}");
    assert_eq!((pilots[0]["device"].as_str(), ground[0]["device"].as_str()), (Some("110001"), Some("110003")));
    Ok(())
}

/// A pilot whose frames reach a program, one a second.
struct Pilot {
    client: AsyncClient,
    step: u32,
}

impl Pilot {
    const DEVICE: &str = "07A014";

    fn new(mqtt_port: u16, step: u32) -> Self {
        let (client, mut events) = AsyncClient::new(MqttOptions::new("receiver", "127.0.0.1", mqtt_port), 16);
        tokio::spawn(async move { while events.poll().await.is_ok() {} });
        Self { client, step }
    }

    /// Flies on until it is so.
    async fn fly_until(&mut self, shown: bool, what: &str, is_so: impl AsyncFn() -> Option<bool>) -> Result<()> {
        let mut pace = Pace::every(STEP);
        for _ in 0..60 {
            pace.next().await;
            self.step += 1;
            let frame = tracking(0x07_A014, self.step, shown);
            let payload =
                Wrapped { timestamp_s: 1_780_308_000 + self.step, rssi_dbm: -90, snr_db: 5, frame: &frame }.encode();
            self.client.publish("fb/b/2900000001/f", QoS::AtLeastOnce, false, payload).await?;
            if is_so().await == Some(true) {
                return Ok(());
            }
        }
        anyhow::bail!("not {what} after a minute of flight")
    }
}

/// Longitudes of all public positions of the pilot, from each endpoint of the past.
async fn past_of(program: &Program) -> Option<Vec<i64>> {
    let degrees = |longitude: f64| ((longitude - 8.0) * 1e4).round() as i64;
    let mut seen = Vec::new();
    let (status, track) = program.http(&format!("/api/v1/track/{}?hours=1", Pilot::DEVICE)).await.ok()?;
    (status == 200 || status == 404).then_some(())?;
    let track: Value = serde_json::from_str(&track).ok()?;
    let points = |segment: &Value| segment["points"].as_array().cloned().unwrap_or_default();
    let points = track["segments"].as_array().into_iter().flatten().flat_map(points);
    seen.extend(points.filter_map(|point| point["longitude_deg"].as_f64()).map(degrees));
    for kind in ["positions", "receptions"] {
        let (status, table) = program.http(&format!("/api/v1/export?kind={kind}&hours=1")).await.ok()?;
        (status == 200).then_some(())?;
        let column = table.lines().next()?.split(',').position(|name| name == "longitude_deg")?;
        let cells =
            table.lines().skip(1).filter_map(|line| line.split(',').nth(column)?.trim_matches('"').parse().ok());
        seen.extend(cells.map(degrees));
    }
    Some(seen)
}

/// Withdrawn consent holds right after, when the aircraft has expired, and after restarts; consent given again shows what is
/// flown from then on.
#[tokio::test]
async fn withdrawn_consent_outlives_aircraft_and_program() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let folder = dir.path().join("data").display().to_string();
    let start = async |port: u16| {
        let listen = format!("127.0.0.1:{port}");
        let options = ProgramOptions::new("updraft")
            .args(["--mqtt-listen", &listen, "--live", "--data-dir", &folder])
            .env("UPDRAFT_PROCESSOR_AIRCRAFT_LIFETIME", "8s");
        Program::start(options).await
    };
    let is_live = async |program: &Program| Some(!shown(program, "pilots").await.ok()?.is_empty());
    let nothing = async |program: &Program| Some(past_of(program).await?.is_empty());

    let mqtt_port = free_port();
    let program = start(mqtt_port).await?;
    let mut pilot = Pilot::new(mqtt_port, 0);
    let is_recorded = async || Some(past_of(&program).await?.len() >= 12);
    pilot.fly_until(true, "recorded", is_recorded).await?;
    let withdrawn_at = i64::from(pilot.step);
    pilot.fly_until(false, "hidden", async || Some(nothing(&program).await? && !is_live(&program).await?)).await?;
    // Silent until the aircraft has expired: the private view is empty then.
    let expired = async || {
        let hidden = program.metric("fanet_pusher_hidden_devices", &[]).await.ok()?;
        (hidden == 0.0).then_some(())
    };
    wait_until(SOON, "the aircraft expired", expired).await?;
    assert_eq!(nothing(&program).await, Some(true), "after the aircraft has expired");
    let code = program.service().stop().await?;
    ensure!(code == 0, "ended with {code}:\n{}", program.service().log_tail(30));
    drop(program);

    let mqtt_port = free_port();
    let program = start(mqtt_port).await?;
    assert_eq!(nothing(&program).await, Some(true), "after a restart");
    let mut pilot = Pilot::new(mqtt_port, pilot.step);
    let hidden_until = i64::from(pilot.step);
    ensure!(hidden_until >= withdrawn_at);
    pilot.fly_until(true, "shown again", async || Some(past_of(&program).await?.len() >= 12)).await?;
    let again = past_of(&program).await.context("the past")?;
    let before: Vec<_> = again.iter().filter(|step| **step <= hidden_until).collect();
    assert!(before.is_empty(), "what was hidden is shown: {before:?} up to {hidden_until}");
    Ok(())
}

/// Keys of the file that [`write_keys`] writes.
const PILOT_KEY: (&str, &str) = ("00000000000000a1", "a1");
const OPERATOR_KEY: (&str, &str) = ("00000000000000b2", "b2");

/// A file of API keys: of a pilot with one device, and of an operator. The hashes are `sha256sum` of the keys.
fn write_keys(path: &Path) -> Result<()> {
    let text = format!(
        "[[key]]\nid = \"{}\"\nsha256 = \"71d4f9289d1d33b670edef7d58f56e0888a3134147eff3436833c6a4d7d5f63c\"\n\
         scopes = [\"pilot\"]\ndevices = [\"{}\"]\n\
         [[key]]\nid = \"{}\"\nsha256 = \"735bbe21f2240b334ee0098bd0692d8b7fcfc6f7c2dd9c094eff145cef875c70\"\n\
         scopes = [\"operator\"]\n",
        PILOT_KEY.0,
        Pilot::DEVICE,
        OPERATOR_KEY.0,
    );
    std::fs::write(path, text)?;
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(())
}

/// Status and body of a request with a key.
async fn ask(program: &Program, (id, byte): (&str, &str), method: &str, path: &str) -> Result<(u16, String)> {
    let mut stream = tokio::net::TcpStream::connect(program.http_address()).await?;
    let key = format!("updraft_{id}_{}", byte.repeat(32));
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let (head, body) = answer.split_once("\r\n\r\n").context("an answer")?;
    let status = head.split(' ').nth(1).context("a status")?.parse()?;
    Ok((status, body.to_owned()))
}

/// Hide, show and erase by REST work as with services, and outlive the program.
#[tokio::test]
async fn pilots_hide_show_and_erase_their_device() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let (folder, keys) = (dir.path().join("data").display().to_string(), dir.path().join("keys.toml"));
    write_keys(&keys)?;
    let start = async |port: u16| {
        let listen = format!("127.0.0.1:{port}");
        let options = ProgramOptions::new("updraft")
            .args(["--mqtt-listen", &listen, "--live", "--data-dir", &folder])
            .env("UPDRAFT_PUSHER_API_KEYS", keys.display());
        Program::start(options).await
    };
    let device = format!("/api/v1/devices/{}", Pilot::DEVICE);
    let is_live = async |program: &Program| Some(!shown(program, "pilots").await.ok()?.is_empty());
    let nothing = async |program: &Program| Some(past_of(program).await?.is_empty());
    let rows = async |program: &Program| -> Option<usize> {
        let (status, body) = ask(program, PILOT_KEY, "GET", &format!("{device}/data")).await.ok()?;
        (status == 200).then(|| body.matches("\"table\":\"positions\"").count())
    };

    let mqtt_port = free_port();
    let program = start(mqtt_port).await?;
    let mut pilot = Pilot::new(mqtt_port, 0);
    let is_recorded = async || Some(rows(&program).await? >= 6 && !nothing(&program).await?);
    pilot.fly_until(true, "recorded", is_recorded).await?;
    let (status, body) = ask(&program, PILOT_KEY, "POST", &format!("{device}/hide")).await?;
    ensure!(status == 202, "{status} {body}");
    pilot.fly_until(true, "hidden", async || Some(nothing(&program).await? && !is_live(&program).await?)).await?;
    ensure!(rows(&program).await.is_some_and(|rows| rows >= 6), "its owner still has all of it");
    let (status, body) = ask(&program, PILOT_KEY, "POST", &format!("{device}/show")).await?;
    ensure!(status == 202, "{status} {body}");
    pilot.fly_until(true, "shown again", async || Some(!nothing(&program).await? && is_live(&program).await?)).await?;
    let (status, body) = ask(&program, PILOT_KEY, "DELETE", &format!("{device}/history")).await?;
    ensure!(status == 202 && body.contains("\"place\":\"fanet.raw.v1\""), "{status} {body}");
    let is_erased = async || (nothing(&program).await? && rows(&program).await? == 0).then_some(());
    wait_until(SOON, "no row is left", is_erased).await?;
    let (status, audit) = ask(&program, OPERATOR_KEY, "GET", "/api/v1/audit?limit=1000").await?;
    ensure!(status == 200, "{status} {audit}");
    for action in ["device.hide", "device.show", "device.erase", "device.export"] {
        ensure!(audit.contains(&format!("\"action\":\"{action}\"")), "{action}: {audit}");
    }
    let code = program.service().stop().await?;
    ensure!(code == 0, "ended with {code}:\n{}", program.service().log_tail(30));
    drop(program);

    let program = start(free_port()).await?;
    assert_eq!(nothing(&program).await, Some(true), "after a restart");
    assert_eq!(rows(&program).await, Some(0), "after a restart");
    Ok(())
}

/// What a device sends before it has a fix, and a garbled position; then it flies.
#[tokio::test]
async fn a_track_begins_where_the_flight_does() -> Result<()> {
    let mqtt_port = free_port();
    let program = start(mqtt_port, &["--live"]).await?;
    let (client, mut events) = AsyncClient::new(MqttOptions::new("receiver", "127.0.0.1", mqtt_port), 16);
    let connection = async {
        while events.poll().await.is_ok() {}
        anyhow::bail!("the connection has ended")
    };
    let device = "07A013";
    let publishing = async {
        let no_fix = hex_bytes("010713a00000000000000090500040");
        let garbled = hex_bytes("010713a002855558 5e5595dc95500000");
        let mut pace = Pace::every(STEP);
        for step in 0..60_u32 {
            pace.next().await;
            let frame = match step {
                0 => no_fix.clone(),
                1 => garbled.clone(),
                _ => tracking(0x07_A013, step, true),
            };
            let payload =
                Wrapped { timestamp_s: 1_780_308_000 + step, rssi_dbm: -90, snr_db: 5, frame: &frame }.encode();
            client.publish("fb/b/2900000001/f", QoS::AtLeastOnce, false, payload).await?;
            for pilot in shown(&program, "pilots").await.unwrap_or_default() {
                let latitude = pilot["position"]["latitude_deg"].as_f64().unwrap_or_default();
                ensure!((latitude - 46.5).abs() < 0.01, "a phantom is shown: {pilot}");
            }
            let (status, track) = program.http(&format!("/api/v1/track/{device}?hours=1")).await?;
            let track: Value = serde_json::from_str(&track).unwrap_or_default();
            let points = |segment: &Value| segment["points"].as_array().cloned().unwrap_or_default();
            let points: Vec<Value> = track["segments"].as_array().into_iter().flatten().flat_map(points).collect();
            if status == 200 && points.len() >= 4 {
                return Ok(points);
            }
        }
        anyhow::bail!("no track:\n{}", program.service().log_tail(30))
    };
    let points = tokio::select! {
        points = publishing => points?,
        ended = connection => ended?,
    };
    for (point, step) in points.iter().zip(2..) {
        let position = (point["latitude_deg"].as_f64(), point["longitude_deg"].as_f64());
        let (latitude, longitude) = (position.0.context("a latitude")?, position.1.context("a longitude")?);
        // The first position of the flight, which was not believed at once, is the first of the track.
        assert!((latitude - 46.5).abs() < 1e-4, "{point}");
        assert!((longitude - 8.0 - f64::from(step) * 1e-4).abs() < 5e-5, "{step}: {point}");
    }
    Ok(())
}

fn hex_bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u32> = hex.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect()
}

#[tokio::test]
async fn recorded_flights_fly_under_their_numbers() -> Result<()> {
    let folder = tempfile::tempdir()?;
    for number in 1..=3 {
        std::fs::write(folder.path().join(format!("{number}.igc")), recording(number))?;
    }
    let program = start(free_port(), &["--igc", utf8(folder.path())?]).await?;
    let named = async || {
        let pilots = shown(&program, "pilots").await.ok()?;
        let names: HashSet<String> =
            pilots.iter().filter_map(|pilot| Some(pilot["name"].as_str()?.to_owned())).collect();
        (names.len() == 3).then_some(names)
    };
    let names = wait_until(SOON, "three names on the map", named).await?;
    assert_eq!(names, ["Pilot 01", "Pilot 02", "Pilot 03"].map(str::to_owned).into());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn traces_go_through_all_parts_of_one_process() -> Result<()> {
    let otlp = OtlpReceiver::start().await?;
    let traced = ["--pilots", "2", "--trace-ratio", "1", "--otlp-endpoint", otlp.endpoint()];
    let program = start(free_port(), &traced).await?;
    until_shown(&program, "pilots", 1).await?;
    // From the view back to the radio, each span under its parent.
    let way = [("fold", "pusher"), ("publish", "processor"), ("process", "processor"), ("log", "bridge")];
    let way = way.into_iter().chain([("receive", "bridge")]);
    let complete = async || {
        let spans = otlp.spans().ok()?;
        let of = |id: Option<String>| spans.iter().find(|span| Some(span.span_id()) == id);
        let mut folds = spans.iter().filter(|span| span.span.name == "fold");
        folds
            .any(|fold| {
                let mut next = Some(fold);
                way.clone().all(|expected| {
                    let Some(span) = next else { return false };
                    next = of(span.parent_id());
                    span.service == "updraft" && (span.span.name.as_str(), span.scope.as_str()) == expected
                })
            })
            .then_some(())
    };
    wait_until(SOON, "a trace from the radio to the view", complete).await?;
    let code = program.service().stop().await?;
    ensure!(code == 0, "ended with {code}:\n{}", program.service().log_tail(30));
    Ok(())
}

#[tokio::test]
async fn a_port_that_is_taken_is_named_with_its_setting() -> Result<()> {
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let address = taken.local_addr()?.to_string();
    let free = format!("127.0.0.1:{}", free_port());
    for (arguments, setting) in [
        (["--mqtt-listen", &address, "--http-listen", &free], "--mqtt-listen"),
        (["--mqtt-listen", &free, "--http-listen", &address], "--http-listen"),
    ] {
        let error =
            ProgramOptions::new("updraft").args(arguments).env("UPDRAFT_ADMIN_LISTEN", "127.0.0.1:0").run().await;
        let error_text = format!("{:#}", error.err().context("it started all the same")?);
        assert!(error_text.contains(setting) && error_text.contains(&address), "{error_text}");
    }
    Ok(())
}

#[tokio::test]
async fn bad_settings_are_reported_in_one_line() -> Result<()> {
    for (arguments, named) in [
        (&["--pilots", "many"][..], "--pilots"),
        (&["--live", "--igc", "x"], "--igc"),
        (&["--igc", "/nowhere/at/all"], "--igc"),
        (&["--pilots", "900000"], "--pilots"),
    ] {
        let ports = ["--mqtt-listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
        let options = ProgramOptions::new("updraft").args(arguments.iter().chain(&ports).copied());
        let error_text = format!("{:#}", options.run().await.err().context("it started all the same")?);
        assert!(error_text.contains(named), "{arguments:?}: {error_text}");
    }
    Ok(())
}

fn encoded(device: u32, packet: Packet<'_>) -> Vec<u8> {
    let source = Address::from_u32(device).expect("24 bits");
    Frame::new(Header::broadcast(source), packet).encode().expect("it can be sent")
}

pub(crate) fn tracking(device: u32, step: u32, online_tracking: bool) -> Vec<u8> {
    let tracking = Tracking {
        position: Position::new(46.5, 8.0 + f64::from(step) * 1e-4),
        online_tracking,
        aircraft_type: AircraftType::Paraglider,
        altitude_m: 1_800 + step as i32,
        speed_kmh: 30.0,
        climb_mps: 1.0,
        heading_deg: 90.0,
        turn_rate_dps: None,
        qne_offset_m: None,
    };
    encoded(device, Packet::Tracking(tracking))
}

fn walking(device: u32, step: u32) -> Vec<u8> {
    let position = Position::new(46.51, 8.0 + f64::from(step) * 2e-5);
    encoded(
        device,
        Packet::GroundTracking(GroundTracking { position, ground_type: GroundType::Walking, online_tracking: true }),
    )
}

/// Ten minutes of straight flight at 36 km/h, one fix per second.
fn recording(number: u32) -> String {
    let fix = |second: u32| {
        let (minute, second_of_minute) = (second / 60, second % 60);
        // Thousandths of a minute of longitude: about 1.27 m each at this latitude.
        let east = 10_000 + second * 8;
        format!("B10{minute:02}{second_of_minute:02}46{:02}000N008{east:05}EA0150001500\n", 20 + number)
    };
    std::iter::once("HFDTE010625\n".to_owned()).chain((0..600).map(fix)).collect()
}

fn utf8(path: &Path) -> Result<&str> {
    path.to_str().context("a path of UTF-8")
}

/// A capture is played at the time when it was recorded.
#[tokio::test]
async fn a_capture_flies_on_the_map_in_its_own_time() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let (lines, capture) = (dir.path().join("sky.jsonl"), dir.path().join("sky.capture"));
    let replay = |arguments: &[&str]| {
        let output = std::process::Command::new(harness::beside_the_test("replay")?).args(arguments).output()?;
        ensure!(output.status.success(), "replay {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        anyhow::Ok(())
    };
    let (lines, capture) = (lines.display().to_string(), capture.display().to_string());
    let start = "2026-07-14T13:00:00Z";
    replay(&["generate", "--for", "5m", "--pilots", "20", "--start", start, "--out", &lines])?;
    replay(&["capture", &lines, "--out", &capture])?;
    let program = start_with_capture(&capture).await?;
    let pilots = until_shown(&program, "pilots", 1).await?;
    ensure!(!pilots.is_empty(), "no pilot flies");
    let (_, body) = program.http("/api/v1/pilots?lat=46&lon=11.8&radius=200").await?;
    ensure!(body.contains("2026-07-14T13:"), "the time of the recording: {body}");
    Ok(())
}

async fn start_with_capture(capture: &str) -> Result<Program> {
    let listen = format!("127.0.0.1:{}", free_port());
    let options =
        ProgramOptions::new("updraft").args(["--mqtt-listen", &listen, "--capture", capture, "--speed", "10"]);
    Program::start(options).await
}
