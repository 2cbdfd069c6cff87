//! Property tests: every format of any track can be read, also across longitude 180, at the poles, with one position or
//! none, and with any name.

use std::collections::BTreeSet;

use proptest::prelude::*;
use quick_xml::events::Event;

use super::*;
use crate::csv_line::DecimalMark;
use crate::track::Level;
use crate::track::point::testing::point;
use crate::track::{Summary, TrackPoint};

/// A longitude as a device can send it, often near the antimeridian.
fn longitude_deg() -> impl Strategy<Value = f64> {
    prop_oneof![-180.0..=180.0, 179.0..=180.0, -180.0..=-179.0, Just(180.0), Just(-180.0), Just(0.0)]
}

/// A latitude, often at a pole.
fn latitude_deg() -> impl Strategy<Value = f64> {
    prop_oneof![-90.0..=90.0, 89.9..=90.0, Just(90.0), Just(-90.0), Just(0.0)]
}

fn track_point() -> impl Strategy<Value = TrackPoint> {
    let altitude_m = prop::option::of(-1_000.0..20_000.0);
    (latitude_deg(), longitude_deg(), altitude_m, prop::option::of(0.0..360.0), any::<bool>()).prop_map(
        |(latitude_deg, longitude_deg, altitude_m, course_deg, cuts)| TrackPoint {
            altitude_m,
            course_deg,
            segment: u32::from(cuts),
            ..point(0.0, latitude_deg, longitude_deg, 0.0)
        },
    )
}

/// Up to 40 positions in the order of time, with increasing segment numbers.
fn track() -> impl Strategy<Value = Vec<TrackPoint>> {
    prop::collection::vec(track_point(), 0..40).prop_map(|mut points| {
        let mut segment = 0;
        for (second, point) in points.iter_mut().enumerate() {
            segment += point.segment;
            point.segment = segment;
            point.event_at_us += second as u64 * 5_000_000;
            point.observation_id = second as u64;
        }
        points
    })
}

/// Any text, also a very long one, and text with a meaning in one of the formats.
fn name() -> impl Strategy<Value = Option<String>> {
    let long = (any::<char>(), 200..5_000_usize).prop_map(|(letter, count)| letter.to_string().repeat(count));
    let text = prop_oneof![any::<String>(), long, "[=+@;,\"'<>&\\]\\[\r\n\t -]{0,20}"];
    prop::option::of(text)
}

fn written(format: Format, csv: CsvForm, name: Option<String>, points: &[TrackPoint]) -> String {
    let (from_us, to_us) = (1_784_030_400_000_000, 1_784_034_000_000_000);
    let mut writer = format.writer(Subject { device: 0x07_E010, name, from_us, to_us, level: Level::Raw }, csv);
    let mut out = Vec::new();
    writer.begin(&mut out);
    points.iter().for_each(|point| writer.point(point, &mut out));
    writer.end(&Summary::default(), &mut out);
    String::from_utf8(out).expect("UTF-8")
}

/// Positions as (longitude, latitude) of each line of a GeoJSON document.
fn geojson_lines(text: &str) -> Vec<Vec<(f64, f64)>> {
    let document: serde_json::Value = serde_json::from_str(text).expect("JSON");
    let position = |at: &serde_json::Value| (at[0].as_f64().expect("a number"), at[1].as_f64().expect("a number"));
    let line = |feature: &serde_json::Value| {
        let (geometry, times) = (&feature["geometry"], feature["properties"]["coordTimes"].as_array().expect("times"));
        let positions: Vec<_> = match geometry["type"].as_str() {
            Some("Point") => vec![position(&geometry["coordinates"])],
            _ => geometry["coordinates"].as_array().expect("positions").iter().map(position).collect(),
        };
        assert_eq!(positions.len(), times.len(), "a time for each position");
        positions
    };
    document["features"].as_array().expect("features").iter().map(line).collect()
}

/// Texts of all elements of a name, from a well-formed document.
fn xml_texts(document: &str, element: &str) -> Vec<String> {
    let mut reader = quick_xml::Reader::from_str(document);
    let (mut open, mut texts) = (Vec::new(), Vec::new());
    loop {
        match reader.read_event().expect("well-formed") {
            Event::Start(start) => {
                open.push(String::from_utf8(start.name().as_ref().to_vec()).expect("UTF-8"));
                if open.last().is_some_and(|name| name == element) {
                    texts.push(String::new());
                }
            }
            Event::End(_) => drop(open.pop()),
            Event::Text(text) if open.last().is_some_and(|name| name == element) => {
                texts.last_mut().expect("began").push_str(&text.decode().expect("UTF-8"));
            }
            Event::Eof => return texts,
            _ => {}
        }
    }
}

