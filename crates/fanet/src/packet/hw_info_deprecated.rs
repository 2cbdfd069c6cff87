//! Type 8, hardware information, the old form.
//!
//! | form | bytes | content |
//! |---|---|---|
//! | request | 0 | the single byte 0, unicast only |
//! | answer | 0 | device type |
//! | | 1-2 | build date |
//! | | 3.. | the manufacturer's own data |
//!
//! Source: FANET protocol text, payload type 8. A device type of 0 with a date is an answer.

use crate::address::Address;
use crate::error::{DecodeError, EncodeError, Reason};
use crate::field::date::BuildDate;
use crate::reader::Reader;
use crate::writer::Writer;

/// The hardware of a device, or a request for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HwInfoDeprecated<'a> {
    /// Asks the destination.
    PullRequest,
    /// The answer, also sent unasked.
    Answer {
        /// Means something only together with the manufacturer.
        device_type: u8,
        /// When its firmware was built.
        build: BuildDate,
        /// The manufacturer's own data.
        extra: &'a [u8],
    },
}

impl<'a> HwInfoDeprecated<'a> {
    /// Time since the device started, seconds, by a convention of several manufacturers: the first two
    /// extra bytes as a little-endian word, bits 4-15 in steps of 30 s. Wraps after 122,880 s.
    #[must_use]
    pub fn uptime_s(&self) -> Option<u32> {
        match self {
            Self::PullRequest => None,
            Self::Answer { extra, .. } => {
                extra.first_chunk::<2>().map(|&bytes| u32::from(u16::from_le_bytes(bytes) >> 4) * 30)
            }
        }
    }

    pub(crate) fn decode(destination: Option<Address>, reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        if reader.rest() == [0] {
            if destination.is_none() {
                return Err(DecodeError::new(Reason::PullRequestNotUnicast, "destination_address", reader.offset()));
            }
            reader.take_rest();
            return Ok(Self::PullRequest);
        }
        Ok(Self::Answer {
            device_type: reader.u8("device_type")?,
            build: BuildDate::from_wire(reader.take("firmware_year")?),
            extra: reader.take_rest(),
        })
    }

    pub(crate) fn encode(&self, destination: Option<Address>, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        match self {
            Self::PullRequest if destination.is_none() => return Err(EncodeError::NotUnicast),
            Self::PullRequest => writer.u8(0),
            Self::Answer { device_type, build, extra } => {
                writer.u8(*device_type);
                writer.bytes(&build.to_wire()?);
                writer.bytes(extra);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Packet;
    use crate::testing::{assert_cuts, broadcast, packet, refusal, sent, unicast};

    #[test]
    fn a_single_zero_byte_is_a_request_to_one_device() {
        assert_eq!(packet(&unicast(8, &[0])), Packet::HwInfoDeprecated(HwInfoDeprecated::PullRequest));
        assert_eq!(refusal(&broadcast(8, &[0])).0, "pull_request_not_unicast");
        let request = Packet::HwInfoDeprecated(HwInfoDeprecated::PullRequest);
        assert_eq!(sent(request), Err(EncodeError::NotUnicast));
    }

    #[test]
    fn device_type_0_with_a_date_is_an_answer() {
        let frame = broadcast(8, &[0, 0xDE, 0x06]);
        let Packet::HwInfoDeprecated(answer) = packet(&frame) else { panic!("another packet") };
        assert!(matches!(answer, HwInfoDeprecated::Answer { device_type: 0, extra: [], .. }));
        assert_eq!(answer.uptime_s(), None);
    }

    #[test]
    fn each_cut_names_the_field_that_is_missing() {
        assert_cuts(8, &[1, 0xDE, 0x06], &["device_type", "firmware_year", "firmware_year"]);
        assert_eq!(refusal(&unicast(8, &[])).1, "device_type");
        assert_eq!(refusal(&unicast(8, &[0, 0])).1, "firmware_year");
    }

    #[test]
    fn the_uptime_needs_two_extra_bytes() {
        for (extra, uptime) in
            [(&[][..], None), (&[9], None), (&[0x20, 0x14], Some(9660)), (&[0xFF, 0xFF, 1], Some(122_850))]
        {
            let frame = broadcast(8, &[&[1, 0, 0], extra].concat());
            let Packet::HwInfoDeprecated(answer) = packet(&frame) else { panic!("another packet") };
            assert_eq!(answer.uptime_s(), uptime);
        }
    }
}
