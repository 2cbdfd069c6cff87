//! The reading side of a client: what a server's frames say. What is not wanted is skipped by its length.

use flate2::{Decompress, FlushDecompress};

/// What a frame says.
pub(super) enum Frame<'a> {
    /// A data message, `None` where nobody wanted its body.
    Data(Option<&'a [u8]>),
    Ping,
    Close(u16),
    Pong,
}

/// What is half read. A server of ours sends no fragments.
#[derive(Default)]
pub(super) struct Frames {
    pending: Vec<u8>,
    /// Bytes of an unwanted frame that are still to come.
    skip: usize,
    inflated: Vec<u8>,
}

impl Frames {
    /// Takes bytes off the wire. False where they are no frames of a server.
    pub(super) fn read(&mut self, bytes: &[u8], wanted: bool, mut heard: impl FnMut(Frame<'_>)) -> bool {
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
                heard(Frame::Data(None));
                continue;
            }
            let Some(body) = bytes.get(header..header + length) else { break };
            match first & 0x0F {
                0x8 => heard(Frame::Close(body.first_chunk().map_or(1005, |code| u16::from_be_bytes(*code)))),
                0x9 => heard(Frame::Ping),
                0xA => heard(Frame::Pong),
                _ if first & 0x40 != 0 => {
                    inflate(body, &mut self.inflated);
                    heard(Frame::Data(Some(&self.inflated)));
                }
                _ => heard(Frame::Data(Some(body))),
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

    fn heard(chunks: &[&[u8]], wanted: bool) -> Vec<String> {
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
    fn frames_are_found_wherever_the_bytes_are_cut() {
        let stream =
            [&[0x82, 3, 1, 2, 3, 0x89, 1, 9, 0x82, 126, 0, 130][..], &[7; 130], &[0x88, 2, 0x0F, 0xA1]].concat();
        let whole = heard(&[&stream], true);
        assert_eq!(
            (whole.len(), &*whole[0], &*whole[1], &*whole[3]),
            (4, "data Some([1, 2, 3])", "ping", "close 4001")
        );
        let single: Vec<&[u8]> = stream.chunks(1).collect();
        assert_eq!(heard(&single, true), whole);
        let unwanted = ["data None", "ping", "data None", "close 4001"];
        assert_eq!(heard(&single, false), unwanted);
        assert_eq!(heard(&[&stream], false), unwanted);
    }

    #[test]
    fn compressed_messages_are_inflated() {
        // RFC 7692, section 7.2.3.1.
        assert_eq!(
            heard(&[&[0xC1, 7, 0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00]], true),
            [format!("data {:?}", Some(b"Hello"))]
        );
    }
}
