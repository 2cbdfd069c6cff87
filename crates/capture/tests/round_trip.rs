//! What is written is read.

mod common;

use std::io::Cursor;

use bytes::Bytes;
use capture::{Capture, Ending, Error, Filter, Record, Writer};
use common::{any_record, frame, header, written};
use proptest::prelude::*;

fn read(bytes: &[u8]) -> Vec<Record> {
    let mut capture = Capture::open(Cursor::new(bytes)).expect("a capture");
    capture.records(Filter::default()).collect::<Result<_, _>>().expect("undamaged")
}

proptest! {
    #[test]
    fn every_record_comes_back(records in prop::collection::vec(any_record(), 0..40), block in 1_usize..20) {
        prop_assert_eq!(read(&written(&records, block)), records);
    }

    #[test]
    fn a_cut_off_capture_is_read_to_its_last_block(
        records in prop::collection::vec(any_record(), 1..30),
        cut in any::<prop::sample::Index>(),
    ) {
        let complete = written(&records, 5);
        let start = header().to_bytes().len();
        let cut = start + cut.index(complete.len() - start);
        let mut capture = Capture::open(Cursor::new(&complete[..cut])).expect("its header is there");
        let read: Vec<Record> = capture.records(Filter::default()).collect::<Result<_, _>>().expect("undamaged");
        prop_assert!(records.starts_with(&read));
        prop_assert!(read.len().is_multiple_of(5) || read.len() == records.len());
        let Ending::CutOff { end, lost_bytes } = *capture.ending() else { panic!("cut off at {cut}") };
        prop_assert_eq!(end + lost_bytes, cut as u64);

        // Then writing continues.
        let index = capture.index().clone();
        let kept = complete[..end as usize].to_vec();
        let mut writer = Writer::resume(kept, end, index);
        for record in &records[read.len()..] {
            writer.push(0, record).expect("a Vec takes all");
        }
        let (again, _) = writer.finish().expect("a Vec takes all");
        prop_assert_eq!(self::read(&again), records);
    }

    #[test]
    fn a_changed_byte_is_noticed(
        records in prop::collection::vec(any_record(), 1..30),
        at in any::<prop::sample::Index>(),
        flip in 1_u8..=255,
    ) {
        let mut bytes = written(&records, 5);
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        // For any changed byte: each record read equals the written one, in order, or reading returns an error.
        let Ok(mut capture) = Capture::open(Cursor::new(&bytes)) else { return Ok(()) };
        let mut left = records.iter();
        for record in capture.records(Filter::default()).flatten() {
            prop_assert!(left.any(|written| *written == record));
        }
    }

    #[test]
    fn any_bytes_are_no_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..400), with_header in any::<bool>()) {
        if with_header {
            let mut file = header().to_bytes();
            file.append(&mut bytes);
            bytes = file;
        }
        if let Ok(mut capture) = Capture::open(Cursor::new(&bytes)) {
            prop_assert_eq!(capture.records(Filter::default()).flatten().count(), 0);
        }
    }
}

#[test]
fn runs_are_merged_by_their_clocks() {
    let mut writer = Writer::new(Vec::new(), &header()).expect("a Vec takes all");
    // A record that came late stands where its partition's clock stood.
    for (partition, offset, at_ms) in [(1, 0, 2000), (1, 1, 1000), (1, 2, 4000), (0, 0, 2500), (0, 1, 4000)] {
        let record = frame(partition, offset, at_ms, &[1, 0x11, 0x90, 0x0b, 0], "8896672");
        writer.push(partition, &record).expect("a Vec takes all");
    }
    let order: Vec<(u32, u64)> =
        read(&writer.finish().expect("a Vec").0).iter().map(|record| (record.partition, record.offset)).collect();
    assert_eq!(order, [(1, 0), (1, 1), (0, 0), (0, 1), (1, 2)]);
}

#[test]
fn a_filter_gives_what_matches_and_reads_little_else() {
    let records: Vec<Record> = (0..1000_u64)
        .map(|n| {
            let device = [0x01, 0x11, (n / 100) as u8, 0x0b, n as u8];
            frame(0, n, 1_784_000_000_000 + n as i64 * 1000, &device, if n % 2 == 0 { "even" } else { "odd" })
        })
        .collect();
    let bytes = written(&records, 100);
    let mut capture = Capture::open(Cursor::new(&bytes)).expect("a capture");
    let filter = Filter { devices: vec![Bytes::from_static(b"110B03")], ..Filter::default() };
    let wanted = capture.index().blocks.iter().filter(|entry| filter.may_match(&entry.summary)).count();
    assert!(wanted <= 2, "{wanted} of ten blocks");
    assert_eq!(capture.records(filter).count(), 100);
    let even = Filter { receivers: vec!["even".into()], ..Filter::default() };
    assert_eq!(capture.records(even).count(), 500);
    let time = Filter { time_ms: Some(1_784_000_010_000..1_784_000_020_000), ..Filter::default() };
    assert_eq!(capture.records(time).count(), 10);
}

