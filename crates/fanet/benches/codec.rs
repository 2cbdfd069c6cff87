//! What decoding, encoding and keys cost, as lines `bench: <name> <value> <unit>`.
//!
//! Each figure is the median over many timed loops, so that other processes do not distort it. The
//! frames are captured ones from the vectors; only the landmark is made, since none was captured
//! complete.

#![allow(clippy::disallowed_methods, reason = "a benchmark reads the clock of the machine")]
#![allow(clippy::print_stdout, reason = "its figures are its output")]

use std::hint::black_box;
use std::time::Instant;

use fanet::packet::{Landmark, Layer, Shape};
use fanet::{Address, DecodeError, DedupKey, Elements, Frame, Header, Packet, Position, RawFrame, Wrapped};

const TRACKING: &str = "0111900b4caf411bc209a690030000";
const SERVICE: &str = "4406937360ecb741a9a5092e800e24";
const THERMAL: &str = "0911900b21b34156bf09a8720815ac";

/// How many loops the median is taken over.
const LOOPS: usize = 101;
/// How many times the work is done in each, in units of the complete input.
const TIMES: u32 = 20_000;

fn main() {
    let tracking = bytes(TRACKING);
    let landmark = area_of_ten_points();
    let mix = captured();
    println!("captured frames in the mix: {}", mix.len());

    bench("decode_tracking", &[tracking.as_slice()], |frame| Frame::decode(frame));
    bench("decode_service", &[bytes(SERVICE).as_slice()], |frame| Frame::decode(frame));
    bench("decode_thermal", &[bytes(THERMAL).as_slice()], |frame| Frame::decode(frame));
    bench("decode_landmark_area", &[landmark.as_slice()], |frame| decode_points(frame));
    bench("decode_mix", &mix, |frame| Frame::decode(frame));

    bench_encode("encode_tracking", std::slice::from_ref(&tracking));
    bench_encode("encode_mix", &mix);

    bench("dedup_key", &[tracking.as_slice()], |frame| key(frame));
    bench("dedup_key_mix", &mix, |frame| key(frame));
    bench("dedup_key_and_decode_mix", &mix, |frame| RawFrame::parse(frame).map(|raw| (raw.dedup_key(), raw.decode())));

    let counted = allocation_counter::measure(|| {
        for frame in &mix {
            let _ = black_box(Frame::decode(black_box(frame)));
        }
    });
    println!("bench: decode_allocations {} count", counted.count_total);
}

fn key(bytes: &[u8]) -> Result<DedupKey, DecodeError> {
    RawFrame::parse(bytes).map(|raw| raw.dedup_key())
}

/// Decodes a landmark and every point of it.
fn decode_points(bytes: &[u8]) -> Header {
    let frame = Frame::decode(bytes).expect("decodes");
    let Packet::Landmark(Landmark { shape: Shape::Area(points), .. }) = &frame.packet else { panic!("not an area") };
    for point in points.iter() {
        black_box(point);
    }
    frame.header
}

fn bench_encode(name: &str, frames: &[Vec<u8>]) {
    let decoded: Vec<Frame<'_>> = frames.iter().map(|frame| Frame::decode(frame).expect("decodes")).collect();
    let mut out = Vec::with_capacity(256);
    bench(name, &decoded, |frame| {
        out.clear();
        frame.encode_into(&mut out).expect("captured sources may send");
        out.len()
    });
}

/// Whether the command line names this figure, or none.
fn is_wanted(name: &str) -> bool {
    let mut wanted = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).peekable();
    wanted.peek().is_none() || wanted.any(|part| name.contains(&part))
}

/// Prints the median time that `work` takes on one of `inputs`, going through them in turn.
fn bench<'i, T, R>(name: &str, inputs: &'i [T], mut work: impl FnMut(&'i T) -> R) {
    if !is_wanted(name) {
        return;
    }
    let times = TIMES / u32::try_from(inputs.len()).expect("few");
    let calls = f64::from(times) * inputs.len() as f64;
    let mut nanoseconds: Vec<f64> = (0..LOOPS)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..times {
                for input in inputs {
                    let result = work(black_box(input));
                    black_box(&result);
                }
            }
            start.elapsed().as_nanos() as f64 / calls
        })
        .collect();
    nanoseconds.sort_by(f64::total_cmp);
    println!("bench: {name} {:.1} ns", nanoseconds[LOOPS / 2]);
}

fn bytes(digits: &str) -> Vec<u8> {
    hex::decode(digits).expect("hex")
}

/// Every captured frame of the vectors that decodes.
fn captured() -> Vec<Vec<u8>> {
    let vectors = include_str!("../tests/fixtures/vectors.jsonl").lines();
    vectors
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("an object"))
        .filter(|vector| vector["source"] == "captured" && vector.get("expect").is_some())
        .map(|vector| match (vector["frame_hex"].as_str(), vector["mqtt_hex"].as_str()) {
            (Some(frame), _) => bytes(frame),
            (_, Some(message)) => Wrapped::decode(&bytes(message)).expect("complete").frame.to_vec(),
            _ => panic!("neither frame nor message"),
        })
        .collect()
}

fn area_of_ten_points() -> Vec<u8> {
    let points: Vec<Position> = (0..10)
        .map(|step| f64::from(step) / 10.0 * std::f64::consts::TAU)
        .map(|angle| Position::new(46.2 + 0.3 * angle.sin(), 13.7 + 0.3 * angle.cos()))
        .collect();
    let shape = Shape::Area(Elements::new(&points));
    let landmark = Landmark { ttl_min: 60, layer: Layer::Warning, reserved: 0, wind_sectors: None, shape };
    let header = Header::broadcast(Address::new(0x11, 0x0B90));
    Frame::new(header, Packet::Landmark(landmark)).encode().expect("near points")
}
