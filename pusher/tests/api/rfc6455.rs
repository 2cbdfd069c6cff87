//! RFC 6455 over a real socket: the bytes that a client sends, and the frames that it receives.
//!
//! Each case runs twice, with all bytes at once and byte by byte. Where the connection must stay open, the answer to a
//! last ping proves it; where it must close, the test waits for the end of the stream. Another client is served
//! meanwhile.

use crate::raw::{Frame, Raw, frame};
use crate::stage::{Client, Stage, aircraft};
use flate2::{Compress, Compression, FlushCompress};
use prost::Message as _;
use schemas::v1::{self, server_message::Message};

const TEXT: u8 = 0x1;
const BINARY: u8 = 0x2;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xA;
const FIN: u8 = 0x80;
const RSV1: u8 = 0x40;

const JSON: &str = "Sec-WebSocket-Protocol: updraft.v1.json\r\n";
const PROTO: &str = "Sec-WebSocket-Protocol: updraft.v1.proto\r\n";
const COMPRESSED: &str = "Sec-WebSocket-Protocol: updraft.v1.json\r\nSec-WebSocket-Extensions: permessage-deflate\r\n";

/// A message whose answer has its request id.
const HELLO: &[u8] = br#"{"request_id": 7, "ping": {}}"#;
const LAST_PING: &[u8] = b"are you still there";

/// What a client receives.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Received {
    /// The answer to [`HELLO`].
    Answer,
    /// An error message with this code.
    Error(String),
    /// A pong with this payload.
    Pong(Vec<u8>),
    /// A close frame; then the connection ends.
    Close(u16),
    /// The connection ends without a close frame.
    End,
    /// The answer to [`HELLO`], which may be missing because a close follows at once.
    OptionalAnswer,
}
use Received::{Answer, Close, End, OptionalAnswer, Pong};

struct Case {
    name: &'static str,
    bytes: Vec<u8>,
    /// The connection stays open, unless the last one is `Close` or `End`.
    expected: Vec<Received>,
}

fn case(name: &'static str, bytes: impl Into<Vec<u8>>, expected: impl Into<Vec<Received>>) -> Case {
    Case { name, bytes: bytes.into(), expected: expected.into() }
}

fn hello() -> Vec<u8> {
    frame(FIN | TEXT, HELLO)
}

fn fragments(pieces: &[&[u8]]) -> Vec<u8> {
    let last = pieces.len() - 1;
    let fragment = |(index, piece): (usize, &&[u8])| {
        frame(if index == last { FIN } else { 0 } | if index == 0 { TEXT } else { 0 }, piece)
    };
    pieces.iter().enumerate().flat_map(fragment).collect()
}

fn close(code: u16, reason: &[u8]) -> Vec<u8> {
    frame(FIN | CLOSE, &[&code.to_be_bytes()[..], reason].concat())
}

/// A client's frame without its mask.
fn unmasked(first: u8, body: &[u8]) -> Vec<u8> {
    [&[first, body.len() as u8][..], body].concat()
}

/// A header with a length in eight bytes and a mask of zeros; no body follows.
fn claim(length: u64) -> Vec<u8> {
    [&[FIN | BINARY, 0xFF][..], &length.to_be_bytes(), &[0; 4]].concat()
}

fn deflated(body: &[u8]) -> Vec<u8> {
    let mut small = Vec::with_capacity(body.len() + 64);
    let mut compress = Compress::new(Compression::best(), false);
    compress.compress_vec(body, &mut small, FlushCompress::Sync).expect("fits");
    small.truncate(small.len() - 4);
    small
}

/// A message with a character of two bytes in the middle, and the offset of its second byte. The answer is an error.
fn with_two_byte_character() -> (Vec<u8>, usize) {
    let text = r#"{"subscribe": {"fleet": "κ"}}"#;
    (text.as_bytes().to_vec(), text.find('κ').expect("the character") + 1)
}

fn plain_cases() -> Vec<Case> {
    [framing(), fragmentation(), control(), utf8(), sizes(), closing()].into_iter().flatten().collect()
}

