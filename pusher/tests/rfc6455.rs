//! RFC 6455 over a real socket: what a client sends, byte for byte, and what it hears.
//!
//! Each case is played twice, in one piece and byte by byte. Where the connection has to stay, a last ping proves that it
//! did; where it has to close, the end of the stream is waited for. Another client is served all the while.

#[path = "live/raw.rs"]
mod raw;
#[path = "live/stage.rs"]
mod stage;

use flate2::{Compress, Compression, FlushCompress};
use prost::Message as _;
use raw::{Frame, Raw, frame};
use schemas::v1::{self, server_message::Message};
use stage::{Client, Stage, aircraft};

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

/// A message that is answered with its number.
const HELLO: &[u8] = br#"{"request_id": 7, "ping": {}}"#;
const LAST_PING: &[u8] = b"are you still there";

/// What a client hears.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Heard {
    /// The answer to [`HELLO`].
    Answer,
    /// The message was understood, and what it asks for cannot be had.
    Refusal(String),
    /// A pong with this payload.
    Pong(Vec<u8>),
    /// A close frame; then the connection ends.
    Close(u16),
    /// The connection ends, without a word.
    End,
    /// The answer to [`HELLO`], which a close that comes with it may overtake.
    Hasty,
}
use Heard::{Answer, Close, End, Hasty, Pong};

struct Case {
    name: &'static str,
    bytes: Vec<u8>,
    /// The connection stays, unless the last of them is an end.
    hears: Vec<Heard>,
}

fn case(name: &'static str, bytes: impl Into<Vec<u8>>, hears: impl Into<Vec<Heard>>) -> Case {
    Case { name, bytes: bytes.into(), hears: hears.into() }
}

fn hello() -> Vec<u8> {
    frame(FIN | TEXT, HELLO)
}

fn fragments(pieces: &[&[u8]]) -> Vec<u8> {
    let last = pieces.len() - 1;
    let one = |(index, piece): (usize, &&[u8])| {
        frame(if index == last { FIN } else { 0 } | if index == 0 { TEXT } else { 0 }, piece)
    };
    pieces.iter().enumerate().flat_map(one).collect()
}

fn close(code: u16, reason: &[u8]) -> Vec<u8> {
    frame(FIN | CLOSE, &[&code.to_be_bytes()[..], reason].concat())
}

/// A client's frame without its mask.
fn unmasked(first: u8, body: &[u8]) -> Vec<u8> {
    [&[first, body.len() as u8][..], body].concat()
}

/// A header that claims so many bytes, in the form of eight; the mask is of zeros, and no body follows.
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

/// Text whose letter of two bytes is in the middle; it asks for what there is none of.
fn with_a_letter() -> (Vec<u8>, usize) {
    let text = r#"{"subscribe": {"fleet": "κ"}}"#;
    (text.as_bytes().to_vec(), text.find('κ').expect("it is there") + 1)
}

fn plain_cases() -> Vec<Case> {
    [framing(), fragmentation(), control(), utf8(), sizes(), closing()].into_iter().flatten().collect()
}

/// Section 5.1 and 5.2.
fn framing() -> Vec<Case> {
    let short = |bytes: usize| [&[FIN | BINARY, 0x80 | 126][..], &(bytes as u16).to_be_bytes(), &[0; 4]].concat();
    let mut cases = vec![
        case("a message in one frame", hello(), [Answer]),
        case("a message of 126 bytes, its length in two", frame(FIN | TEXT, &padded(126)), [Answer]),
        case("a message of no bytes is no JSON", frame(FIN | TEXT, b""), [Close(4002)]),
        case("a frame without a mask", unmasked(FIN | TEXT, HELLO), [Close(1002)]),
        case("a ping without a mask", unmasked(FIN | PING, b"x"), [Close(1002)]),
        case("a close without a mask", unmasked(FIN | CLOSE, &[3, 0xE8]), [Close(1002)]),
        case("the first reserved bit: compression that was not agreed on", frame(0xC1, HELLO), [Close(1002)]),
        case("the second reserved bit", frame(0xA1, HELLO), [Close(1002)]),
        case("the third reserved bit", frame(0x91, HELLO), [Close(1002)]),
        case("a reserved bit in a ping", frame(FIN | RSV1 | PING, b""), [Close(1002)]),
        case("a length of 125 in two bytes", short(125), [Close(1002)]),
        case("a length of 65535 in eight bytes", claim(0xFFFF), [Close(1002)]),
        case("nothing of what follows a fault counts", [unmasked(FIN | TEXT, HELLO), hello()].concat(), [Close(1002)]),
        case("what came before a fault may be answered", [hello(), frame(0x83, b"")].concat(), [Hasty, Close(1002)]),
        case("binary where the subprotocol is text", frame(FIN | BINARY, HELLO), [Close(1003)]),
    ];
    for opcode in [3, 4, 5, 6, 7, 0xB, 0xC, 0xD, 0xE, 0xF] {
        cases.push(case("an opcode that is reserved", frame(FIN | opcode, b"x"), [Close(1002)]));
    }
    cases
}

