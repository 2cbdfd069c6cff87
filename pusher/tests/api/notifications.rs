//! Webhooks end to end: alerts and zone events to receivers that verify, fail, are slow and redirect.

mod receiver;

use std::sync::Arc;
use std::time::Duration;

use crate::stage::Stage;
use access::api_keys::NewKey;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use notify::signature::verify;
use notify::web_push::{decrypt, new_key};
use receiver::{Receiver, Reply};
use reqwest::Response;
use runtime::Clock;
use schemas::catalogue::{self, topic};
use schemas::v1::{
    Account, AlertKind, AlertState, AlertStatus, AuditRecord, Company, Group, PrivacyState, PrivateState, ZoneEvent,
    ZoneEventKind, account, private_state,
};
use schemas::{DeviceAddress, RecordId, keys};
use serde_json::{Value, json};
use streams::registry::Schemas;
use streams::{EmbeddedLog, EmbeddedSettings, Event, Log as _, SeekTo, TopicPartition};
use tempfile::TempDir;

const NOW_US: u64 = 1_780_000_000_000_000;
const DEVICE: u32 = 0x11_0B90;
const OTHER: u32 = 0x11_0B91;
const SOON: Duration = Duration::from_secs(20);

/// The files that a server needs, with one key per role.
struct Files {
    dir: TempDir,
    keys: Vec<(&'static str, String)>,
}

impl Files {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let (mut keys, mut entries) = (Vec::new(), String::new());
        for (index, role) in ["viewer", "pilot", "rescue"].into_iter().enumerate() {
            let new = NewKey {
                scopes: vec![role.to_owned()],
                name: None,
                devices: vec![DeviceAddress(DEVICE)],
                public: false,
                kind: None,
                once: false,
                expires_at_s: None,
                ..NewKey::default()
            };
            let (key, entry) = new.make([index as u8; 8], [7; 32]).expect("a key");
            keys.push((role, key));
            entries.push_str(&entry);
        }
        let files = Self { dir, keys };
        files.write("api-keys.toml", &entries);
        files.write("notify-keys", &"ab".repeat(32));
        files
    }

    fn write(&self, name: &str, text: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.dir.path().join(name);
        std::fs::write(&path, text).expect("written");
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).expect("set");
    }

    fn key(&self, role: &str) -> &str {
        &self.keys.iter().find(|(known, _)| *known == role).expect("a role").1
    }

    async fn stage(&self, clock: &Clock, log: Arc<EmbeddedLog>, more: &[&str]) -> Stage {
        let path = |name: &str| self.dir.path().join(name).display().to_string();
        let (api_keys, notify_keys) = (path("api-keys.toml"), path("notify-keys"));
        let mut arguments = vec!["--api-keys", &api_keys, "--notify-keys", &notify_keys, "--heartbeat", "1h"];
        arguments.extend(more);
        let stage = Stage::start_with(log, &arguments, None, clock.clone()).await;
        until(clock, "ready", async || stage.get("/ready").await.status().is_success()).await;
        stage
    }
}

/// Receivers on this machine are allowed.
const LOCAL: &[&str] = &["--notify-allow-http", "--notify-networks", "127.0.0.0/8,::1/128"];

async fn log() -> Arc<EmbeddedLog> {
    let log = Arc::new(EmbeddedLog::new(EmbeddedSettings::new(NOW_US / 1_000)));
    crate::stage::create_topics(&log).await;
    log
}

/// Moves the clock until it is so.
async fn until(clock: &Clock, what: &str, is_so: impl AsyncFn() -> bool) {
    let moved = async || {
        let reached = is_so().await;
        clock.advance(Duration::from_millis(if reached { 0 } else { 250 }));
        reached.then_some(())
    };
    harness::wait_until(SOON, what, moved).await.expect("reached");
}

async fn request(stage: &Stage, method: &str, path: &str, key: Option<&str>, body: &Value) -> Response {
    let request =
        reqwest::Client::new().request(method.parse().expect("a method"), format!("http://{}{path}", stage.address));
    let request = key.into_iter().fold(request, |request, key| request.bearer_auth(key));
    request.header("content-type", "application/json").body(body.to_string()).send().await.expect("answers")
}