/// Section 5.1 and 5.2.
fn framing() -> Vec<Case> {
    let short = |bytes: usize| [&[FIN | BINARY, 0x80 | 126][..], &(bytes as u16).to_be_bytes(), &[0; 4]].concat();
    let mut cases = vec![
        case("a message in one frame", hello(), [Answer]),
        case("a message of 126 bytes, its length in two bytes", frame(FIN | TEXT, &padded(126)), [Answer]),
        case("an empty message is no JSON", frame(FIN | TEXT, b""), [Close(4002)]),
        case("a frame without a mask", unmasked(FIN | TEXT, HELLO), [Close(1002)]),
        case("a ping without a mask", unmasked(FIN | PING, b"x"), [Close(1002)]),
        case("a close without a mask", unmasked(FIN | CLOSE, &[3, 0xE8]), [Close(1002)]),
        case("the first reserved bit: compression that was not negotiated", frame(0xC1, HELLO), [Close(1002)]),
        case("the second reserved bit", frame(0xA1, HELLO), [Close(1002)]),
        case("the third reserved bit", frame(0x91, HELLO), [Close(1002)]),
        case("a reserved bit in a ping", frame(FIN | RSV1 | PING, b""), [Close(1002)]),
        case("a length of 125 in two bytes", short(125), [Close(1002)]),
        case("a length of 65535 in eight bytes", claim(0xFFFF), [Close(1002)]),
        case("bytes after a violation are ignored", [unmasked(FIN | TEXT, HELLO), hello()].concat(), [Close(1002)]),
        case(
            "a message before a violation may be answered",
            [hello(), frame(0x83, b"")].concat(),
            [OptionalAnswer, Close(1002)],
        ),
        case("binary on the JSON subprotocol", frame(FIN | BINARY, HELLO), [Close(1003)]),
    ];
    for opcode in [3, 4, 5, 6, 7, 0xB, 0xC, 0xD, 0xE, 0xF] {
        cases.push(case("a reserved opcode", frame(FIN | opcode, b"x"), [Close(1002)]));
    }
    cases
}

/// Section 5.4.
fn fragmentation() -> Vec<Case> {
    let single_bytes: Vec<&[u8]> = HELLO.chunks(1).collect();
    let (ping, pong) = (frame(FIN | PING, b"between"), frame(FIN | PONG, b"between"));
    let (begin, end) = (frame(TEXT, &HELLO[..9]), frame(FIN, &HELLO[9..]));
    vec![
        case("a message in two frames", fragments(&[&HELLO[..9], &HELLO[9..]]), [Answer]),
        case("a frame for each byte", fragments(&single_bytes), [Answer]),
        case("empty frames before, within and after", fragments(&[b"", HELLO, b"", b""]), [Answer]),
        case(
            "a ping between the frames is answered first",
            [&begin[..], &ping, &end].concat(),
            [Pong(b"between".to_vec()), Answer],
        ),
        case("a pong between the frames", [&begin[..], &pong, &end].concat(), [Answer]),
        case("a close between the frames", [&begin[..], &close(1000, b""), &end].concat(), [Close(1000)]),
        case("a continuation without a start", frame(FIN, HELLO), [Close(1002)]),
        case("a continuation without a start or an end", frame(0, HELLO), [Close(1002)]),
        case("a continuation after the end", [&begin[..], &end, &end].concat(), [OptionalAnswer, Close(1002)]),
        case("a new message within a message", [&begin[..], &hello()].concat(), [Close(1002)]),
        case("two messages, one after the other", [hello(), fragments(&[HELLO, b""])].concat(), [Answer, Answer]),
    ]
}