/// Section 5.4.
fn fragmentation() -> Vec<Case> {
    let letters: Vec<&[u8]> = HELLO.chunks(1).collect();
    let (ping, pong) = (frame(FIN | PING, b"between"), frame(FIN | PONG, b"between"));
    let (begin, end) = (frame(TEXT, &HELLO[..9]), frame(FIN, &HELLO[9..]));
    vec![
        case("a message in two frames", fragments(&[&HELLO[..9], &HELLO[9..]]), [Answer]),
        case("a frame for each byte", fragments(&letters), [Answer]),
        case("frames of no bytes before, within and after", fragments(&[b"", HELLO, b"", b""]), [Answer]),
        case(
            "a ping between the frames is answered first",
            [&begin[..], &ping, &end].concat(),
            [Pong(b"between".to_vec()), Answer],
        ),
        case("a pong between the frames", [&begin[..], &pong, &end].concat(), [Answer]),
        case("a close between the frames", [&begin[..], &close(1000, b""), &end].concat(), [Close(1000)]),
        case("a continuation of nothing", frame(FIN, HELLO), [Close(1002)]),
        case("a continuation of nothing, to be continued", frame(0, HELLO), [Close(1002)]),
        case("a continuation after the end", [&begin[..], &end, &end].concat(), [Hasty, Close(1002)]),
        case("a new message within a message", [&begin[..], &hello()].concat(), [Close(1002)]),
        case("two messages, one after the other", [hello(), fragments(&[HELLO, b""])].concat(), [Answer, Answer]),
    ]
}

/// Section 5.5.
fn control() -> Vec<Case> {
    let full = vec![b'p'; 125];
    vec![
        case("a ping", frame(FIN | PING, b"are you there"), [Pong(b"are you there".to_vec())]),
        case("a ping of nothing", frame(FIN | PING, b""), [Pong(Vec::new())]),
        case("a ping of any bytes", frame(FIN | PING, &[0xFF, 0, 0xFE]), [Pong(vec![0xFF, 0, 0xFE])]),
        case("the longest ping", frame(FIN | PING, &full), [Pong(full)]),
        case(
            "two pings",
            [frame(FIN | PING, b"1"), frame(FIN | PING, b"2")].concat(),
            [Pong(b"1".to_vec()), Pong(b"2".to_vec())],
        ),
        case("a pong that nobody asked for", frame(FIN | PONG, b"x"), []),
        case("a ping in fragments", frame(PING, b"x"), [Close(1002)]),
        case("a close in fragments", frame(CLOSE, &[3, 0xE8]), [Close(1002)]),
        case("a ping of 126 bytes", frame(FIN | PING, &[0; 126]), [Close(1002)]),
        case("a pong of 126 bytes", frame(FIN | PONG, &[0; 126]), [Close(1002)]),
        case("a close of 126 bytes", close(1000, &[b'x'; 124]), [Close(1002)]),
    ]
}

/// Section 8.1.
fn utf8() -> Vec<Case> {
    let (text, cut) = with_a_letter();
    let refusal = Heard::Refusal("fleet_not_allowed".to_owned());
    let mut broken = text.clone();
    broken[cut] = b'x';
    vec![
        case("a letter of two bytes", frame(FIN | TEXT, &text), [refusal.clone()]),
        case("a letter that two frames share", fragments(&[&text[..cut], &text[cut..]]), [refusal]),
        case("half a letter", frame(FIN | TEXT, &broken), [Close(1007)]),
        case(
            "half a letter, the other half missing in the next frame",
            fragments(&[&broken[..cut], &broken[cut..]]),
            [Close(1007)],
        ),
        case("a message that ends within a letter", frame(FIN | TEXT, &text[..cut]), [Close(1007)]),
        case("a letter in more bytes than it needs", frame(FIN | TEXT, &[b'"', 0xC0, 0xAF, b'"']), [Close(1007)]),
        case("half of a pair of UTF-16", frame(FIN | TEXT, &[b'"', 0xED, 0xA0, 0x80, b'"']), [Close(1007)]),
        case("a letter beyond Unicode", frame(FIN | TEXT, &[b'"', 0xF4, 0x90, 0x80, 0x80, b'"']), [Close(1007)]),
        case("bytes that are in no letter", frame(FIN | TEXT, &[0xFE, 0xFF]), [Close(1007)]),
    ]
}