#[test]
fn damage_in_the_middle_costs_its_block_alone() {
    let records: Vec<Record> = (0..50).map(|n| frame(0, n, n as i64, &[1, 0x11, 0, 0, 0], "r")).collect();
    let complete = written(&records, 10);
    let third = Capture::open(Cursor::new(&complete)).expect("a capture").index().blocks[2].start;
    let mut bytes = complete;
    bytes[third as usize + 40] ^= 0xFF;
    let mut capture = Capture::open(Cursor::new(&bytes)).expect("a capture");
    let (good, bad): (Vec<_>, Vec<_>) = capture.records(Filter::default()).partition(Result::is_ok);
    assert_eq!((good.len(), bad.len()), (40, 1));
    let Some(Err(Error::Damaged { at, .. })) = bad.into_iter().next() else { panic!("damaged") };
    assert_eq!(at, third);

    // Without the index the gap is found by looking through the file.
    bytes.truncate(bytes.len() - 1);
    let mut capture = Capture::open(Cursor::new(&bytes)).expect("a capture");
    assert_eq!(capture.damage().map(|(start, _)| start).collect::<Vec<_>>(), [third]);
    assert_eq!(capture.records(Filter::default()).filter(Result::is_ok).count(), 40);
}

#[test]
fn an_end_that_looks_like_a_block_is_no_gap() {
    let records: Vec<Record> = (0..20).map(|n| frame(0, n, n as i64, &[1, 0x11, 0, 0, 0], "r")).collect();
    let mut bytes = written(&records, 10);
    let second = Capture::open(Cursor::new(&bytes)).expect("a capture").index().blocks[1].start;
    bytes.truncate(second as usize + 40);
    bytes.extend(b"BLK1\0\0\0\0\0\0\0\0nothing more");
    let mut capture = Capture::open(Cursor::new(&bytes)).expect("a capture");
    assert_eq!(capture.damage().count(), 0);
    let Ending::CutOff { end, lost_bytes } = *capture.ending() else { panic!("cut off") };
    assert_eq!((end, lost_bytes), (second, bytes.len() as u64 - second));
    assert_eq!(capture.records(Filter::default()).filter(Result::is_ok).count(), 10);
}

#[test]
fn a_trailer_that_points_nowhere_costs_only_the_index() {
    let records: Vec<Record> = (0..20).map(|n| frame(0, n, n as i64, &[1, 0x11, 0, 0, 0], "r")).collect();
    let mut bytes = written(&records, 10);
    let trailer = bytes.len() - 16;
    bytes[trailer..trailer + 8].fill(0xFF);
    let path = std::env::temp_dir().join(format!("capture-{}", std::process::id()));
    std::fs::write(&path, &bytes).expect("a file");
    // A file refuses such a position, a buffer does not.
    let mut capture = Capture::open(std::fs::File::open(&path).expect("a file")).expect("a capture");
    std::fs::remove_file(&path).expect("the test's own file");
    assert!(matches!(capture.ending(), Ending::CutOff { .. }));
    assert_eq!(capture.records(Filter::default()).filter(Result::is_ok).count(), 20);
}

#[test]
fn other_files_and_newer_captures_are_named() {
    let error_of = |bytes: &[u8]| Capture::open(Cursor::new(bytes.to_vec())).expect_err("no capture").to_string();
    assert!(error_of(b"").starts_with("not a capture: it starts with []"));
    assert!(error_of(b"{\"at_us\":1}").starts_with("not a capture"));
    let mut newer = header().to_bytes();
    newer[8] = 2;
    assert_eq!(
        error_of(&newer),
        "the capture has format version 2; this program reads version 1 to 1: use a newer one"
    );
    let mut changed = header().to_bytes();
    changed[20] ^= 1;
    assert_eq!(error_of(&changed), "the capture's header is damaged: its checksum does not match");
    assert_eq!(error_of(&header().to_bytes()[..20]), "the capture's header is damaged: it is cut off");
}

/// The file that version 1 wrote: it is read for ever, and written the same.
#[test]
fn the_golden_file_is_read() {
    let records: Vec<Record> = (0..12)
        .map(|n| {
            frame(n as u32 % 3, n, 1_784_000_000_000 + n as i64 * 700, &[1, 0x11, n as u8, 0x0b, 9, 8, 7], "8896672")
        })
        .collect();
    let golden = include_bytes!("golden/v1.capture");
    assert_eq!(read(golden), records);
    assert_eq!(header(), *Capture::open(Cursor::new(golden)).expect("a capture").header());
}

/// Writes the golden file of a new version: `cargo test -p capture --test round_trip -- --ignored`.
#[test]
#[ignore = "writes the file that the test above reads"]
fn write_the_golden_file() {
    let records: Vec<Record> = (0..12)
        .map(|n| {
            frame(n as u32 % 3, n, 1_784_000_000_000 + n as i64 * 700, &[1, 0x11, n as u8, 0x0b, 9, 8, 7], "8896672")
        })
        .collect();
    std::fs::create_dir_all("tests/golden").expect("a folder");
    std::fs::write("tests/golden/v1.capture", written(&records, 5)).expect("a file");
}
