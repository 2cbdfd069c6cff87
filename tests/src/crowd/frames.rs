//! Parses a server's frames. Unwanted messages are skipped by their length.

use flate2::{Decompress, FlushDecompress};

/// A frame.
pub(super) enum Frame<'a> {
    /// A data message; `None`: the body is not wanted.
    Data(Option<&'a [u8]>),
    Ping,
    Close(u16),
    Pong,
}

/// The incomplete frame. Our server sends no fragments.
#[derive(Default)]
pub(super) struct Frames {
    pending: Vec<u8>,
    /// Bytes of an unwanted frame that are still to come.
    skip: usize,
    inflated: Vec<u8>,
}

impl Frames {
    /// Takes received bytes. Returns false when they are not frames of a server.
    pub(super) fn read(&mut self, bytes: &[u8], wanted: bool, mut received: impl FnMut(Frame<'_>)) -> bool {
        let mut bytes = bytes;
        if !self.pending.is_empty() {
            self.pending.extend_from_slice(bytes);
        }
        let held = std::mem::take(&mut self.pending);
        if !held.is_empty() {
            bytes = &held;
        }
        loop {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            bytes = &bytes[skipped..];
            let Some((first, header, length)) = header(bytes) else { break };
            if first & 0x80 == 0 || first & 0x0F == 0 {
                return false;
            }
            if first & 0x08 == 0 && !wanted {
                self.skip = header + length;
                received(Frame::Data(None));
                continue;
            }
            let Some(body) = bytes.get(header..header + length) else { break };
            match first & 0x0F {
                0x8 => received(Frame::Close(body.first_chunk().map_or(1005, |code| u16::from_be_bytes(*code)))),
                0x9 => received(Frame::Ping),
                0xA => received(Frame::Pong),
                _ if first & 0x40 != 0 => {
                    inflate(body, &mut self.inflated);
                    received(Frame::Data(Some(&self.inflated)));
                }
                _ => received(Frame::Data(Some(body))),
            }
            bytes = &bytes[header + length..];
        }
        self.pending = bytes.to_vec();
        true
    }
}

/// First byte, length of the header and of the body; `None` where more bytes are needed.
fn header(bytes: &[u8]) -> Option<(u8, usize, usize)> {
    let [first, second, rest @ ..] = bytes else { return None };
    Some(match second & 0x7F {
        126 => (*first, 4, usize::from(u16::from_be_bytes(*rest.first_chunk()?))),
        127 => (*first, 10, usize::try_from(u64::from_be_bytes(*rest.first_chunk()?)).ok()?),
        length => (*first, 2, usize::from(length)),
    })
}

fn inflate(body: &[u8], into: &mut Vec<u8>) {
    into.clear();
    let mut inflate = Decompress::new(false);
    let tail = [0, 0, 0xFF, 0xFF];
    for part in [body, &tail] {
        let mut at = inflate.total_in();
        let end = at + part.len() as u64;
        while at < end {
            into.reserve(part.len() * 4 + 256);
            let from = part.len() - usize::try_from(end - at).expect("within the part");
            if inflate.decompress_vec(&part[from..], into, FlushDecompress::Sync).is_err() {
                return into.clear();
            }
            at = inflate.total_in();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(chunks: &[&[u8]], wanted: bool) -> Vec<String> {
        let (mut frames, mut said) = (Frames::default(), Vec::new());
        for chunk in chunks {
            let good = frames.read(chunk, wanted, |frame| {
                said.push(match frame {
                    Frame::Data(body) => format!("data {body:?}"),
                    Frame::Ping => "ping".to_owned(),
                    Frame::Close(code) => format!("close {code}"),
                    Frame::Pong => "pong".to_owned(),
                });
            });
            assert!(good);
        }
        said
    }

    #[test]
    fn frames_are_parsed_from_any_chunks() {
        let stream =
            [&[0x82, 3, 1, 2, 3, 0x89, 1, 9, 0x82, 126, 0, 130][..], &[7; 130], &[0x88, 2, 0x0F, 0xA1]].concat();
        let complete = received(&[&stream], true);
        assert_eq!(
            (complete.len(), &*complete[0], &*complete[1], &*complete[3]),
            (4, "data Some([1, 2, 3])", "ping", "close 4001")
        );
        let single: Vec<&[u8]> = stream.chunks(1).collect();
        assert_eq!(received(&single, true), complete);
        let unwanted = ["data None", "ping", "data None", "close 4001"];
        assert_eq!(received(&single, false), unwanted);
        assert_eq!(received(&[&stream], false), unwanted);
    }

    #[test]
    fn compressed_messages_are_inflated() {
        // RFC 7692, section 7.2.3.1.
        assert_eq!(
            received(&[&[0xC1, 7, 0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00]], true),
            [format!("data {:?}", Some(b"Hello"))]
        );
    }
}
