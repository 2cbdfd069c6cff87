use axum::body::Body;
use axum::extract::connect_info::MockConnectInfo;
use tower::ServiceExt as _;

use super::*;
use crate::Clock;

async fn status(client: &str, method: &str, path: &str) -> StatusCode {
    let admin = Admin::new(Context::new(Clock::manual(0)), "0", None, true);
    let client: SocketAddr = client.parse().expect("an address");
    let request = Request::builder().method(method).uri(path).body(Body::from("info")).expect("a request");
    admin.router().layer(MockConnectInfo(client)).oneshot(request).await.expect("an answer").status()
}

#[tokio::test]
async fn only_this_machine_changes_the_log() {
    for client in ["127.0.0.1:5000", "127.9.9.9:5000", "[::1]:5000", "[::ffff:127.0.0.1]:5000"] {
        assert_eq!(status(client, "PUT", "/log").await, StatusCode::NOT_FOUND, "{client}: let through, to no log");
    }
    for client in ["10.0.0.7:5000", "[2001:db8::7]:5000", "[::ffff:10.0.0.7]:5000"] {
        assert_eq!(status(client, "PUT", "/log").await, StatusCode::FORBIDDEN, "{client}");
        assert_eq!(status(client, "GET", "/debug/profile").await, StatusCode::FORBIDDEN, "{client}");
        assert_eq!(status(client, "GET", "/metrics").await, StatusCode::OK, "{client}");
        assert_eq!(status(client, "GET", "/health").await, StatusCode::OK, "{client}");
    }
}

#[tokio::test]
async fn the_public_form_has_no_reasons() {
    let context = Context::new(Clock::manual(7_000_000));
    context.readiness.part("kafka").not_ready("cannot reach kafka-1.internal:9092");
    context.readiness.part("feed").degraded("stale: nothing came from 10.0.0.7");
    let asked = async |router: Router| {
        let request = Request::builder().uri("/ready").body(Body::empty()).expect("a request");
        let answer = router.oneshot(request).await.expect("an answer");
        let status = answer.status();
        let body = axum::body::to_bytes(answer.into_body(), 10_000).await.expect("a body");
        (status, String::from_utf8(body.to_vec()).expect("text"))
    };
    let admin = || Admin::new(context.clone(), "0", None, false);
    let (status, operators) = asked(admin().router()).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(operators.contains("kafka-1.internal:9092") && operators.contains("10.0.0.7"), "{operators}");
    let (status, strangers) = asked(admin().public_probes()).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    let expected = r#"{"ready":false,"parts":{"feed":{"ready":true,"since_us":7000000,"degraded":true},"kafka":{"ready":false,"since_us":7000000}}}"#;
    assert_eq!(strangers, expected);
}

#[tokio::test]
async fn health_says_the_time_as_rfc_3339() {
    let admin = Admin::new(Context::new(Clock::manual(1_784_030_400_999_999)), "0.1.0", None, false);
    let Json(health) = health(State(admin)).await;
    let body = serde_json::to_value(health).expect("is JSON");
    assert_eq!(body, serde_json::json!({ "status": "ok", "timestamp": "2026-07-14T12:00:00Z", "version": "0.1.0" }));
}