async fn json_of(response: Response) -> Value {
    serde_json::from_str(&response.text().await.expect("a body")).expect("JSON")
}

/// Makes a webhook; its id and its secret.
async fn create(stage: &Stage, key: &str, url: &str, events: Value) -> (String, String) {
    let mut body = events;
    body["url"] = url.into();
    let response = request(stage, "POST", "/api/v1/webhooks", Some(key), &body).await;
    let status = response.status();
    let created = json_of(response).await;
    assert_eq!(status, 201, "{created}");
    let text = |name: &str| created[name].as_str().expect("text").to_owned();
    (text("webhook_id"), text("secret"))
}

fn alert(number: u64, device: u32, status: AlertStatus, clock: &Clock) -> AlertState {
    let now_us = clock.now_us();
    AlertState {
        alert_id: RecordId::new(3, number).0,
        device,
        version: number,
        alert_kind: AlertKind::NeedMedicalHelp.into(),
        status: status.into(),
        opened_at_us: now_us,
        refreshed_at_us: now_us,
        acknowledged_at_us: (status == AlertStatus::Acknowledged).then_some(now_us),
        position: Some(schemas::v1::Position { latitude_deg: 46.5, longitude_deg: 7.5, altitude_m: Some(1_500.0) }),
        ..AlertState::default()
    }
}

async fn publish_alert(stage: &Stage, alert: &AlertState) {
    stage.publish_value(topic::ALERT, &DeviceAddress(alert.device).to_string(), alert).await;
}

async fn audit(stage: &Stage) -> Vec<AuditRecord> {
    let entry = catalogue::find(topic::AUDIT).expect("in the catalogue");
    let codec = Schemas::local().prepare("", &entry).await.expect("a codec");
    let all = (0..entry.partitions).map(|partition| (TopicPartition::new(topic::AUDIT, partition), SeekTo::Beginning));
    let mut source = stage.log.read(all.collect()).await.expect("a reader");
    let (mut records, mut open) = (Vec::new(), entry.partitions);
    while open > 0 {
        match source.next().await.expect("reads") {
            Event::Records(more) => records.extend(more.into_iter().filter_map(|record| record.value)),
            Event::CaughtUp(_) => open -= 1,
            _ => {}
        }
    }
    records.iter().map(|value| codec.decode(value).expect("a record")).collect()
}

async fn actions(stage: &Stage, action: &str) -> usize {
    audit(stage).await.iter().filter(|record| record.action == action).count()
}

#[tokio::test]
async fn each_step_of_an_alert_is_signed_and_sent_once() {
    let (files, clock, receiver) = (Files::new(), Clock::manual(NOW_US), Receiver::open().await);
    // The test's clock runs ahead of a busy machine: with a shorter time the first request could be given up and sent again.
    let more = [LOCAL, &["--notify-timeout", "60s"]].concat();
    let stage = files.stage(&clock, log().await, &more).await;
    let before = alert(1, DEVICE, AlertStatus::Open, &clock);
    clock.advance(Duration::from_secs(1));
    let events = json!({ "alerts": "all", "language": "de" });
    let (id, secret) = create(&stage, files.key("viewer"), &receiver.url("/hook?a=b"), events).await;
    // What happened before is not sent.
    publish_alert(&stage, &before).await;
    let opened = alert(2, DEVICE, AlertStatus::Open, &clock);
    publish_alert(&stage, &opened).await;
    publish_alert(&stage, &AlertState { refreshed_at_us: clock.now_us() + 1, ..opened.clone() }).await;
    let acknowledged = AlertState { alert_id: opened.alert_id, ..alert(3, DEVICE, AlertStatus::Acknowledged, &clock) };
    publish_alert(&stage, &acknowledged).await;
    until(&clock, "two calls", async || receiver.calls().len() == 2).await;
    until(&clock, "two audit records", async || actions(&stage, "notification.deliver").await == 2).await;
    let mut calls = receiver.calls();
    // One that a busy machine's connection did not reach in time comes after the next one.
    calls.sort_by_key(|call| call.json()["type"] != "alert.opened");
    let kinds: Vec<_> = calls.iter().map(|call| call.json()["type"].as_str().expect("text").to_owned()).collect();
    assert_eq!(kinds, ["alert.opened", "alert.acknowledged"]);
    for call in &calls {
        assert_eq!((call.path.as_str(), call.header("content-type")), ("/hook?a=b", "application/json"));
        let at_s = call.header("webhook-timestamp").parse().expect("a number");
        let (message, signature) = (call.header("webhook-id"), call.header("webhook-signature"));
        assert!(message.starts_with(&format!("{id}:3-2:")), "{message}");
        assert!(verify(&secret, message, at_s, &call.body, signature), "the signature verifies");
        assert!(!verify(&secret, message, at_s, b"{}", signature));
    }
    let data = &calls[0].json()["data"];
    assert_eq!((&data["device"], &data["alert"]["alert_id"]), (&"110B90".into(), &"3-2".into()));
    assert_eq!(data["title"], "Braucht medizinische Hilfe: Gerät 110B90");
    let records = audit(&stage).await;
    let delivered = records.iter().find(|record| record.action == "notification.deliver").expect("there");
    assert_eq!((delivered.subject.as_str(), delivered.credential.as_str()), (&*format!("webhook/{id}"), "service"));
    assert_eq!(delivered.details.get("device").map(String::as_str), Some("110B90"));
    let created = records.iter().find(|record| record.action == "webhook.create").expect("there");
    assert_eq!(created.details.get("host").map(String::as_str), Some("127.0.0.1"));
    assert_eq!(stage.metric("fanet_notify_messages_total"), 2.0);
    stage.close().await;
}