/// Section 10.4: the limit is of 4096 bytes.
fn sizes() -> Vec<Case> {
    vec![
        case("a message of 4096 bytes", frame(FIN | TEXT, &padded(4096)), [Answer]),
        case(
            "a message of 4096 bytes in two frames",
            fragments(&[&padded(4096)[..100], &padded(4096)[100..]]),
            [Answer],
        ),
        case("a message of 4097 bytes", frame(FIN | TEXT, &padded(4097)), [Close(1009)]),
        case("frames that are 4097 bytes together", fragments(&[&padded(4096), b" "]), [Close(1009)]),
        case("a header that claims 64 KB", claim(0x1_0000), [Close(1009)]),
        case("a header that claims 4 GB", claim(1 << 32), [Close(1009)]),
        case("a header that claims 4 GB less a byte", claim((1 << 32) - 1), [Close(1009)]),
        case("a header that claims all that there is", claim(u64::MAX), [Close(1009)]),
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
        case("noise after the close", [close(1000, b""), vec![0xFF; 64]].concat(), [Close(1000)]),
        case("a message before the close", [hello(), close(1000, b"")].concat(), [Hasty, Close(1000)]),
    ];
    for code in [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999] {
        cases.push(case("a code that may be sent", close(code, b"bye"), [Close(1000)]));
    }
    for code in [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, u16::MAX] {
        cases.push(case("a code that may not be sent", close(code, b"bye"), [Close(1002)]));
    }
    cases
}

/// RFC 7692, where compression was agreed on.
fn compressed() -> Vec<Case> {
    let small = deflated(HELLO);
    let (begin, end) = small.split_at(5);
    let bomb = deflated(&vec![b' '; 1 << 20]);
    vec![
        case("a compressed message", frame(FIN | RSV1 | TEXT, &small), [Answer]),
        case("a message that is not compressed", hello(), [Answer]),
        case("a compressed message in two frames", [frame(RSV1 | TEXT, begin), frame(FIN, end)].concat(), [Answer]),
        case(
            "a ping between its frames",
            [frame(RSV1 | TEXT, begin), frame(FIN | PING, b"x"), frame(FIN, end)].concat(),
            [Pong(b"x".to_vec()), Answer],
        ),
        case("two of them: each stands for itself", frame(FIN | RSV1 | TEXT, &small).repeat(2), [Answer, Answer]),
        case(
            "the bit again in the second frame",
            [frame(RSV1 | TEXT, begin), frame(FIN | RSV1, end)].concat(),
            [Close(1002)],
        ),
        case("the bit in a ping", frame(FIN | RSV1 | PING, b""), [Close(1002)]),
        case("what is no deflate", frame(FIN | RSV1 | TEXT, &[0xFF; 20]), [Close(1007)]),
        case("text that is not UTF-8 once inflated", frame(FIN | RSV1 | TEXT, &deflated(&[0xCE])), [Close(1007)]),
        case("a few bytes that would be a megabyte", frame(FIN | RSV1 | TEXT, &bomb), [Close(1009)]),
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
        case("text where the subprotocol is binary", frame(FIN | TEXT, HELLO), [Close(1003)]),
        case("what is no Protobuf", frame(FIN | BINARY, &[0xFF; 8]), [Close(4002)]),
    ]
}

/// [`HELLO`] with blanks up to that length.
fn padded(bytes: usize) -> Vec<u8> {
    let mut text = HELLO.to_vec();
    text.resize(bytes, b' ');
    text
}

