//! The output of each format; `tests/tests/interoperability` has it read by independent programs.

use super::*;
use crate::csv_line::CsvForm;
use crate::track::point::testing::point;
use crate::track::{Level, Summary, TrackPoint};

fn subject() -> Subject {
    Subject {
        device: 0x11_0B90,
        name: Some("=Jürg <3".into()),
        from_us: 1_784_030_400_000_000,
        to_us: 1_784_034_000_000_000,
        level: Level::Raw,
    }
}

fn written(format: Format, points: &[TrackPoint]) -> String {
    let (mut writer, mut out) = (format.writer(subject(), CsvForm::Programs), Vec::new());
    writer.begin(&mut out);
    points.iter().for_each(|point| writer.point(point, &mut out));
    writer.end(&Summary { recorded: 9, shown: points.len() as u64, error_m: 1.26 }, &mut out);
    String::from_utf8(out).expect("UTF-8")
}

fn two_segments() -> Vec<TrackPoint> {
    let mut points = vec![
        point(0.25, 46.5, -8.123_456, 1_200.0),
        point(5.0, -0.000_001, 8.0, -12.0),
        TrackPoint { segment: 1, altitude_m: None, course_deg: None, ..point(900.0, 46.6, 8.0, 0.0) },
    ];
    points[1].qne_offset_m = Some(40.0);
    points
}

#[test]
fn formats_have_a_text_and_a_media_type() {
    for format in Format::ALL {
        assert_eq!(Format::of(format.word()), Some(format));
        assert_eq!(Format::ALL.iter().filter(|other| other.media_type() == format.media_type()).count(), 1);
    }
    assert_eq!(Format::of("pdf"), None);
}

#[test]
fn igc_has_the_columns_of_the_specification() {
    let text = written(Format::Igc, &two_segments());
    let lines: Vec<&str> = text.split("\r\n").collect();
    assert_eq!(lines[0], "AXUDB90-FANET 110B90");
    assert_eq!(lines[1], "HFDTEDATE:140726,01");
    assert_eq!(lines[2], "HFPLTPILOTINCHARGE:=Jurg <3");
    assert_eq!(lines[7..9], ["HFALGALTGPS:GEO", "HFALPALTPRESSURE:ISA"]);
    assert_eq!(lines[9], "I033638TDS3940LAD4142LOD");
    // 46.5 degrees are 46 degrees 30.000 minutes; 8.123456 are 8 degrees 7.40736 minutes.
    assert_eq!(lines[11], "B1200004630000N00807407WA00000012002500036");
    assert_eq!(lines[12], "B1200050000000S00800000EA00028-00120000600");
    assert_eq!(lines[13], "B1215004636000N00800000EV00000000000000000");
    assert!(text.is_ascii() && lines.iter().all(|line| line.len() <= 76));
}

#[test]
fn json_has_segments_and_omits_unknown_values() {
    let track: serde_json::Value = serde_json::from_str(&written(Format::Json, &two_segments())).expect("JSON");
    assert_eq!(
        (&track["device"], &track["name"], &track["level"]),
        (&"110B90".into(), &"=Jürg <3".into(), &"raw".into())
    );
    assert_eq!(track["segments"].as_array().map(Vec::len), Some(2));
    let first = &track["segments"][0]["points"][0];
    assert_eq!((&first["event_at_us"], &first["observation_id"]), (&"1784030400250000".into(), &"0-250".into()));
    assert_eq!((first["longitude_deg"].as_f64(), first["altitude_m"].as_f64()), (Some(-8.123_456), Some(1_200.0)));
    assert_eq!(track["segments"][1]["points"][0].get("altitude_m"), None);
    assert_eq!((&track["recorded"], &track["shown"], &track["error_m"]), (&"9".into(), &"3".into(), &1.3.into()));
}