/// Section 5.5.
fn control() -> Vec<Case> {
    let full = vec![b'p'; 125];
    vec![
        case("a ping", frame(FIN | PING, b"are you there"), [Pong(b"are you there".to_vec())]),
        case("an empty ping", frame(FIN | PING, b""), [Pong(Vec::new())]),
        case("a ping of any bytes", frame(FIN | PING, &[0xFF, 0, 0xFE]), [Pong(vec![0xFF, 0, 0xFE])]),
        case("the longest ping", frame(FIN | PING, &full), [Pong(full)]),
        case(
            "two pings",
            [frame(FIN | PING, b"1"), frame(FIN | PING, b"2")].concat(),
            [Pong(b"1".to_vec()), Pong(b"2".to_vec())],
        ),
        case("an unsolicited pong", frame(FIN | PONG, b"x"), []),
        case("a ping in fragments", frame(PING, b"x"), [Close(1002)]),
        case("a close in fragments", frame(CLOSE, &[3, 0xE8]), [Close(1002)]),
        case("a ping of 126 bytes", frame(FIN | PING, &[0; 126]), [Close(1002)]),
        case("a pong of 126 bytes", frame(FIN | PONG, &[0; 126]), [Close(1002)]),
        case("a close of 126 bytes", close(1000, &[b'x'; 124]), [Close(1002)]),
    ]
}

/// Section 8.1.
fn utf8() -> Vec<Case> {
    let (text, cut) = with_two_byte_character();
    let error = Received::Error("fleet_not_allowed".to_owned());
    let mut broken = text.clone();
    broken[cut] = b'x';
    vec![
        case("a character of two bytes", frame(FIN | TEXT, &text), [error.clone()]),
        case("a character split over two frames", fragments(&[&text[..cut], &text[cut..]]), [error]),
        case("half a character", frame(FIN | TEXT, &broken), [Close(1007)]),
        case(
            "half a character, the other half missing in the next frame",
            fragments(&[&broken[..cut], &broken[cut..]]),
            [Close(1007)],
        ),
        case("a message that ends within a character", frame(FIN | TEXT, &text[..cut]), [Close(1007)]),
        case("a character in more bytes than necessary", frame(FIN | TEXT, &[b'"', 0xC0, 0xAF, b'"']), [Close(1007)]),
        case("half of a surrogate pair", frame(FIN | TEXT, &[b'"', 0xED, 0xA0, 0x80, b'"']), [Close(1007)]),
        case("a character beyond Unicode", frame(FIN | TEXT, &[b'"', 0xF4, 0x90, 0x80, 0x80, b'"']), [Close(1007)]),
        case("bytes that never occur in UTF-8", frame(FIN | TEXT, &[0xFE, 0xFF]), [Close(1007)]),
    ]
}

/// Section 10.4: the limit is 4096 bytes.
fn sizes() -> Vec<Case> {
    vec![
        case("a message of 4096 bytes", frame(FIN | TEXT, &padded(4096)), [Answer]),
        case(
            "a message of 4096 bytes in two frames",
            fragments(&[&padded(4096)[..100], &padded(4096)[100..]]),
            [Answer],
        ),
        case("a message of 4097 bytes", frame(FIN | TEXT, &padded(4097)), [Close(1009)]),
        case("frames of 4097 bytes together", fragments(&[&padded(4096), b" "]), [Close(1009)]),
        case("a header that claims 64 KB", claim(0x1_0000), [Close(1009)]),
        case("a header that claims 4 GB", claim(1 << 32), [Close(1009)]),
        case("a header that claims 4 GB minus a byte", claim((1 << 32) - 1), [Close(1009)]),
        case("a header that claims the largest length", claim(u64::MAX), [Close(1009)]),
    ]
}

/// Section 5.5.1, 5.5.2, 7.1 and 7.4.
fn closing() -> Vec<Case> {
    let mut cases = vec![
        case("a close without a code", frame(FIN | CLOSE, b""), [Close(1000)]),
        case("a close with a reason", close(1000, "καλημέρα".as_bytes()), [Close(1000)]),
        case("a close with the longest reason", close(1000, &[b'x'; 123]), [Close(1000)]),
        case("a close of one byte", frame(FIN | CLOSE, &[3]), [Close(1002)]),
        case("a reason that is not UTF-8", close(1000, &[0xCE]), [Close(1007)]),
        case("a message after the close", [close(1000, b""), hello()].concat(), [Close(1000)]),
        case("a ping after the close", [close(1000, b""), frame(FIN | PING, b"x")].concat(), [Close(1000)]),
        case("a second close", [close(1000, b""), close(1000, b"")].concat(), [Close(1000)]),
        case("invalid bytes after the close", [close(1000, b""), vec![0xFF; 64]].concat(), [Close(1000)]),
        case("a message before the close", [hello(), close(1000, b"")].concat(), [OptionalAnswer, Close(1000)]),
    ];
    for code in [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999] {
        cases.push(case("a code that may be sent", close(code, b"bye"), [Close(1000)]));
    }
    for code in [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, u16::MAX] {
        cases.push(case("a code that must not be sent", close(code, b"bye"), [Close(1002)]));
    }
    cases
}