proptest! {
    #[test]
    fn geojson_lines_do_not_cross_longitude_180(points in track(), name in name()) {
        let lines = geojson_lines(&written(Format::GeoJson, CsvForm::Programs, name, &points));
        prop_assert!(lines.iter().flatten().count() >= points.len());
        for pair in lines.iter().flat_map(|line| line.windows(2)) {
            prop_assert!((pair[0].0 - pair[1].0).abs() <= 180.0, "{pair:?} crosses longitude 180");
        }
        let are_on_the_globe = lines.iter().flatten().all(|(lon, lat)| lon.abs() <= 180.0 && lat.abs() <= 90.0);
        prop_assert!(are_on_the_globe);
    }

    #[test]
    fn kml_has_a_time_for_each_position(points in track(), name in name()) {
        let text = written(Format::Kml, CsvForm::Programs, name, &points);
        let (whens, coords) = (xml_texts(&text, "when"), xml_texts(&text, "gx:coord"));
        prop_assert!(whens.len() == coords.len() && coords.len() >= points.len());
        let lines = xml_texts(&text, "coordinates");
        let placed: usize = lines.iter().map(|line| line.split_whitespace().count()).sum();
        prop_assert_eq!(placed, coords.len(), "the line has the positions of the track");
    }

    #[test]
    fn gpx_keeps_every_position_in_range(points in track(), name in name()) {
        let text = written(Format::Gpx, CsvForm::Programs, name, &points);
        prop_assert_eq!(xml_texts(&text, "trkpt").len(), points.len());
        for longitude in text.split("lon=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
            let longitude_deg: f64 = longitude.parse().expect("a number");
            prop_assert!((-180.0..180.0).contains(&longitude_deg), "{longitude}");
        }
    }

    #[test]
    fn igc_lines_fit_the_specification(points in track(), name in name()) {
        let text = written(Format::Igc, CsvForm::Programs, name, &points);
        prop_assert!(text.is_ascii() && text.ends_with("\r\n"));
        let lines: Vec<&str> = text.split_terminator("\r\n").collect();
        prop_assert!(lines.iter().all(|line| line.len() <= 76 && !line.contains(['\r', '\n'])));
        let fixes: Vec<&str> = lines.iter().copied().filter(|line| line.starts_with('B')).collect();
        prop_assert_eq!(fixes.len(), points.len());
        for fix in fixes {
            let degrees: (u32, u32) = (fix[7..9].parse().expect("degrees"), fix[15..18].parse().expect("degrees"));
            let minutes: (u32, u32) = (fix[9..14].parse().expect("minutes"), fix[18..23].parse().expect("minutes"));
            prop_assert!(fix.len() == 42 && minutes.0 < 60_000 && minutes.1 < 60_000, "{}", fix);
            prop_assert!(degrees.0 * 60_000 + minutes.0 <= 5_400_000 && degrees.1 * 60_000 + minutes.1 <= 10_800_000);
        }
    }

    #[test]
    fn csv_cells_stay_in_their_columns(points in track(), name in name(), comma in any::<bool>()) {
        let mark = if comma { DecimalMark::Comma } else { DecimalMark::Point };
        for form in [CsvForm::Programs, CsvForm::Spreadsheets(mark)] {
            let text = written(Format::Csv, form, name.clone(), &points);
            let is_excel = form != CsvForm::Programs;
            prop_assert_eq!(text.starts_with('\u{FEFF}'), is_excel);
            let mut reader = ::csv::ReaderBuilder::new();
            reader.delimiter(if is_excel { b';' } else { b',' });
            let rows: Result<Vec<::csv::StringRecord>, _> = reader.from_reader(text.as_bytes()).records().collect();
            let rows = rows.expect("equally many cells in each line");
            prop_assert_eq!(rows.len(), points.len());
            let devices: BTreeSet<&str> = rows.iter().filter_map(|row| row.get(0)).collect();
            let expected = if is_excel { "=\"07E010\"" } else { "07E010" };
            prop_assert!(devices.iter().all(|device| *device == expected));
        }
    }

    #[test]
    fn json_has_all_positions(points in track(), name in name()) {
        let text = written(Format::Json, CsvForm::Programs, name.clone(), &points);
        let track: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        prop_assert_eq!(track["name"].as_str(), name.as_deref());
        let segments = track["segments"].as_array().expect("segments");
        let found: usize = segments.iter().map(|segment| segment["points"].as_array().map_or(0, Vec::len)).sum();
        prop_assert_eq!(found, points.len());
    }
}
