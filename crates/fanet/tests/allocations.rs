//! Decoding allocates nothing, for any input.

use fanet::{Frame, Packet, RawFrame, Wrapped};

/// One frame of every type, with lists and texts, and some that are refused.
fn frames() -> Vec<Vec<u8>> {
    let lines = include_str!("fixtures/vectors.jsonl").lines();
    let vectors = lines.map(|line| serde_json::from_str::<serde_json::Value>(line).expect("an object"));
    let frames: Vec<Vec<u8>> = vectors
        .filter_map(|vector| vector["frame_hex"].as_str().map(|digits| hex::decode(digits).expect("hex")))
        .collect();
    assert!(frames.len() > 60, "the fixture is complete");
    frames
}

/// Decodes and looks at everything that is decoded lazily.
fn decode(bytes: &[u8]) -> f64 {
    let Ok(frame) = Frame::decode(bytes) else { return 0.0 };
    match frame.packet {
        Packet::Landmark(landmark) => match landmark.shape {
            fanet::packet::Shape::Area(points) => points.iter().map(|point| point.latitude_deg).sum(),
            _ => 0.0,
        },
        Packet::Name(name) => f64::from(u8::from(name.name.as_str().is_some())),
        _ => 1.0,
    }
}

#[test]
fn decoding_allocates_nothing() {
    let frames = frames();
    let mut sum = 0.0;
    let counted = allocation_counter::measure(|| {
        for frame in &frames {
            sum += decode(frame);
            let _ = std::hint::black_box(Wrapped::decode(frame));
            let _ = std::hint::black_box(RawFrame::parse(frame).map(|raw| raw.dedup_key()));
        }
    });
    assert!(sum > 0.0);
    assert_eq!(counted.count_total, 0);
}

#[test]
fn encoding_into_a_buffer_with_room_allocates_nothing() {
    let frames = frames();
    let decoded: Vec<Frame<'_>> = frames.iter().filter_map(|frame| Frame::decode(frame).ok()).collect();
    let mut out = Vec::with_capacity(512);
    let counted = allocation_counter::measure(|| {
        for frame in &decoded {
            out.clear();
            let _ = std::hint::black_box(frame.encode_into(&mut out));
        }
    });
    assert_eq!(counted.count_total, 0);
}

#[test]
fn the_counter_counts() {
    let counted = allocation_counter::measure(|| drop(std::hint::black_box(vec![1_u8])));
    assert_eq!(counted.count_total, 1);
}
