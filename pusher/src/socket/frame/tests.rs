//! Cases from RFC 6455, with their section.

use flate2::{Compress, Compression, FlushCompress};

use super::*;

const LIMIT: usize = 4096;
const MASK: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

/// The events without fragments.
fn read_chunks(deflate: bool, chunks: &[&[u8]]) -> (Vec<Event>, Result<(), CloseCode>) {
    let (mut events, outcome) = all_events(deflate, chunks);
    events.retain(|event| *event != Event::Fragment);
    (events, outcome)
}

/// A client's frame, masked.
fn frame(first: u8, body: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match body.len() {
        length @ 0..=125 => frame.push(0x80 | length as u8),
        length @ 126..=0xFFFF => {
            frame.push(0x80 | 126);
            frame.extend((length as u16).to_be_bytes());
        }
        length => {
            frame.push(0x80 | 127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.extend(MASK);
    frame.extend(body.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

fn all_events(deflate: bool, chunks: &[&[u8]]) -> (Vec<Event>, Result<(), CloseCode>) {
    let mut reader = FrameReader::new(LIMIT, deflate);
    let mut events = Vec::new();
    let mut outcome = Ok(());
    for chunk in chunks {
        outcome = outcome.and_then(|()| reader.read(chunk, |event| events.push(event)));
    }
    (events, outcome)
}

fn read(bytes: &[u8]) -> (Vec<Event>, Result<(), CloseCode>) {
    read_chunks(false, &[bytes])
}

fn violation(bytes: &[u8]) -> CloseCode {
    read(bytes).1.unwrap_err()
}

fn text(text: &str) -> Event {
    Event::Text(text.into())
}

#[test]
fn the_masked_hello_of_the_rfc() {
    // Section 5.7.
    let hello = [0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58];
    assert_eq!(read(&hello), (vec![text("Hello")], Ok(())));
}

#[test]
fn bytes_may_arrive_one_by_one() {
    let stream = [frame(0x01, b"Hel"), frame(0x89, b"are you there"), frame(0x80, b"lo")].concat();
    let chunks: Vec<&[u8]> = stream.chunks(1).collect();
    let expected = vec![Event::Ping(b"are you there".to_vec()), text("Hello")];
    assert_eq!(read_chunks(false, &chunks), (expected, Ok(())), "5.4: control frames between fragments");
}

#[test]
fn every_fragment_is_an_event() {
    let endless = [frame(0x02, b""), frame(0x00, b""), frame(0x00, b""), frame(0x00, b"")].concat();
    assert_eq!(all_events(false, &[&endless]), (vec![Event::Fragment; 4], Ok(())));
}

#[test]
fn lengths_of_all_three_forms_are_read() {
    for length in [0, 125, 126, 4096] {
        let body = vec![b'x'; length];
        assert_eq!(read(&frame(0x82, &body)), (vec![Event::Binary(body)], Ok(())), "{length}");
    }
}

#[test]
fn a_violation_ends_in_the_close_code_of_the_rfc() {
    let unmasked = [0x81, 5, b'H', b'e', b'l', b'l', b'o'];
    let two_starts = [frame(0x01, b"a"), frame(0x81, b"b")].concat();
    let odd_length = [0x82, 0x80 | 126, 0, 125];
    let cases: [(&str, &[u8], CloseCode); 15] = [
        ("5.1: unmasked", &unmasked, CloseCode::Protocol),
        ("5.2: reserved bit 2", &frame(0xA1, b"x"), CloseCode::Protocol),
        ("5.2: reserved bit 3", &frame(0x91, b"x"), CloseCode::Protocol),
        ("5.2: compression that was not negotiated", &frame(0xC1, b"x"), CloseCode::Protocol),
        ("5.2: unknown data opcode", &frame(0x83, b"x"), CloseCode::Protocol),
        ("5.2: unknown control opcode", &frame(0x8B, b"x"), CloseCode::Protocol),
        ("5.2: a length that is not the shortest", &odd_length, CloseCode::Protocol),
        ("5.4: a continuation without a start", &frame(0x80, b"x"), CloseCode::Protocol),
        ("5.4: a second start", &two_starts, CloseCode::Protocol),
        ("5.5: a fragmented control frame", &frame(0x09, b"x"), CloseCode::Protocol),
        ("5.5: a long control frame", &frame(0x89, &[0; 126]), CloseCode::Protocol),
        ("5.5.1: a close body of one byte", &frame(0x88, &[3]), CloseCode::Protocol),
        ("7.4.1: a code that must not be sent", &frame(0x88, &1005_u16.to_be_bytes()), CloseCode::Protocol),
        ("5.5.1: a reason that is not UTF-8", &frame(0x88, &[0x03, 0xE8, 0xFF]), CloseCode::InvalidPayload),
        ("8.1: text that is not UTF-8", &frame(0x81, &[0xCE, 0xBA, 0xE1, 0xBD]), CloseCode::InvalidPayload),
    ];
    for (case, bytes, code) in cases {
        assert_eq!(violation(bytes), code, "{case}");
    }
}

#[test]
fn utf8_may_be_split_between_fragments() {
    let letter = "κ".as_bytes();
    let stream = [frame(0x01, &letter[..1]), frame(0x80, &letter[1..])].concat();
    assert_eq!(read(&stream), (vec![text("κ")], Ok(())));
}

#[test]
fn a_message_above_the_limit_is_refused_by_its_header() {
    assert_eq!(violation(&frame(0x82, &[0; LIMIT + 1])[..4]), CloseCode::TooBig);
    let huge = [&[0x82, 0xFF][..], &u64::MAX.to_be_bytes()].concat();
    assert_eq!(violation(&huge), CloseCode::TooBig);
    let in_pieces = [frame(0x02, &[0; LIMIT]), frame(0x80, &[0])].concat();
    assert_eq!(violation(&in_pieces), CloseCode::TooBig);
}

#[test]
fn a_close_may_have_a_code() {
    assert_eq!(read(&frame(0x88, &[])).0, [Event::Close]);
    assert_eq!(read(&frame(0x88, &[0x03, 0xE8, b'b', b'y', b'e'])).0, [Event::Close]);
    assert_eq!(read(&frame(0x88, &4999_u16.to_be_bytes())).0, [Event::Close]);
    assert_eq!(read(&frame(0x8A, b"x")).0, [Event::Pong]);
}

#[test]
fn everything_after_a_close_is_ignored() {
    let (close, hello) = (frame(0x88, &[0x03, 0xE8]), frame(0x81, b"hello"));
    for after in [&hello[..], &close, &[0xFF; 64], &frame(0x89, b"x")] {
        assert_eq!(read(&[&close[..], after].concat()), (vec![Event::Close], Ok(())));
        assert_eq!(read_chunks(false, &[&close, after]), (vec![Event::Close], Ok(())));
    }
    let between = [frame(0x01, b"hel"), close, frame(0x80, b"lo")].concat();
    assert_eq!(read(&between), (vec![Event::Close], Ok(())));
}

#[test]
fn memory_is_released_between_messages() {
    let mut reader = FrameReader::new(LIMIT, false);
    reader.read(&frame(0x82, &[1; 4000]), |_| {}).unwrap();
    assert_eq!((reader.unread.capacity(), reader.message.capacity()), (0, 0));
}

fn deflated(body: &[u8]) -> Vec<u8> {
    let mut small = Vec::with_capacity(body.len() + 64);
    let _ = Compress::new(Compression::default(), false).compress_vec(body, &mut small, FlushCompress::Sync).unwrap();
    small.truncate(small.len() - 4);
    small
}

#[test]
fn messages_are_inflated_up_to_the_limit() {
    // RFC 7692, section 7.2.3.1: "Hello" in one compressed frame.
    let hello = [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00];
    assert_eq!(read_chunks(true, &[&frame(0xC1, &hello)]), (vec![text("Hello")], Ok(())));
    let pieces = [frame(0x41, &hello[..3]), frame(0x80, &hello[3..])].concat();
    assert_eq!(read_chunks(true, &[&pieces]), (vec![text("Hello")], Ok(())));
    let bomb = frame(0xC2, &deflated(&vec![0; 1 << 20]));
    assert_eq!(read_chunks(true, &[&bomb]).1, Err(CloseCode::TooBig));
    assert_eq!(read_chunks(true, &[&frame(0xC2, &[0xFF; 20])]).1, Err(CloseCode::InvalidPayload));
    let second_flag = [frame(0x41, &hello[..3]), frame(0xC0, &hello[3..])].concat();
    assert_eq!(read_chunks(true, &[&second_flag]).1, Err(CloseCode::Protocol), "7692 6.1");
}
