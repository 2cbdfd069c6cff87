//! One connection's packets: bytes into packets and back, by the client's version. Pure.

use bytes::BytesMut;
use rmqtt_codec::{v3, v5};
use tokio_util::codec::{Decoder as _, Encoder as _};

use super::{Announced, Fault, Incoming, Outgoing, decode, encode};
use crate::mqtt::version::Version;

/// The longest header: packet type and a remaining length of four bytes.
const HEADER_BYTES: usize = 5;

/// Decodes and encodes for one connection.
#[derive(Debug)]
pub(in crate::mqtt) struct Codec {
    version: Version,
    announced: Announced,
    /// The longest packet that the client accepts. Checked here: rmqtt-codec subtracts below zero where its own bound is
    /// shorter than an answer.
    largest_packet: usize,
    v3: v3::Codec,
    v5: v5::Codec,
}

impl Codec {
    pub(in crate::mqtt) fn new(version: Version, announced: Announced) -> Self {
        let most = u32::try_from(announced.packet_bytes).unwrap_or(u32::MAX);
        Self { version, announced, largest_packet: usize::MAX, v3: v3::Codec::new(most), v5: v5::Codec::new(most, 0) }
    }

    /// The next packet of what has arrived, where all of it has.
    ///
    /// # Errors
    /// [`Fault`]: the connection must end.
    pub(in crate::mqtt) fn take(&mut self, inbox: &mut BytesMut) -> Result<Option<Incoming>, Fault> {
        let Some(length) = packet_length(inbox, self.announced.packet_bytes)? else { return Ok(None) };
        if inbox.len() < length {
            return Ok(None);
        }
        let mut packet = inbox.split_to(length);
        if self.version == Version::V31 {
            decode::clear_repeated(&mut packet[0]);
        }
        let incomplete = || Fault::Malformed("it ends within a field".to_owned());
        if self.version == Version::V5 {
            let decoded = self.v5.decode(&mut packet).map_err(|error| decode::fault(&error))?;
            let (decoded, _) = decoded.ok_or_else(incomplete)?;
            let incoming = decode::from_v5(decoded)?;
            if let Incoming::Connect(connect) = &incoming {
                self.largest_packet = usize::try_from(connect.largest_packet).unwrap_or(usize::MAX);
            }
            return Ok(Some(incoming));
        }
        let decoded = self.v3.decode(&mut packet).map_err(|error| decode::fault(&error))?;
        let (decoded, _) = decoded.ok_or_else(incomplete)?;
        decode::from_v3(decoded).map(Some)
    }

    /// Appends a packet; nothing where the client's version has none for it.
    ///
    /// # Errors
    /// It is longer than the client accepts.
    pub(in crate::mqtt) fn put(&mut self, packet: Outgoing, outbox: &mut BytesMut) -> Result<(), Fault> {
        let before = outbox.len();
        self.encode(packet, outbox).map_err(|error| Fault::Malformed(error.to_string()))?;
        let length = outbox.len() - before;
        if length > self.largest_packet {
            outbox.truncate(before);
            return Err(Fault::SmallClient { length, most: self.largest_packet });
        }
        Ok(())
    }

    fn encode(&mut self, packet: Outgoing, outbox: &mut BytesMut) -> Result<(), rmqtt_codec::error::EncodeError> {
        if self.version == Version::V5 {
            return self.v5.encode(encode::to_v5(packet, self.announced), outbox);
        }
        match encode::to_v3(packet) {
            // Before 3.1.1 the flag did not exist.
            Some(v3::Packet::ConnectAck(ack)) if self.version == Version::V31 => {
                self.v3.encode(v3::Packet::ConnectAck(v3::ConnectAck { session_present: false, ..ack }), outbox)
            }
            Some(packet) => self.v3.encode(packet, outbox),
            None => Ok(()),
        }
    }
}

/// How long the first packet is, header included; `None`: its header has not arrived.
fn packet_length(bytes: &[u8], most: usize) -> Result<Option<usize>, Fault> {
    let mut remaining = 0_usize;
    for (index, byte) in bytes.iter().skip(1).take(HEADER_BYTES - 1).enumerate() {
        remaining |= usize::from(byte & 0x7F) << (7 * index);
        if byte & 0x80 == 0 {
            let length = remaining + 2 + index;
            return if length > most { Err(Fault::TooLong(length)) } else { Ok(Some(length)) };
        }
    }
    if bytes.len() < HEADER_BYTES { Ok(None) } else { Err(Fault::Malformed("its length has no end".to_owned())) }
}