#[tokio::test]
async fn a_failing_receiver_is_retried_and_delays_no_other() {
    let (files, clock) = (Files::new(), Clock::manual(NOW_US));
    let (bad, good, inside) = (Receiver::open().await, Receiver::open().await, Receiver::open().await);
    let stage = files.stage(&clock, log().await, LOCAL).await;
    bad.next([Reply::Status(500), Reply::Never, Reply::Redirect(inside.url("/")), Reply::RetryAfter(60)]);
    create(&stage, files.key("pilot"), &bad.url("/"), json!({ "alerts": "all" })).await;
    create(&stage, files.key("pilot"), &good.url("/"), json!({ "alerts": "all" })).await;
    publish_alert(&stage, &alert(1, DEVICE, AlertStatus::Open, &clock)).await;
    until(&clock, "the good one", async || good.calls().len() == 1).await;
    until(&clock, "five attempts", async || bad.calls().len() == 5).await;
    until(&clock, "both outcomes", async || actions(&stage, "notification.deliver").await == 2).await;
    let calls = bad.calls();
    assert!(calls.iter().all(|call| call.header("webhook-id") == calls[0].header("webhook-id")), "one message");
    let at_s = |index: usize| calls[index].header("webhook-timestamp").parse::<u64>().expect("a number");
    assert!(at_s(1) >= at_s(0) + 2 && at_s(4) >= at_s(3) + 60, "it waits, as long as it is asked to");
    assert!(inside.calls().is_empty(), "redirects are not followed");
    let records = audit(&stage).await;
    let attempts = records.iter().filter(|record| record.action == "notification.deliver");
    let mut attempts: Vec<_> = attempts.filter_map(|record| record.details.get("attempts").cloned()).collect();
    attempts.sort();
    assert_eq!(attempts, ["1", "5"]);
    stage.close().await;
}

#[tokio::test]
async fn another_instance_continues_and_repeats_nothing() {
    let (files, clock) = (Files::new(), Clock::manual(NOW_US));
    let (bad, good) = (Receiver::open().await, Receiver::open().await);
    let stage = files.stage(&clock, log().await, LOCAL).await;
    bad.always(Reply::Status(503));
    create(&stage, files.key("pilot"), &bad.url("/"), json!({ "alerts": "all" })).await;
    create(&stage, files.key("pilot"), &good.url("/"), json!({ "alerts": "all" })).await;
    let opened = alert(1, DEVICE, AlertStatus::Open, &clock);
    publish_alert(&stage, &opened).await;
    until(&clock, "an attempt", async || !bad.calls().is_empty() && good.calls().len() == 1).await;
    until(&clock, "an outcome", async || actions(&stage, "notification.deliver").await == 1).await;
    let log = stage.log.clone();
    stage.close().await;
    let before = bad.calls().len();
    bad.always(Reply::Status(200));
    let other = files.stage(&clock, log, LOCAL).await;
    // The processor writes it again after a restart of its own.
    publish_alert(&other, &opened).await;
    publish_alert(&other, &alert(2, OTHER, AlertStatus::Open, &clock)).await;
    until(&clock, "the rest", async || bad.calls().len() == before + 2 && good.calls().len() == 2).await;
    until(&clock, "all outcomes", async || actions(&other, "notification.deliver").await == 4).await;
    let calls = bad.calls();
    assert_eq!(calls[before].header("webhook-id"), calls[0].header("webhook-id"), "the same message");
    assert_ne!(good.calls()[0].header("webhook-id"), good.calls()[1].header("webhook-id"));
    other.close().await;
}