#[test]
fn csv_has_units_in_its_header_and_no_formulas() {
    let text = written(Format::Csv, &two_segments());
    let lines: Vec<&str> = text.split("\r\n").collect();
    assert_eq!(lines[0].split(',').nth(7), Some("altitude_m"));
    let rest = "46.5,-8.123456,1200,36,1.5,90,paraglider";
    assert_eq!(lines[1], format!("\"110B90\",\"'=Jürg <3\",0,\"0-250\",2026-07-14T12:00:00.250Z,{rest}"));
    assert_eq!(lines[3].split(',').nth(7), Some(""), "absent is empty");
    assert_eq!((lines.len(), lines[4]), (5, ""));
}

#[test]
fn an_empty_track_is_valid_in_every_format() {
    for format in Format::ALL {
        let text = written(format, &[]);
        assert!(!text.is_empty(), "{format:?}");
        if matches!(format, Format::Json | Format::GeoJson) {
            serde_json::from_str::<serde_json::Value>(&text).expect("JSON");
        }
    }
}

#[test]
fn a_long_track_is_written_in_little_memory() {
    for format in Format::ALL {
        let (mut writer, mut out, mut largest) = (format.writer(subject(), CsvForm::Programs), Vec::new(), 0);
        writer.begin(&mut out);
        for second in 0..60_000_u32 {
            writer.point(&point(f64::from(second), 46.5, 8.0, 1_000.0), &mut out);
            largest = largest.max(out.len());
            out.clear();
        }
        assert!(largest < 2 << 20, "{format:?}: {largest} bytes at once");
    }
}

/// Across longitude 180 to the east, and back at once.
fn over_the_antimeridian() -> Vec<TrackPoint> {
    vec![
        point(0.0, -17.0, 179.8, 1_000.0),
        point(10.0, -17.2, -179.8, 1_200.0),
        point(20.0, -17.2, -179.9, 1_200.0),
        point(30.0, -17.2, 180.0, 1_200.0),
    ]
}

#[test]
fn lines_are_cut_at_the_antimeridian() {
    // RFC 7946, 3.1.9: no line crosses longitude 180; each part ends on its own side.
    let text = written(Format::GeoJson, &over_the_antimeridian());
    let collection: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let lines: Vec<&serde_json::Value> = collection["features"].as_array().expect("features").iter().collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert_eq!(
        lines[0]["geometry"]["coordinates"],
        serde_json::json!([[179.8, -17.0, 1000.0], [180.0, -17.1, 1100.0]])
    );
    let back = &lines[1]["geometry"]["coordinates"];
    assert_eq!(
        (&back[0], &back[3]),
        (&serde_json::json!([-180.0, -17.1, 1100.0]), &serde_json::json!([-180.0, -17.2, 1200.0]))
    );
    for line in lines {
        let times = line["properties"]["coordTimes"].as_array().map(Vec::len);
        assert_eq!(times, line["geometry"]["coordinates"].as_array().map(Vec::len));
        assert_eq!(line["properties"]["segment"], 0, "still one segment");
    }
    assert_eq!(lines_time(&collection), "2026-07-14T12:00:05.000Z", "interpolated between the two positions");
    let kml = written(Format::Kml, &over_the_antimeridian());
    assert_eq!(kml.matches("<LineString>").count(), 2);
    assert!(
        kml.contains("180.0000000,-17.1000000,1100.0\n</coordinates>") && kml.contains("<coordinates>-180.0000000,")
    );
}

fn lines_time(collection: &serde_json::Value) -> &str {
    collection["features"][0]["properties"]["coordTimes"][1].as_str().unwrap_or_default()
}

#[test]
fn gpx_has_no_longitude_180() {
    // longitudeType of the schema: -180 up to 180, without 180.
    let almost = point(40.0, -17.2, 179.999_999_99, 1_200.0);
    let text = written(Format::Gpx, &[over_the_antimeridian(), vec![almost]].concat());
    assert_eq!(text.matches("lon=\"-180.0000000\"").count(), 2, "{text}");
    assert!(!text.contains("lon=\"180"));
}
