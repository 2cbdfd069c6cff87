use super::*;

/// 46 deg 58.854' N, 9 deg 25.085' E, 602 m by pressure, 622 m by satellite.
const LINE: &str = "B1406084658854N00925085EA0060200622009";

fn only_fix(line: &str) -> Option<Fix> {
    parse(line.as_bytes()).ok().map(|flight| flight.fixes[0])
}

#[test]
fn a_fix_has_time_position_and_gps_altitude() {
    let fix = only_fix(LINE).expect("a fix");
    assert_eq!(fix.at_s, 14 * 3_600 + 6 * 60 + 8);
    assert!((fix.position.latitude_deg - (46.0 + 58.854 / 60.0)).abs() < 1e-12);
    assert!((fix.position.longitude_deg - (9.0 + 25.085 / 60.0)).abs() < 1e-12);
    assert_eq!(fix.position.altitude_m, 622.0);
}

#[test]
fn fields_are_read_at_their_limits() {
    for (line, expected) in [
        ("B0000000000001N00000000EA0000000001", Some((0, 1.0 / 60_000.0, 0.0, 1.0))),
        ("B0000000000000N00000000EA0000000000", None),
        ("B1200000000000N00000000EV0123400000", None),
        ("B1200004530000N00000000EA0000000000", None),
        ("B2359599000000S18000000WA0000000000", Some((86_399, -90.0, -180.0, 0.0))),
        ("B1200004530000S07030000WV0012300456", Some((43_200, -45.5, -70.5, 123.0))),
        ("B1200004530000N07030000EA00123-0456", Some((43_200, 45.5, 70.5, -456.0))),
        ("B1200004530000N07030000EA0012315000", Some((43_200, 45.5, 70.5, 15_000.0))),
        ("B1200004530000N07030000EA0012315001", None),
        ("B1200004530000N07030000EA00123-1001", None),
        ("B2400004530000N07030000EA0012300456", None),
        ("B1260004530000N07030000EA0012300456", None),
        ("B1200604530000N07030000EA0012300456", None),
        ("B1200009000001N07030000EA0012300456", None),
        ("B1200004530000N18000001EA0012300456", None),
        ("B1200004560000N07030000EA0012300456", None),
        ("B1200004530000X07030000EA0012300456", None),
        ("B1200004530000E07030000NA0012300456", None),
        ("B1200004530000N07030000EX0012300456", None),
        ("B12000045-0000N07030000EA0012300456", None),
        ("B 200004530000N07030000EA0012300456", None),
        ("B1200004530000N07030000EA001230045", None),
        ("B", None),
        ("", None),
    ] {
        let found = only_fix(line);
        let found =
            found.map(|fix| (fix.at_s, fix.position.latitude_deg, fix.position.longitude_deg, fix.position.altitude_m));
        assert_eq!(found, expected, "{line}");
    }
}

#[test]
fn dates_are_read_in_both_spellings() {
    for (line, expected) in [
        ("HFDTE061023", Some((6, 10, 2023))),
        ("HFDTEDATE:120626,01", Some((12, 6, 2026))),
        ("HFDTE311299", Some((31, 12, 1999))),
        ("HFDTE321299", None),
        ("HFDTE011399", None),
        ("HFDTE", None),
        ("HFDTE01ab99", None),
        ("HFPLTPILOT:Jane Doe", None),
    ] {
        let flight = parse(format!("{line}\r\n{LINE}").as_bytes()).expect("a flight");
        assert_eq!(flight.date, expected, "{line}");
        assert_eq!(flight.skipped, 0);
    }
}

/// A recorder without satellites begins at midnight at 0/0, or where it was last switched off.
#[test]
fn a_bad_first_fix_costs_no_good_one() {
    let good: String = (0..200)
        .map(|second| format!("B14{:02}{:02}4658854N00925085EA0060200622\n", second / 60, second % 60))
        .collect();
    for first in [
        "B0000000000000N00000000EV0000000000",
        "B0000004658854N00925085EV0060200622",
        "B2359594658854N00925085EA0060200622",
        "B0700004658854N00925085EA0060200622",
    ] {
        let flight = parse(format!("{first}\r\n{good}").as_bytes()).expect("a flight");
        let at_s = flight.fixes.iter().map(|fix| fix.at_s);
        assert!(at_s.eq(50_400..50_600), "{first}: {} fixes", flight.fixes.len());
        assert_eq!(flight.skipped, 1, "{first}");
    }
}

#[test]
fn midnight_continues_and_steps_back_are_skipped() {
    let times = ["235958", "235959", "000001", "000001", "000000", "000005", "235900"];
    let file: String = times.iter().map(|time| format!("B{time}4658854N00925085EA0060200622\n")).collect();
    let flight = parse(file.as_bytes()).expect("a flight");
    let found: Vec<u32> = flight.fixes.iter().map(|fix| fix.at_s).collect();
    assert_eq!(found, [86_398, 86_399, 86_401, 86_405]);
    assert_eq!(flight.skipped, 3);
    assert_eq!(flight.duration_s(), 7);
}

#[test]
fn garbage_is_skipped_and_counted() {
    let file = format!("AXXX\n\0\u{fffd}\nBgarbage\n{LINE}\r\nLcomment\nB\n{}", &LINE[..20]);
    let flight = parse(file.as_bytes()).expect("a flight");
    assert_eq!((flight.fixes.len(), flight.skipped), (1, 3));
    assert_eq!(parse(b"Bgarbage\nhello"), Err(IgcError::NoFixes { skipped: 1 }));
    assert_eq!(parse(b""), Err(IgcError::NoFixes { skipped: 0 }));
}

proptest::proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
        let _ = parse(&bytes);
    }

    #[test]
    fn no_changed_line_panics_or_leaves_the_globe(at in 0..38_usize, byte in proptest::num::u8::ANY) {
        let mut line = LINE.as_bytes().to_vec();
        line[at] = byte;
        if let Ok(flight) = parse(&line) {
            let position = flight.fixes[0].position;
            proptest::prop_assert!(position.latitude_deg.abs() <= 90.0 && position.longitude_deg.abs() <= 180.0);
        }
    }
}