/// RFC 7692, where compression was negotiated.
fn compressed() -> Vec<Case> {
    let compressed = deflated(HELLO);
    let (begin, end) = compressed.split_at(5);
    let bomb = deflated(&vec![b' '; 1 << 20]);
    vec![
        case("a compressed message", frame(FIN | RSV1 | TEXT, &compressed), [Answer]),
        case("a message that is not compressed", hello(), [Answer]),
        case("a compressed message in two frames", [frame(RSV1 | TEXT, begin), frame(FIN, end)].concat(), [Answer]),
        case(
            "a ping between its frames",
            [frame(RSV1 | TEXT, begin), frame(FIN | PING, b"x"), frame(FIN, end)].concat(),
            [Pong(b"x".to_vec()), Answer],
        ),
        case(
            "two of them, without context takeover",
            frame(FIN | RSV1 | TEXT, &compressed).repeat(2),
            [Answer, Answer],
        ),
        case(
            "the compression bit again in the second frame",
            [frame(RSV1 | TEXT, begin), frame(FIN | RSV1, end)].concat(),
            [Close(1002)],
        ),
        case("the compression bit in a ping", frame(FIN | RSV1 | PING, b""), [Close(1002)]),
        case("invalid deflate", frame(FIN | RSV1 | TEXT, &[0xFF; 20]), [Close(1007)]),
        case("text that inflates to invalid UTF-8", frame(FIN | RSV1 | TEXT, &deflated(&[0xCE])), [Close(1007)]),
        case("a few bytes that inflate to a megabyte", frame(FIN | RSV1 | TEXT, &bomb), [Close(1009)]),
    ]
}

/// The binary subprotocol.
fn binary() -> Vec<Case> {
    let ping = v1::client_message::Message::Ping(v1::Ping {});
    let hello = v1::ClientMessage { request_id: 7, message: Some(ping) }.encode_to_vec();
    vec![
        case("a binary message", frame(FIN | BINARY, &hello), [Answer]),
        case(
            "a binary message in two frames",
            [frame(BINARY, &hello[..1]), frame(FIN, &hello[1..])].concat(),
            [Answer],
        ),
        case("text on the Protobuf subprotocol", frame(FIN | TEXT, HELLO), [Close(1003)]),
        case("invalid Protobuf", frame(FIN | BINARY, &[0xFF; 8]), [Close(4002)]),
    ]
}

/// [`HELLO`] with spaces up to this length.
fn padded(bytes: usize) -> Vec<u8> {
    let mut text = HELLO.to_vec();
    text.resize(bytes, b' ');
    text
}

