use super::*;
use crate::limit::limit_text;
use crate::zone::{Fix, Judgement, Zone};

/// Two zones as they are in files of several countries.
const FILE: &str = "* Switzerland\r
\r
AC CTR\r
AN CTR Bern  * the control zone\r
AL GND\r
AH 4500 ft MSL\r
V X=46:54:44 N 007:29:57 E\r
DC 5\r
AF 121.025\r
AC R\r
AN LS-R 7\r
AL FL 95\r
AH UNL\r
DP 47:00:00 N 008:00:00 E\r
DP 47:00:00 N 008:30:00 E\r
DP 46:30.00 N 008:30.00 E\r
DP 46:30.00 N 008:00.00 E\r
";

fn inside(import: &Import, number: usize, lat: f64, lon: f64, altitude_m: f64) -> bool {
    let zone = Zone::decode("test", &import.zones[number]).expect("a zone");
    let fix = Fix::new(Position::new(lat, lon), Some(altitude_m)).expect("on Earth");
    zone.judge(&fix) == Judgement::Inside
}

fn error(text: &str) -> String {
    parse(text).expect_err("refused").to_string()
}

#[test]
fn a_file_gives_its_zones() {
    let import = parse(FILE).unwrap();
    let shown = |number: usize| {
        let zone = &import.zones[number];
        let limits = (limit_text(zone.floor.as_ref()), limit_text(zone.ceiling.as_ref()));
        (zone.zone_id.as_str(), zone.name.as_str(), zone.zone_class.as_str(), limits)
    };
    assert_eq!(shown(0), ("ctr-bern", "CTR Bern", "CTR", ("GND".into(), "1371.6 m".into())));
    assert_eq!(shown(1), ("ls-r-7", "LS-R 7", "R", ("FL95".into(), "UNL".into())));
    assert_eq!((import.zones.len(), import.ignored), (2, 1), "the frequency");
    // Five nautical miles are 9,260 m: 0.0833 degrees of latitude.
    assert!(inside(&import, 0, 46.99, 7.499, 1_000.0) && !inside(&import, 0, 47.0, 7.499, 1_000.0));
    assert!(!inside(&import, 0, 46.95, 7.499, 1_400.0), "above");
    assert!(inside(&import, 1, 46.75, 8.25, 3_000.0) && !inside(&import, 1, 46.75, 8.25, 2_800.0));
}

#[test]
fn line_ends_and_letters_do_not_matter() {
    let unix = FILE.replace('\r', "");
    let macintosh = FILE.replace("\r\n", "\r");
    let lower = unix.replace("AC ", "ac ").replace("DP ", "dp ").replace("V X=", "v x = ");
    for text in [unix.as_str(), &macintosh, &lower] {
        assert_eq!(parse(text), parse(FILE));
    }
}

#[test]
fn arcs_go_in_their_direction() {
    // The northern half of a circle, and the southern one.
    for (direction, north) in [("-", true), ("+", false)] {
        let by_bearings = format!("AC D\nAN x\nV D={direction}\nV X=46:00:00 N 008:00:00 E\nDA 10,90,270\n");
        let by_points = format!(
            "AC D\nAN x\nV D={direction}\nV X=46:00:00 N 008:00:00 E\nDB 46:00:00 N 008:14:23 E , 46:00:00 N 007:45:37 E\n"
        );
        for text in [by_bearings, by_points] {
            let import = parse(&text).unwrap();
            assert_eq!(inside(&import, 0, 46.1, 8.0, 0.0), north, "{text}");
            assert_eq!(inside(&import, 0, 45.9, 8.0, 0.0), !north, "{text}");
            assert!(!inside(&import, 0, 46.2, 8.0, 0.0) && !inside(&import, 0, 45.8, 8.0, 0.0));
        }
    }
}

#[test]
fn an_arc_over_the_antimeridian_is_whole() {
    let import = parse("AC D\nAN Fiji\nV X=17:00:00 S 179:55:00 E\nDC 20\n").unwrap();
    assert!(inside(&import, 0, -17.0, 179.7, 0.0) && inside(&import, 0, -17.0, -179.9, 0.0));
    assert!(!inside(&import, 0, -17.0, -179.5, 0.0) && !inside(&import, 0, -17.0, 0.0, 0.0));
    let import = parse("AC D\nAN Pole\nV X=89:55:00 N 010:00:00 E\nDC 20\n").unwrap();
    assert!(inside(&import, 0, 89.99, -170.0, 0.0) && !inside(&import, 0, 89.5, -170.0, 0.0));
}

#[test]
fn the_type_takes_the_place_of_no_class() {
    let zone = |class: &str| format!("AC {class}\nAY TMZ\nAN x\nV X=46:00:00 N 008:00:00 E\nDC 1\n");
    let class = |text: &str| parse(text).unwrap().zones[0].zone_class.clone();
    assert_eq!((class(&zone("UNC")).as_str(), class(&zone("D")).as_str()), ("TMZ", "D"));
}

#[test]
fn an_error_names_its_line() {
    assert!(error("AC R\nAN x\nAL high\n").starts_with("line 3: invalid limit \"high\": expected for example GND"));
    assert!(error("AC R\r\nAN x\r\n\r\nDP 47:00 N\r\n").starts_with("line 4: invalid position"));
    assert!(error("AN x\n").starts_with("line 1: AN before the first AC"));
    assert!(error("AC R\nAN x\nDC 5\n").starts_with("line 3: an arc or circle without a centre"));
    assert!(error("AC R\nV X=46:00:00 N 008:00:00 E\nDC x\n").starts_with("line 3: invalid radius \"x\""));
    assert!(error("AC R\nAN x\nAC D\n").starts_with("line 3: the zone from line 1 on: an outline has fewer than 3"));
    assert!(error("AC R\nAN x\n").starts_with("line 1: an outline has fewer than 3"));
    assert!(error("AC R\nV D=left\n").starts_with("line 2: invalid direction \"left\""));
    let upside_down = "AC R\nAN x\nAL FL95\nAH 1000 ft\nV X=46:00:00 N 008:00:00 E\nDC 5\n";
    assert_eq!(error(upside_down), "line 1: the floor of \"x\" is not below its ceiling");
}

#[test]
fn limits_above_ground_are_on_the_map_only() {
    let import = parse("AC R\nAN Reserve\nAL GND\nAH 300 m AGL\nV X=46:00:00 N 008:00:00 E\nDC 1\n").unwrap();
    assert_eq!(import.not_judged, ["Reserve"]);
}

#[test]
fn too_many_points_end_the_import() {
    let mut text = "AC R\nAN x\nV X=46:00:00 N 008:00:00 E\n".to_owned();
    (0..200).for_each(|_| text.push_str("DC 5\n"));
    assert!(error(&text).ends_with("an outline has more than 10000 points: simplify it"), "{}", error(&text));
}
