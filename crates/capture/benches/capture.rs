//! What a capture costs, as lines `bench: <name> <value> <unit>`: simulated traffic as bridges write it, each frame heard by
//! one to four receivers.

#![allow(clippy::disallowed_methods, reason = "a benchmark reads the clock of the machine")]
#![allow(clippy::print_stdout, reason = "its figures are its output")]

use std::io::Cursor;
use std::time::Instant;

use bytes::Bytes;
use capture::{Capture, FileHeader, Filter, Framed, Record, Writer, address_of_frame};
use schemas::v1::RawRecord;
use schemas::v1::raw_record::Input;

/// Records in the capture that is sought in.
const LARGE: u64 = 10_000_000;
const SMALL: u64 = 1_000_000;
const PARTITIONS: u32 = 6;

fn main() {
    let records: Vec<Record> = Sky::new().take(SMALL as usize).collect();
    let started = Instant::now();
    let bytes = write(records.iter());
    let seconds = started.elapsed().as_secs_f64();
    println!("bench: capture_frames_per_core {:.0} frames/s", SMALL as f64 / seconds);
    println!("bench: capture_bytes_per_frame {:.1} bytes", bytes.len() as f64 / SMALL as f64);

    let mut capture = Capture::open(Cursor::new(&bytes)).expect("a capture");
    let started = Instant::now();
    let read = capture.records(Filter::default()).filter(|record| record.is_ok()).count();
    println!("bench: capture_read_frames_per_core {:.0} frames/s", read as f64 / started.elapsed().as_secs_f64());
    assert_eq!(read as u64, SMALL);

    let large = write(Sky::new().take(LARGE as usize));
    let last_ms =
        Capture::open(Cursor::new(&large)).expect("a capture").index().blocks.last().expect("blocks").summary.last_ms;
    let started = Instant::now();
    let mut capture = Capture::open(Cursor::new(&large)).expect("a capture");
    let found = capture.records(Filter { time_ms: Some(last_ms - 60_000..i64::MAX), ..Filter::default() }).next();
    println!("bench: capture_seek_ms {:.2} ms", started.elapsed().as_secs_f64() * 1000.0);
    assert!(found.is_some_and(|record| record.is_ok()));
}

fn write(records: impl Iterator<Item = impl std::borrow::Borrow<Record>>) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), &FileHeader::default()).expect("a Vec");
    for record in records {
        let record = record.borrow();
        writer.push(record.partition, record).expect("a Vec");
    }
    writer.finish().expect("a Vec").0
}

/// 500 aircraft, each heard once a second or so. Reproducible: the numbers come from a fixed generator.
struct Sky {
    state: u64,
    now_us: i64,
    offsets: [u64; PARTITIONS as usize],
    aircraft: Vec<[i32; 4]>,
    pending: Vec<Record>,
}

impl Sky {
    fn new() -> Self {
        let aircraft = (0..500).map(|n| [460_000 + 97 * n, 1_080_000 + 53 * n, 1500, 0]).collect();
        Self {
            state: 7,
            now_us: 1_784_000_000_000_000,
            offsets: [0; PARTITIONS as usize],
            aircraft,
            pending: Vec::new(),
        }
    }

    fn random(&mut self, below: u64) -> u64 {
        self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.state >> 33) % below
    }

    fn transmit(&mut self) {
        let device = self.random(500) as usize;
        let steps = [self.random(41) as i32 - 20, self.random(41) as i32 - 20, self.random(11) as i32 - 5];
        let craft = &mut self.aircraft[device];
        for (value, step) in craft.iter_mut().zip(steps) {
            *value += step;
        }
        let [lat, lon, altitude, _] = *craft;
        let mut frame = vec![0x01, 0x11, device as u8, (device >> 8) as u8];
        frame.extend(&lat.to_le_bytes()[..3]);
        frame.extend(&lon.to_le_bytes()[..3]);
        frame.extend((altitude as u16 | 0x9000).to_le_bytes());
        frame.extend([self.random(60) as u8 + 40, self.random(40) as u8, self.random(256) as u8]);
        let partition = (device as u32) % PARTITIONS;
        for _ in 0..=self.random(4) {
            self.now_us += 200 + self.random(900) as i64;
            let receiver = (8_896_600 + self.random(40)).to_string();
            let mut payload = ((self.now_us / 1_000_000) as u32).to_le_bytes().to_vec();
            payload.extend((-70 - self.random(50) as i16).to_le_bytes());
            payload.extend((self.random(20) as i16 - 5).to_le_bytes());
            payload.extend(&frame);
            let record = RawRecord {
                ingested_at_us: self.now_us as u64,
                receiver_id: Some(receiver),
                origin_id: None,
                input: Some(Input::MqttFrame(payload.into())),
            };
            let framing = Bytes::from_static(&[0, 0, 0, 0, 7, 0]);
            let offset = &mut self.offsets[partition as usize];
            *offset += 1;
            self.pending.push(Record {
                partition,
                offset: *offset,
                timestamp_ms: self.now_us / 1000,
                key: address_of_frame(&frame).map(|address| Bytes::copy_from_slice(&address)),
                value: Some(Framed { framing, record }.to_value()),
                headers: Vec::new(),
            });
        }
        self.pending.reverse();
    }
}

impl Iterator for Sky {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        if self.pending.is_empty() {
            self.transmit();
        }
        self.pending.pop()
    }
}