#[tokio::test]
async fn hidden_alerts_go_only_to_targets_that_may_see_them() {
    let (files, clock) = (Files::new(), Clock::manual(NOW_US));
    let (viewer, rescue) = (Receiver::open().await, Receiver::open().await);
    let stage = files.stage(&clock, log().await, LOCAL).await;
    create(&stage, files.key("viewer"), &viewer.url("/"), json!({ "alerts": "all" })).await;
    create(&stage, files.key("rescue"), &rescue.url("/"), json!({ "alerts": "all", "hidden": true })).await;
    for role in ["viewer", "pilot"] {
        let wanted = json!({ "url": viewer.url("/"), "alerts": "all", "hidden": true });
        let refused = request(&stage, "POST", "/api/v1/webhooks", Some(files.key(role)), &wanted).await;
        assert_eq!((refused.status().as_u16(), &json_of(refused).await["code"]), (403, &"no_hidden_alerts".into()));
    }
    let hidden = alert(1, OTHER, AlertStatus::Open, &clock);
    let state = PrivateState { state: Some(private_state::State::Alert(hidden)) };
    stage.publish_value(topic::PRIVATE_STATE, &keys::private(OTHER, keys::PrivatePart::Alert), &state).await;
    until(&clock, "a call", async || rescue.calls().len() == 1).await;
    assert_eq!(rescue.calls()[0].json()["data"]["hidden"], true);
    publish_alert(&stage, &alert(2, DEVICE, AlertStatus::Open, &clock)).await;
    until(&clock, "a public one", async || viewer.calls().len() == 1 && rescue.calls().len() == 2).await;
    assert_eq!(viewer.calls()[0].json()["data"]["device"], "110B90");
    stage.close().await;
}

#[tokio::test]
async fn zone_events_go_to_those_of_their_set() {
    let (files, clock, receiver) = (Files::new(), Clock::manual(NOW_US), Receiver::open().await);
    let stage = files.stage(&clock, log().await, LOCAL).await;
    stage.publish_aircraft(&crate::stage::aircraft(DEVICE, 7, 46.5, 7.5)).await;
    let hidden = PrivacyState {
        device: OTHER,
        version: 1,
        ..schemas::privacy::PublicPast::Nothing.put(PrivacyState::default())
    };
    stage.publish_value(topic::PRIVACY, "110B91", &hidden).await;
    until(&clock, "a hidden device", async || stage.metric("fanet_pusher_hidden_pasts") == 1.0).await;
    until(&clock, "an aircraft", async || stage.metric("fanet_pusher_objects") == 1.0).await;
    create(&stage, files.key("viewer"), &receiver.url("/"), json!({ "zone_sets": ["alps"] })).await;
    let event = |device: u32, set: &str| ZoneEvent {
        event_id: format!("{device}/{set}"),
        device,
        event_at_us: clock.now_us(),
        event_kind: ZoneEventKind::Enter.into(),
        set: set.to_owned(),
        zone_name: "Bern".to_owned(),
        ..ZoneEvent::default()
    };
    for (device, set) in [(OTHER, "alps"), (DEVICE, "jura"), (DEVICE, "alps"), (DEVICE, "alps")] {
        stage.publish_value(topic::ZONE_EVENT, "x", &event(device, set)).await;
    }
    until(&clock, "an outcome", async || actions(&stage, "notification.deliver").await == 1).await;
    let calls = receiver.calls();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].json()["data"]["title"], "Ada has entered Bern");
    assert_eq!(calls[0].json()["data"]["zone_event"]["set"], "alps");
    stage.close().await;
}