#[tokio::test]
async fn every_case_of_the_rfc_is_answered_as_it_says() {
    let stage = Stage::open().await;
    let mut other = Client::connect(&stage, "lat=46.5&lon=8&radius=50", "updraft.v1.proto").await;
    other.until_live().await;
    let forms = [
        (JSON, plain_cases()),
        (COMPRESSED, plain_without_compression()),
        (COMPRESSED, compressed()),
        (PROTO, binary()),
    ];
    let mut faults = Vec::new();
    for (headers, cases) in forms {
        assert!(cases.len() >= 4);
        for Case { name, bytes, hears } in cases {
            for piece_bytes in [bytes.len(), 1] {
                let heard =
                    play(&stage, headers, &bytes, piece_bytes, matches!(hears.last(), Some(Close(_) | End))).await;
                if !is_as_expected(&heard, &hears) {
                    faults.push(format!(
                        "{name}: {hears:?} expected, {heard:?} heard; {:02x?}",
                        &bytes[..bytes.len().min(20)]
                    ));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    stage.publish_aircraft(&aircraft(1, 1, 46.5, 8.0)).await;
    assert!(other.next_updates().await.objects.is_some(), "the other client is served all the same");
    stage.close().await;
}

fn is_as_expected(heard: &[Heard], expected: &[Heard]) -> bool {
    match expected {
        [Hasty, rest @ ..] => heard == rest || heard.strip_prefix(&[Answer]) == Some(rest),
        _ => heard == expected,
    }
}

/// Compression changes nothing of what is not compressed; that bit alone now has a meaning.
fn plain_without_compression() -> Vec<Case> {
    let of_compression = |case: &Case| case.name.starts_with("the first reserved bit");
    plain_cases().into_iter().filter(|case| !of_compression(case)).collect()
}

/// Plays a case. Where the connection is to stay, a last ping is sent, and answered.
async fn play(stage: &Stage, headers: &str, bytes: &[u8], piece_bytes: usize, ends: bool) -> Vec<Heard> {
    let mut raw = Raw::open(stage, "", headers).await;
    raw.send(bytes, piece_bytes).await;
    if !ends {
        raw.send(&frame(FIN | PING, LAST_PING), usize::MAX).await;
    }
    hear(&mut raw).await
}

async fn hear(raw: &mut Raw) -> Vec<Heard> {
    let mut heard = Vec::new();
    loop {
        match raw.next().await {
            None if matches!(heard.last(), Some(Close(_))) => return heard,
            None => {
                heard.push(End);
                return heard;
            }
            Some(frame) if frame.first == FIN | PONG && frame.body == LAST_PING => return heard,
            Some(frame) => heard.extend(meaning(frame)),
        }
    }
}

/// `None` for what comes by itself: the welcome, and checkpoints.
fn meaning(frame: Frame) -> Option<Heard> {
    let message = match frame.first & !RSV1 & !FIN {
        PONG => return Some(Pong(frame.body)),
        CLOSE => {
            let (code, reason) = frame.body.split_first_chunk().expect("the server says why it closes");
            assert!(std::str::from_utf8(reason).is_ok_and(|reason| !reason.is_empty()));
            return Some(Close(u16::from_be_bytes(*code)));
        }
        BINARY => v1::ServerMessage::decode(&inflated(frame)[..]).expect("Protobuf"),
        TEXT => serde_json::from_slice(&inflated(frame)).expect("JSON"),
        other => panic!("an opcode {other} of the server"),
    };
    match message.message.expect("a known message") {
        Message::Pong(pong) => {
            assert_eq!(pong.request_id, 7);
            Some(Answer)
        }
        Message::Error(error) => Some(Heard::Refusal(error.code)),
        Message::Welcome(_) | Message::Checkpoint(_) => None,
        other => panic!("{other:?}"),
    }
}

fn inflated(frame: Frame) -> Vec<u8> {
    if frame.first & RSV1 == 0 {
        return frame.body;
    }
    let mut body = Vec::with_capacity(1 << 16);
    let small = [&frame.body[..], &[0, 0, 0xFF, 0xFF]].concat();
    let mut inflate = flate2::Decompress::new(false);
    inflate.decompress_vec(&small, &mut body, flate2::FlushDecompress::Sync).expect("deflate");
    body
}

#[tokio::test]
async fn who_says_that_nothing_more_comes_is_answered_and_let_go() {
    let stage = Stage::open().await;
    let cases = [
        case("nothing at all", [], [End]),
        case("a message", hello(), [Answer, End]),
        case("half a message", frame(TEXT, HELLO), [End]),
        case("half a frame", &hello()[..9], [End]),
        case("half a header", [FIN | TEXT], [End]),
        case("a close", close(1000, b""), [Close(1000)]),
    ];
    for Case { name, bytes, hears } in cases {
        for piece_bytes in [bytes.len(), 1] {
            let mut raw = Raw::open(&stage, "", JSON).await;
            raw.send(&bytes, piece_bytes).await;
            raw.half_close().await;
            assert_eq!(hear(&mut raw).await, hears, "{name}");
        }
    }
    stage.until("all of them to be gone", || async { stage.metric("fanet_websocket_connections_active") == 0.0 }).await;
    stage.close().await;
}
