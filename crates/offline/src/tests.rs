use std::io::Cursor;

use super::*;

fn ran(device: Option<u32>, lines: &str) -> Vec<serde_json::Value> {
    let settings = Settings::default();
    let (mut core, mut out) = (OfflineCore::new(&settings, None), Vec::new());
    let mut see = |applied: Applied<'_>| {
        Ok(outputs::print(applied.partition, applied.offset, device, applied.outputs, &mut out)?)
    };
    core.read_lines("test", Cursor::new(lines), &mut see).expect("good lines");
    let text = String::from_utf8(out).expect("text");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// A tracking frame of 110B90 with consent, one minute of them, then silence and another pilot.
fn flight() -> String {
    let message = |at_us: u64, device: u8| {
        let frame = format!("41110b{device:02x}007061427a7c0bdc05d2b40a00000000");
        let stamp_s = u32::try_from(at_us / 1_000_000).expect("before 2106").swap_bytes();
        format!("{{\"at_us\":{at_us},\"topic\":\"fb/b/268/f/1\",\"payload_hex\":\"{stamp_s:08x}a6ff0400{frame}\"}}\n")
    };
    let first = (0..6).map(|at| message(1_750_000_000_000_000 + at * 5_000_000, 0x90));
    let later = (0..2).map(|at| message(1_750_001_200_000_000 + at * 5_000_000, 0x91));
    first.chain(later).collect()
}

#[test]
fn captured_messages_give_what_the_system_would() {
    let lines = ran(None, &flight());
    let to = |to: &str| lines.iter().filter(|line| line["to"] == to).count();
    assert_eq!(to("fanet.reception.v1") - to_clocks(&lines), 8, "each copy");
    assert_eq!(to("fanet.observation.v1") + to("fanet.private.observation.v1"), 8);
    assert!(to("fanet:{validation}") >= 2);
    // Silent for longer than an aircraft is kept: the ticks advanced the time.
    let states: Vec<_> =
        lines.iter().filter(|line| line["version"].is_u64() && line["to"] != "fanet:{validation}").collect();
    assert!(states.iter().any(|line| line["value"].is_null()), "{states:?}");
    assert!(ran(None, &flight()) == lines, "the same lines again");
}

fn to_clocks(lines: &[serde_json::Value]) -> usize {
    let is_clock = |line: &&serde_json::Value| line["to"] == "fanet.reception.v1" && !line["value"]["clock"].is_null();
    lines.iter().filter(is_clock).count()
}

#[test]
fn one_device_can_be_picked_out() {
    let all = ran(None, &flight());
    let device = all.iter().find(|line| line["to"] == "fanet:{validation}").expect("judged")["key"].clone();
    let picked = device.as_str().expect("text").parse::<schemas::DeviceAddress>().expect("an address").0;
    let one = ran(Some(picked), &flight());
    assert!(!one.is_empty() && one.len() < all.len());
    assert!(one.iter().all(|line| line["key"] == device), "{one:?}");
}

#[test]
fn a_bad_line_is_named() {
    let settings = Settings::default();
    let mut core = OfflineCore::new(&settings, None);
    let read = core.read_lines("hour.jsonl", Cursor::new("\n\n{}\n"), &mut |_| Ok(()));
    let error = read.expect_err("no line of ours");
    assert!(format!("{error:#}").starts_with("hour.jsonl, line 3"), "{error:#}");
}