#[tokio::test]
async fn the_own_network_is_not_reached() {
    let (files, clock, receiver) = (Files::new(), Clock::manual(NOW_US), Receiver::open().await);
    let stage = files.stage(&clock, log().await, &["--notify-allow-http"]).await;
    let key = files.key("pilot");
    for url in [receiver.url("/"), "http://[::1]/".to_owned(), "http://169.254.169.254/latest".to_owned()] {
        let wanted = json!({ "url": url, "alerts": "all" });
        let refused = request(&stage, "POST", "/api/v1/webhooks", Some(key), &wanted).await;
        assert_eq!((refused.status().as_u16(), &json_of(refused).await["code"]), (400, &"bad_url".into()), "{url}");
    }
    // A name is looked up when it is called.
    let url = format!("http://localhost:{}/", receiver.port());
    let (id, _) = create(&stage, key, &url, json!({ "alerts": "all" })).await;
    let tried = request(&stage, "POST", &format!("/api/v1/webhooks/{id}/test"), Some(key), &Value::Null).await;
    assert_eq!(json_of(tried).await, json!({ "delivered": false, "status": null, "reason": "address" }));
    assert!(receiver.calls().is_empty());
    stage.close().await;
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_removed() {
    let (files, clock, receiver) = (Files::new(), Clock::manual(NOW_US), Receiver::open().await);
    let stage = files.stage(&clock, log().await, LOCAL).await;
    let key = files.key("pilot");
    create(&stage, key, &receiver.url("/"), json!({ "alerts": "all" })).await;
    receiver.always(Reply::Status(410));
    publish_alert(&stage, &alert(1, DEVICE, AlertStatus::Open, &clock)).await;
    until(&clock, "its removal", async || {
        let known = json_of(request(&stage, "GET", "/api/v1/webhooks", Some(key), &Value::Null).await).await;
        known["webhooks"] == json!([])
    })
    .await;
    until(&clock, "the audit record", async || actions(&stage, "notification.fail").await == 1).await;
    let log = stage.log.clone();
    stage.close().await;
    let other = files.stage(&clock, log, LOCAL).await;
    let known = json_of(request(&other, "GET", "/api/v1/webhooks", Some(key), &Value::Null).await).await;
    assert_eq!(known["webhooks"], json!([]), "for good");
    other.close().await;
}

#[tokio::test]
async fn a_webhook_is_of_its_user() {
    let (files, clock, receiver) = (Files::new(), Clock::manual(NOW_US), Receiver::open().await);
    let more = [LOCAL, &["--notify-max-per-user", "2"]].concat();
    let stage = files.stage(&clock, log().await, &more).await;
    let (pilot, rescue) = (files.key("pilot"), files.key("rescue"));
    let events = json!({ "alerts": "devices", "devices": ["110b90"], "zones_of_devices": true, "language": "fr" });
    let (id, _) = create(&stage, pilot, &receiver.url("/"), events.clone()).await;
    let list = async |key: &str| {
        json_of(request(&stage, "GET", "/api/v1/webhooks", Some(key), &Value::Null).await).await["webhooks"].clone()
    };
    let known = list(pilot).await;
    assert_eq!((&known[0]["webhook_id"], &known[0]["secret"]), (&id.as_str().into(), &Value::Null));
    assert_eq!((&known[0]["alerts"], &known[0]["devices"][0]), (&"devices".into(), &"110B90".into()));
    assert_eq!(list(rescue).await, json!([]));
    let (path, test) = (format!("/api/v1/webhooks/{id}"), format!("/api/v1/webhooks/{id}/test"));
    for (method, path) in [("DELETE", &path), ("POST", &test)] {
        assert_eq!(request(&stage, method, path, Some(rescue), &Value::Null).await.status(), 404, "{method} {path}");
        assert_eq!(request(&stage, method, path, None, &Value::Null).await.status(), 401, "{method} {path}");
    }
    let tried = json_of(request(&stage, "POST", &test, Some(pilot), &Value::Null).await).await;
    assert_eq!(tried, json!({ "delivered": true, "status": 200, "reason": null }));
    assert_eq!(receiver.calls()[0].json()["data"]["title"], "Test");
    create(&stage, pilot, &receiver.url("/"), events.clone()).await;
    let mut third = events;
    third["url"] = receiver.url("/").into();
    let refused = request(&stage, "POST", "/api/v1/webhooks", Some(pilot), &third).await;
    assert_eq!((refused.status().as_u16(), &json_of(refused).await["code"]), (409, &"too_many_targets".into()));
    assert_eq!(request(&stage, "DELETE", &path, Some(pilot), &Value::Null).await.status(), 204);
    assert_eq!(request(&stage, "DELETE", &path, Some(pilot), &Value::Null).await.status(), 404);
    assert_eq!(list(pilot).await.as_array().map(Vec::len), Some(1));
    for (body, code) in [
        (json!({ "alerts": "all" }), "bad_body"),
        (json!({ "url": receiver.url("/") }), "bad_events"),
        (json!({ "url": receiver.url("/"), "alerts": "devices" }), "bad_events"),
        (json!({ "url": receiver.url("/"), "alerts": "devices", "devices": ["x"] }), "bad_address"),
        (json!({ "url": receiver.url("/"), "zone_sets": ["Alps"] }), "bad_events"),
        (json!({ "url": receiver.url("/"), "alerts": "all", "language": "es" }), "bad_parameter"),
    ] {
        let refused = request(&stage, "POST", "/api/v1/webhooks", Some(pilot), &body).await;
        assert_eq!((refused.status().as_u16(), &json_of(refused).await["code"]), (400, &code.into()), "{body}");
    }
    stage.close().await;
}

#[tokio::test]
async fn a_browser_decrypts_what_it_gets() {
    let (files, clock, service) = (Files::new(), Clock::manual(NOW_US), Receiver::open().await);
    let more = [LOCAL, &["--notify-contact", "mailto:ops@example.org"]].concat();
    let stage = files.stage(&clock, log().await, &more).await;
    let key = files.key("viewer");
    let public = json_of(request(&stage, "GET", "/api/v1/push-key", Some(key), &Value::Null).await).await;
    let public = public["key"].as_str().expect("text").to_owned();
    let browser = new_key().expect("random");
    let keys = json!({
        "p256dh": URL_SAFE_NO_PAD.encode(browser.compute_public_key().expect("a key")),
        "auth": URL_SAFE_NO_PAD.encode([5; 16]),
    });
    let wanted = json!({
        "subscription": { "endpoint": service.url("/push/1"), "expirationTime": null, "keys": keys },
        "alerts": "devices", "devices": ["110B90"], "language": "it",
    });
    // The same browser replaces its subscription.
    for _ in 0..2 {
        let created = request(&stage, "POST", "/api/v1/push-subscriptions", Some(key), &wanted).await;
        assert_eq!(created.status(), 201, "{}", created.text().await.expect("a body"));
    }
    publish_alert(&stage, &alert(1, OTHER, AlertStatus::Open, &clock)).await;
    publish_alert(&stage, &alert(2, DEVICE, AlertStatus::Open, &clock)).await;
    until(&clock, "a message", async || service.calls().len() == 1).await;
    let call = &service.calls()[0];
    assert_eq!((call.path.as_str(), call.header("content-encoding")), ("/push/1", "aes128gcm"));
    assert_eq!((call.header("ttl"), call.header("urgency")), ("14400", "high"));
    let authorization = call.header("authorization");
    assert!(
        authorization.starts_with("vapid t=") && authorization.ends_with(&format!("k={public}")),
        "{authorization}"
    );
    let message: Value =
        serde_json::from_slice(&decrypt(&browser, &[5; 16], &call.body).expect("decrypted")).expect("JSON");
    assert_eq!(message["data"]["title"], "Serve aiuto medico: dispositivo 110B90");
    // It has unsubscribed at its push service.
    service.always(Reply::Status(404));
    publish_alert(&stage, &alert(3, DEVICE, AlertStatus::Open, &clock)).await;
    until(&clock, "its removal", async || {
        let known = json_of(request(&stage, "GET", "/api/v1/push-subscriptions", Some(key), &Value::Null).await).await;
        known["push_subscriptions"] == json!([])
    })
    .await;
    for (change, code) in [
        (json!({ "endpoint": "ftp://127.0.0.1/", "keys": keys }), "bad_url"),
        (json!({ "endpoint": service.url("/"), "keys": { "p256dh": "AAAA", "auth": "AAAA" } }), "bad_keys"),
        (json!({ "endpoint": service.url("/") }), "bad_body"),
    ] {
        let body = json!({ "subscription": change, "alerts": "all" });
        let refused = request(&stage, "POST", "/api/v1/push-subscriptions", Some(key), &body).await;
        assert_eq!((refused.status().as_u16(), &json_of(refused).await["code"]), (400, &code.into()), "{body}");
    }
    stage.close().await;
}

#[tokio::test]
async fn a_server_without_keys_sends_nothing() {
    let (files, clock) = (Files::new(), Clock::manual(NOW_US));
    let api_keys = files.dir.path().join("api-keys.toml").display().to_string();
    let stage = Stage::start_with(log().await, &["--api-keys", &api_keys], None, clock.clone()).await;
    until(&clock, "ready", async || stage.get("/ready").await.status().is_success()).await;
    for path in ["/api/v1/webhooks", "/api/v1/push-key", "/api/v1/push-subscriptions"] {
        let refused = request(&stage, "GET", path, Some(files.key("pilot")), &Value::Null).await;
        assert_eq!((refused.status().as_u16(), &json_of(refused).await["code"]), (409, &"notifications_off".into()));
    }
    stage.close().await;
}

#[tokio::test]
async fn members_get_alerts_of_a_fleet_until_they_leave() {
    let (files, clock, receiver) = (Files::new(), Clock::manual(NOW_US), Receiver::open().await);
    let stage = files.stage(&clock, log().await, &[LOCAL, &["--notify-timeout", "60s"]].concat()).await;
    let write = async |key: &str, entity: account::Entity| {
        let record = Account { changed_at_us: clock.now_us(), entity: Some(entity) };
        stage.publish_value(topic::ACCOUNT, key, &record).await;
    };
    let company = Company { company_id: "club".to_owned(), devices: vec![OTHER], ..Company::default() };
    write("company/club", account::Entity::Company(company)).await;
    // The pilot's key: the second one.
    let group = |user: &str| Group {
        group_id: "red".to_owned(),
        company_id: "club".to_owned(),
        name: "Red".to_owned(),
        devices: vec![OTHER],
        user_ids: vec![user.to_owned()],
        ..Group::default()
    };
    write("group/red", account::Entity::Group(group("key/0101010101010101"))).await;
    let members = async |role: &str| {
        let fleets = json_of(request(&stage, "GET", "/api/v1/fleets", Some(files.key(role)), &Value::Null).await).await;
        fleets["fleets"].as_array().map_or(0, Vec::len)
    };
    until(&clock, "the fleet", async || members("pilot").await == 1).await;
    let events = json!({ "alerts": "devices", "fleets": ["red"], "url": receiver.url("/fleet") });
    let refused = request(&stage, "POST", "/api/v1/webhooks", Some(files.key("viewer")), &events).await;
    assert_eq!((refused.status().as_u16(), json_of(refused).await["code"].clone()), (403, json!("not_a_member")));
    create(&stage, files.key("pilot"), &receiver.url("/fleet"), events).await;
    create(&stage, files.key("viewer"), &receiver.url("/all"), json!({ "alerts": "all" })).await;
    let calls = |path: &str| receiver.calls().iter().filter(|call| call.path == path).count();
    publish_alert(&stage, &alert(2, DEVICE, AlertStatus::Open, &clock)).await;
    publish_alert(&stage, &alert(3, OTHER, AlertStatus::Open, &clock)).await;
    until(&clock, "the alert of the fleet", async || calls("/all") == 2 && calls("/fleet") == 1).await;

    write("group/red", account::Entity::Group(group("key/0202020202020202"))).await;
    until(&clock, "another member", async || members("pilot").await == 0).await;
    publish_alert(&stage, &alert(4, OTHER, AlertStatus::Resolved, &clock)).await;
    until(&clock, "the end of the alert", async || calls("/all") == 3).await;
    assert_eq!(calls("/fleet"), 1);
    stage.close().await;
}
