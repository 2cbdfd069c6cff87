//! A pusher with a history in the embedded store.
#![allow(dead_code, reason = "each test binary uses a part")]

use std::sync::Arc;

use history::{
    Block, BlockRows, HistoryWriter as _, NameRow, PositionRow, ReceptionRow, Retention, Sqlite, ThermalRow, WeatherRow,
};
use runtime::Clock;
use schemas::RecordId;
use serde_json::Value;

use crate::stage::Stage;

pub(crate) const ADA: u32 = 0x11_0B90;
const HIDDEN: u32 = 0x11_0B91;
pub(crate) const STATION: u32 = 0x08_0100;
pub(crate) const NAME: &str = "=Jürg <3 & \"Söhne\"";

pub(crate) struct Recorded {
    pub(crate) stage: Stage,
    pub(crate) store: Arc<Sqlite>,
    pub(crate) positions: Vec<PositionRow>,
    pub(crate) start_ms: i64,
}

/// A flight that began forty minutes ago: 300 positions every 5 s with a pause of 7 minutes, south of the equator and
/// west of Greenwich.
pub(crate) fn flight(device: u32, start_ms: i64) -> Vec<PositionRow> {
    let row = |i: i32| {
        let pause_ms = if i >= 200 { 420_000 } else { 0 };
        let angle = f64::from(i) * 1.3;
        PositionRow {
            device,
            event_at_ms: start_ms + i64::from(i) * 5_000 + pause_ms + i64::from(i % 7) * 11,
            observation_id: RecordId::new(3, 1_000 + i as u64).0,
            ingest_delay_ms: 0,
            latitude_e7: -123_456_789 + i * 1_913 + (angle.sin() * 5_000.0) as i32,
            longitude_e7: -701_234_567 + i * 3_001 + (angle.cos() * 5_000.0) as i32,
            altitude_m: Some(900 + (i as i16) * 3),
            speed_dkmh: 361,
            climb_cmps: 150 - (i as i16),
            course_cdeg: Some(((i * 7_450) % 36_000) as u16),
            turn_rate_cdps: None,
            qne_offset_m: Some(-31),
            aircraft_kind: 2,
            flags: 0,
            score: Some(90),
            source: 1,
            online_tracking: true,
            private: false,
        }
    };
    (0..300).map(row).collect()
}

pub(crate) async fn recorded() -> Recorded {
    recorded_with(&[]).await
}

pub(crate) async fn recorded_with(arguments: &[&str]) -> Recorded {
    recorded_at(Clock::system(), arguments).await
}

/// With the caller's clock.
pub(crate) async fn recorded_at(clock: Clock, arguments: &[&str]) -> Recorded {
    let start_ms = i64::try_from(clock.now_us() / 1_000).expect("after 1970") - 40 * 60_000;
    let store = Sqlite::open(None, Retention::default(), clock.clone()).expect("a temporary file");
    let positions = flight(ADA, start_ms);
    store
        .write(&Block { token: "test-0-1-2".into(), rows: rows(&positions, start_ms) })
        .await
        .expect("the block is written");
    store.refresh().await.expect("the flights are computed");
    let store = Arc::new(store);
    let stage = Stage::open_at(clock, Some(store.clone()), arguments).await;
    Recorded { stage, store, positions, start_ms }
}

fn rows(positions: &[PositionRow], start_ms: i64) -> BlockRows {
    let mut rows = BlockRows { positions: positions.to_vec(), ..Default::default() };
    rows.positions.extend(flight(HIDDEN, start_ms).into_iter().map(|row| PositionRow { private: true, ..row }));
    let name = |device, text: &str, private| NameRow {
        device,
        event_at_ms: start_ms,
        observation_id: RecordId::new(4, u64::from(device)).0,
        name: text.into(),
        private,
    };
    rows.names = vec![name(ADA, NAME, false), name(HIDDEN, "secret", true)];
    rows.weather = (0..30).map(|i| reading(start_ms + i64::from(i) * 60_000, i)).collect();
    rows.thermals = vec![thermal(start_ms)];
    rows.receptions = ["=cmd|'x'!A1", "8896672", "+1"].iter().map(|receiver| reception(start_ms, receiver)).collect();
    rows
}

fn reading(event_at_ms: i64, i: u8) -> WeatherRow {
    WeatherRow {
        device: STATION,
        event_at_ms,
        observation_id: RecordId::new(5, u64::from(i)).0,
        ingest_delay_ms: 0,
        latitude_e7: Some(465_000_000),
        longitude_e7: Some(80_000_000),
        altitude_m: Some(1_950),
        temperature_c: (!i.is_multiple_of(3)).then(|| 0.1 + f32::from(i)),
        wind_from_deg: Some(270.0),
        wind_speed_kmh: Some(12.2),
        wind_gust_kmh: Some(20.4),
        humidity_pct: None,
        pressure_hpa: Some(1_018.2),
        state_of_charge_pct: None,
        internet_gateway: false,
        flags: 0,
        private: false,
    }
}

fn thermal(at_ms: i64) -> ThermalRow {
    ThermalRow {
        thermal_id: RecordId::new(7, 7).0,
        version: 3,
        first_seen_at_ms: at_ms,
        last_seen_at_ms: at_ms + 600_000,
        latitude_e7: 465_000_000,
        longitude_e7: 80_000_000,
        altitude_m: None,
        radius_m: 210.5,
        base_altitude_m: 1_200.0,
        top_altitude_m: 2_400.0,
        mean_climb_mps: 1.9,
        max_climb_mps: 4.1,
        wind_from_deg: None,
        wind_speed_kmh: None,
        pilots: 3,
        reports: 7,
        confidence_pct: 80.0,
        drift_course_deg: None,
        drift_speed_kmh: None,
    }
}

fn reception(at_ms: i64, receiver_id: &str) -> ReceptionRow {
    ReceptionRow {
        receiver_id: receiver_id.into(),
        ingested_at_ms: at_ms,
        reception_id: RecordId::new(9, receiver_id.len() as u64).0,
        observation_id: None,
        rssi_dbm: -97,
        snr_db: 5,
        receiver_stamp_s: 0,
        relayed: false,
        packet_type: Some(1),
        latitude_e7: Some(465_000_000),
        longitude_e7: Some(80_000_000),
        altitude_m: None,
        device: Some(ADA),
    }
}

impl Recorded {
    pub(crate) async fn text(&self, path: &str) -> String {
        let response = self.stage.get(path).await;
        assert_eq!(response.status(), 200, "{path}");
        response.text().await.expect("text")
    }

    pub(crate) async fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.text(path).await).expect("JSON")
    }

    pub(crate) async fn problem(&self, path: &str) -> (u16, String, String) {
        let response = self.stage.get(path).await;
        let status = response.status().as_u16();
        assert_eq!(response.headers()["content-type"], "application/problem+json", "{path}: {status}");
        let problem: Value = response.json().await.expect("JSON");
        let text = |name: &str| problem[name].as_str().unwrap_or_default().to_owned();
        (status, text("code"), text("detail"))
    }
}