#[tokio::test]
async fn every_case_ends_as_the_rfc_says() {
    let stage = Stage::open().await;
    let mut other = Client::connect(&stage, "lat=46.5&lon=8&radius=50", "updraft.v1.proto").await;
    other.until_live().await;
    let groups =
        [(JSON, plain_cases()), (COMPRESSED, plain_with_compression()), (COMPRESSED, compressed()), (PROTO, binary())];
    let mut failures = Vec::new();
    for (headers, cases) in groups {
        assert!(cases.len() >= 4);
        for Case { name, bytes, expected } in cases {
            for piece_bytes in [bytes.len(), 1] {
                let ends = matches!(expected.last(), Some(Close(_) | End));
                let received = run(&stage, headers, &bytes, piece_bytes, ends).await;
                if !is_as_expected(&received, &expected) {
                    failures.push(format!(
                        "{name}: {expected:?} expected, {received:?} received; {:02x?}",
                        &bytes[..bytes.len().min(20)]
                    ));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    stage.publish_aircraft(&aircraft(1, 1, 46.5, 8.0)).await;
    assert!(other.next_updates().await.objects.is_some(), "the other client is served");
    stage.close().await;
}

fn is_as_expected(received: &[Received], expected: &[Received]) -> bool {
    match expected {
        [OptionalAnswer, rest @ ..] => received == rest || received.strip_prefix(&[Answer]) == Some(rest),
        _ => received == expected,
    }
}

/// The cases without compression, except that of the first reserved bit, which is valid with compression.
fn plain_with_compression() -> Vec<Case> {
    let is_compressed = |case: &Case| case.name.starts_with("the first reserved bit");
    plain_cases().into_iter().filter(|case| !is_compressed(case)).collect()
}

/// Runs a case. Where the connection must stay open, it sends a last ping.
async fn run(stage: &Stage, headers: &str, bytes: &[u8], piece_bytes: usize, ends: bool) -> Vec<Received> {
    let mut raw = Raw::open(stage, "", headers).await;
    raw.send(bytes, piece_bytes).await;
    if !ends {
        raw.send(&frame(FIN | PING, LAST_PING), usize::MAX).await;
    }
    receive(&mut raw).await
}

/// Reads until the answer to the last ping, or the end of the connection.
async fn receive(raw: &mut Raw) -> Vec<Received> {
    let mut received = Vec::new();
    loop {
        match raw.next().await {
            None if matches!(received.last(), Some(Close(_))) => return received,
            None => {
                received.push(End);
                return received;
            }
            Some(frame) if frame.first == FIN | PONG && frame.body == LAST_PING => return received,
            Some(frame) => received.extend(parse(frame)),
        }
    }
}

/// `None` for unsolicited messages: the welcome, and checkpoints.
fn parse(frame: Frame) -> Option<Received> {
    let message = match frame.first & !RSV1 & !FIN {
        PONG => return Some(Pong(frame.body)),
        CLOSE => {
            let (code, reason) = frame.body.split_first_chunk().expect("a close code");
            assert!(std::str::from_utf8(reason).is_ok_and(|reason| !reason.is_empty()));
            return Some(Close(u16::from_be_bytes(*code)));
        }
        BINARY => v1::ServerMessage::decode(&inflated(frame)[..]).expect("Protobuf"),
        TEXT => serde_json::from_slice(&inflated(frame)).expect("JSON"),
        other => panic!("opcode {other} from the server"),
    };
    match message.message.expect("a known message") {
        Message::Pong(pong) => {
            assert_eq!(pong.request_id, 7);
            Some(Answer)
        }
        Message::Error(error) => Some(Received::Error(error.code)),
        Message::Welcome(_) | Message::Checkpoint(_) => None,
        other => panic!("{other:?}"),
    }
}

fn inflated(frame: Frame) -> Vec<u8> {
    if frame.first & RSV1 == 0 {
        return frame.body;
    }
    let mut body = Vec::with_capacity(1 << 16);
    let compressed = [&frame.body[..], &[0, 0, 0xFF, 0xFF]].concat();
    let mut inflate = flate2::Decompress::new(false);
    inflate.decompress_vec(&compressed, &mut body, flate2::FlushDecompress::Sync).expect("deflate");
    body
}

#[tokio::test]
async fn a_half_closed_connection_is_answered_and_closed() {
    let stage = Stage::open().await;
    let cases = [
        case("no bytes", [], [End]),
        case("a message", hello(), [Answer, End]),
        case("half a message", frame(TEXT, HELLO), [End]),
        case("half a frame", &hello()[..9], [End]),
        case("half a header", [FIN | TEXT], [End]),
        case("a close", close(1000, b""), [Close(1000)]),
    ];
    for Case { name, bytes, expected } in cases {
        for piece_bytes in [bytes.len(), 1] {
            let mut raw = Raw::open(&stage, "", JSON).await;
            raw.send(&bytes, piece_bytes).await;
            raw.half_close().await;
            assert_eq!(receive(&mut raw).await, expected, "{name}");
        }
    }
    stage
        .until("all connections to be closed", || async { stage.metric("fanet_websocket_connections_active") == 0.0 })
        .await;
    stage.close().await;
}
