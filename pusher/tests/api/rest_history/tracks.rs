//! Tracks, flights and weather.

use serde_json::{Value, json};

use crate::recorded::{NAME, recorded};
use crate::rest_history::humantime_ms;

#[tokio::test]
async fn a_track_is_shaped_as_asked() {
    let recorded = recorded().await;
    let track = recorded.json("/api/v1/track/110B90?max_points=20").await;
    let points = |track: &Value| -> usize {
        track["segments"].as_array().unwrap().iter().map(|segment| segment["points"].as_array().unwrap().len()).sum()
    };
    assert_eq!((points(&track), &track["recorded"], &track["level"]), (20, &"300".into(), &"plausible".into()));
    assert!(track["error_m"].as_f64().unwrap() > 0.0);
    assert_eq!(points(&recorded.json("/api/v1/track/110B90?level=smoothed").await), 300);
    let from = humantime_ms(recorded.positions[10].event_at_ms);
    let to = humantime_ms(recorded.positions[20].event_at_ms);
    assert_eq!(points(&recorded.json(&format!("/api/v1/track/110B90?from={from}&to={to}")).await), 10);
    let empty = recorded.json("/api/v1/track/110B90?from=2020-01-01&to=2020-01-02").await;
    assert_eq!(
        (points(&empty), &empty["device"]),
        (0, &"110B90".into()),
        "a known device without positions in the period"
    );
    let response = recorded.stage.get_with("/api/v1/track/110B90", "accept", "application/gpx+xml").await;
    assert_eq!(response.headers()["content-type"], "application/gpx+xml");
    recorded.stage.close().await;
}

#[tokio::test]
async fn hidden_unknown_or_invalid_is_a_problem() {
    let recorded = recorded().await;
    for (path, status, code) in [
        ("/api/v1/track/110B92", 404, "unknown_device"),
        ("/api/v1/track/110B91", 404, "unknown_device"),
        ("/api/v1/track/xyz", 400, "bad_address"),
        ("/api/v1/track/110B90?format=pdf", 400, "bad_parameter"),
        ("/api/v1/track/110B90?level=best", 400, "bad_parameter"),
        ("/api/v1/track/110B90?max_points=1", 400, "bad_parameter"),
        ("/api/v1/track/110B90?from=yesterday", 400, "bad_parameter"),
        ("/api/v1/track/110B90?from=2026-01-02&to=2026-01-01", 400, "bad_parameter"),
        ("/api/v1/track/110B90?from=2020-01-01&to=2026-01-01", 400, "period_too_long"),
        ("/api/v1/track/110B90?hours=48&format=igc", 400, "period_too_long"),
        ("/api/v1/flights", 400, "missing_parameter"),
        ("/api/v1/flights?day=today", 400, "bad_parameter"),
        ("/api/v1/flights?bounds=50,7,40,8", 400, "bad_region"),
        ("/api/v1/history?from=2026-01-01&to=2026-01-02", 400, "period_too_long"),
        ("/api/v1/history?step=0", 400, "bad_parameter"),
        ("/api/v1/history?step=3601", 400, "bad_parameter"),
        ("/api/v1/history?limit=10001", 400, "bad_parameter"),
        ("/api/v1/history?cursor=next", 400, "bad_parameter"),
        ("/api/v1/history?hours=1", 400, "unknown_parameter"),
        ("/api/v1/history?bounds=50,7,40,8", 400, "bad_region"),
        ("/api/v1/silent?limit=0", 400, "bad_parameter"),
        ("/api/v1/weather/110B90/history", 404, "unknown_device"),
        ("/api/v1/export?kind=secrets", 400, "bad_parameter"),
        ("/api/v1/export?format=pdf", 400, "bad_parameter"),
        ("/api/v1/export?format=xlsx&excel=true", 400, "bad_parameter"),
        ("/api/v1/track/110B90?format=gpx&excel=true", 400, "bad_parameter"),
        ("/api/v1/track/110B90?excel=1", 400, "bad_parameter"),
    ] {
        let (found_status, found_code, _) = recorded.problem(path).await;
        assert_eq!((found_status, found_code.as_str()), (status, code), "{path}");
    }
    recorded.stage.close().await;
}

#[tokio::test]
async fn flights_and_weather_are_listed() {
    let recorded = recorded().await;
    let day = humantime_ms(recorded.positions[0].event_at_ms);
    for query in ["address=110B90".to_owned(), "bounds=-13,-71,-12,-70".to_owned(), format!("day={}", &day[..10])] {
        let list = recorded.json(&format!("/api/v1/flights?{query}")).await;
        let flight = &list["flights"][0];
        assert_eq!((&flight["device"], &flight["name"]), (&"110B90".into(), &NAME.into()), "{query}: {list}");
        assert_eq!(flight["aircraft_kind"], "paraglider");
        assert_eq!(list["truncated"], false);
    }
    assert_eq!(recorded.json("/api/v1/flights?bounds=40,0,50,10").await["flights"], json!([]));
    let weather = recorded.json("/api/v1/weather/080100/history?hours=2&limit=10").await;
    let readings = weather["readings"].as_array().unwrap();
    assert_eq!((readings.len(), &weather["truncated"]), (10, &true.into()));
    assert_eq!(readings[0].get("temperature_c"), None);
    assert_eq!((readings[1]["temperature_c"].as_f64(), readings[1]["wind_gust_kmh"].as_f64()), (Some(1.1), Some(20.4)));
    recorded.stage.close().await;
}
