//! Unit tests of the exports; `tests/tests/interoperability` has the files read by pandas.

use super::*;
use crate::{CsvForm, PositionRow, ReceptionRow};

fn position(device: u32) -> PositionRow {
    PositionRow {
        device,
        event_at_ms: 1_784_030_400_250,
        observation_id: (3 << 48) + 7,
        ingest_delay_ms: 0,
        latitude_e7: 465_000_001,
        longitude_e7: -81_234_560,
        altitude_m: Some(1_200),
        speed_dkmh: 361,
        climb_cmps: -150,
        course_cdeg: None,
        turn_rate_cdps: None,
        qne_offset_m: None,
        aircraft_kind: 2,
        flags: crate::flag::RELAYED,
        score: Some(80),
        source: 1,
        online_tracking: true,
        private: false,
    }
}

fn reception(receiver_id: &str) -> ReceptionRow {
    ReceptionRow {
        receiver_id: receiver_id.into(),
        ingested_at_ms: 1_784_030_400_250,
        reception_id: 7,
        observation_id: None,
        rssi_dbm: -97,
        snr_db: 5,
        receiver_stamp_s: 0,
        relayed: false,
        packet_type: None,
        latitude_e7: None,
        longitude_e7: None,
        altitude_m: None,
        device: None,
    }
}

fn csv<R: Exported>(rows: &[R]) -> String {
    let (mut writer, mut cells, mut out) = (CsvTable::new(R::COLUMNS, CsvForm::Programs), Cells::new(), Vec::new());
    rows.iter().for_each(|row| row.cells(&mut cells));
    assert_eq!(cells.len(), rows.len() * R::COLUMNS.len());
    writer.begin(&mut out).expect("into memory");
    writer.rows(&cells, &mut out).expect("into memory");
    writer.end(&mut out).expect("into memory");
    String::from_utf8(out).expect("UTF-8")
}

#[test]
fn csv_has_units_times_and_empty_cells() {
    let expected = "device,event_at_utc,observation_id,latitude_deg,longitude_deg,altitude_m,speed_kmh,climb_mps,\
                    course_deg,turn_rate_dps,aircraft_kind,plausible,delayed,relayed,source\r\n\
                    \"110B90\",2026-07-14T12:00:00.250Z,\"3-7\",46.5000001,-8.123456,1200,36.1,-1.5,,,paraglider,true,false,true,radio\r\n";
    assert_eq!(csv(&[position(0x11_0B90)]), expected);
}

#[test]
fn csv_quotes_text_and_disarms_formulas() {
    let text = csv(&[reception("=cmd|' /C calc'!A0"), reception("a,\"b\"\r\nc"), reception("@x")]);
    let lines: Vec<&str> = text.split("\r\n").collect();
    assert!(lines[1].starts_with("\"'=cmd|' /C calc'!A0\",2026"), "{}", lines[1]);
    assert!(lines[2].starts_with("\"a,\"\"b\"\""), "{}", lines[2]);
    assert!(lines[4].starts_with("\"'@x\","), "{}", lines[4]);
}

#[test]
fn parquet_streams_group_by_group() {
    let mut writer = ParquetTable::new(PositionRow::COLUMNS).expect("columns");
    let (mut total, mut largest) = (0, 0);
    let mut out = Vec::new();
    writer.begin(&mut out).expect("into memory");
    let mut head = Vec::new();
    for block in 0..60_u32 {
        let mut cells = Cells::new();
        (0..2_000).for_each(|i| position(block * 2_000 + i).cells(&mut cells));
        writer.rows(&cells, &mut out).expect("into memory");
        largest = largest.max(out.len());
        total += out.len();
        head.extend(out.drain(..).take(4_usize.saturating_sub(head.len())));
    }
    assert_eq!(head, b"PAR1");
    writer.end(&mut out).expect("into memory");
    assert!(out.ends_with(b"PAR1") && largest > 0 && largest < 2 * total / 3, "{largest} of {total}");
}

#[test]
fn xlsx_is_a_zip_archive_of_known_size() {
    let mut table = XlsxTable::new(PositionRow::COLUMNS, "positions", 0).expect("columns");
    let mut cells = Cells::new();
    position(1).cells(&mut cells);
    table.rows(&cells).expect("fits");
    let (mut file, size) = table.finish().expect("a temporary file");
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut file, &mut bytes).expect("is read");
    assert!(bytes.starts_with(b"PK") && bytes.len() as u64 == size);
}

#[test]
fn a_value_of_another_type_is_refused() {
    let mut writer = ParquetTable::new(&PositionRow::COLUMNS[..1]).expect("columns");
    assert!(matches!(
        writer.rows(&[Value::Flag(true)], &mut Vec::new()),
        Err(ExportError::WrongType { column: "device" })
    ));
}
