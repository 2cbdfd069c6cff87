//! Type 10, hardware information.
//!
//! Byte 0 is a flag byte; the fields follow in the order of this table.
//!
//! | flag bit | bytes | answer (bit 7 clear) | request (bit 7 set) |
//! |---|---|---|---|
//! | 0 | 1 | extended header | the same |
//! | 6 | 3 | device type u8, build date | requests it, no bytes |
//! | 5 | 3 | ICAO address, bytes as received | requests it, no bytes |
//! | 4 | 2 | uptime, u16 LE, minutes | requests it, no bytes |
//! | 3 | 4 | i8 - 50 dBm, address of the sender measured | requests it, no bytes |
//! | 1-2 | 0 | reserved | reserved |
//!
//! Source: FANET protocol text, payload type 10. A request is unicast and carries no data.

use crate::address::Address;
use crate::error::{DecodeError, EncodeError, Reason};
use crate::field::date::BuildDate;
use crate::reader::Reader;
use crate::writer::Writer;

const PING_PONG: u8 = 0x80;
const DEVICE: u8 = 0x40;
const ICAO: u8 = 0x20;
const UPTIME: u8 = 0x10;
const RX_RSSI: u8 = 0x08;
const EXTENDED: u8 = 0x01;

/// The hardware of a device, or a request for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HwInfo {
    /// Asks the destination.
    Request(HwRequest),
    /// The answer, also sent unasked.
    Answer(HwAnswer),
}

/// The requested fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct HwRequest {
    /// A byte of flags without meaning yet.
    pub extended_header: Option<u8>,
    /// Device type and build date.
    pub hardware: bool,
    /// ICAO address.
    pub icao_address: bool,
    /// Uptime.
    pub uptime: bool,
    /// How well the request was heard.
    pub rx_rssi: bool,
}

/// The hardware report of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct HwAnswer {
    /// A byte of flags without meaning yet.
    pub extended_header: Option<u8>,
    /// Device type and build date.
    pub device: Option<Device>,
    /// The 24-bit ICAO address, bytes as received: the protocol gives no order.
    pub icao_address: Option<[u8; 3]>,
    /// Time since it started, minutes.
    pub uptime_min: Option<u16>,
    /// The signal strength of another device.
    pub rx_rssi: Option<RxRssi>,
}

/// A device type and its firmware.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Device {
    /// Means something only together with the manufacturer.
    pub device_type: u8,
    /// When its firmware was built.
    pub build: BuildDate,
}

/// How well a device heard another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RxRssi {
    /// Signal strength, dBm, -178 to 77.
    pub rssi_dbm: i16,
    /// The other device.
    pub address: Address,
}

impl HwInfo {
    pub(crate) fn decode(destination: Option<Address>, reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let start = reader.offset();
        let flags = reader.u8("flags")?;
        let has = |flag| flags & flag != 0;
        let extended_header = if has(EXTENDED) { Some(reader.u8("extended_header")?) } else { None };
        if has(PING_PONG) {
            if destination.is_none() {
                return Err(DecodeError::new(Reason::PingPongNotUnicast, "destination_address", start));
            }
            if !reader.rest().is_empty() {
                return Err(DecodeError::new(Reason::PingPongWithData, "ping_pong_request", reader.offset()));
            }
            return Ok(Self::Request(HwRequest {
                extended_header,
                hardware: has(DEVICE),
                icao_address: has(ICAO),
                uptime: has(UPTIME),
                rx_rssi: has(RX_RSSI),
            }));
        }
        let device = if has(DEVICE) { Some(Device::decode(reader)?) } else { None };
        let icao_address = if has(ICAO) { Some(reader.take("icao_address_hex")?) } else { None };
        let uptime_min = if has(UPTIME) { Some(u16::from_le_bytes(reader.take("uptime_min")?)) } else { None };
        let rx_rssi = if has(RX_RSSI) { Some(RxRssi::decode(reader)?) } else { None };
        Ok(Self::Answer(HwAnswer { extended_header, device, icao_address, uptime_min, rx_rssi }))
    }

    pub(crate) fn encode(&self, destination: Option<Address>, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        match self {
            Self::Request(_) if destination.is_none() => Err(EncodeError::NotUnicast),
            Self::Request(request) => {
                request.encode(writer);
                Ok(())
            }
            Self::Answer(answer) => answer.encode(writer),
        }
    }
}

impl HwRequest {
    fn encode(&self, writer: &mut Writer<'_>) {
        writer.u8(PING_PONG
            | flag(self.hardware, DEVICE)
            | flag(self.icao_address, ICAO)
            | flag(self.uptime, UPTIME)
            | flag(self.rx_rssi, RX_RSSI)
            | flag(self.extended_header.is_some(), EXTENDED));
        if let Some(byte) = self.extended_header {
            writer.u8(byte);
        }
    }
}

impl HwAnswer {
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        writer.u8(flag(self.device.is_some(), DEVICE)
            | flag(self.icao_address.is_some(), ICAO)
            | flag(self.uptime_min.is_some(), UPTIME)
            | flag(self.rx_rssi.is_some(), RX_RSSI)
            | flag(self.extended_header.is_some(), EXTENDED));
        if let Some(byte) = self.extended_header {
            writer.u8(byte);
        }
        if let Some(device) = self.device {
            writer.u8(device.device_type);
            writer.bytes(&device.build.to_wire()?);
        }
        if let Some(icao) = self.icao_address {
            writer.bytes(&icao);
        }
        if let Some(minutes) = self.uptime_min {
            writer.bytes(&minutes.to_le_bytes());
        }
        if let Some(heard) = self.rx_rssi {
            heard.encode(writer);
        }
        Ok(())
    }
}

impl Device {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { device_type: reader.u8("device_type")?, build: BuildDate::from_wire(reader.take("firmware_year")?) })
    }
}

impl RxRssi {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            rssi_dbm: i16::from(reader.u8("rx_rssi_dbm")? as i8) - 50,
            address: Address::from_wire(reader.take("rx_rssi_address")?),
        })
    }

    fn encode(self, writer: &mut Writer<'_>) {
        let raw = self.rssi_dbm.saturating_add(50).clamp(-128, 127);
        writer.u8(raw as i8 as u8);
        writer.bytes(&self.address.to_wire());
    }
}

const fn flag(present: bool, flag: u8) -> u8 {
    if present { flag } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Frame;
    use crate::header::Header;
    use crate::packet::Packet;
    use crate::testing::{DESTINATION, SOURCE, assert_cuts, broadcast, packet, refusal, sent, unicast};

    #[test]
    fn a_request_names_what_it_asks_for() {
        let request = |bits, extended_header| {
            HwInfo::Request(HwRequest {
                extended_header,
                hardware: bits & 8 != 0,
                icao_address: bits & 4 != 0,
                uptime: bits & 2 != 0,
                rx_rssi: bits & 1 != 0,
            })
        };
        for bits in 0..16 {
            let plain = unicast(10, &[0x80 | bits << 3]);
            assert_eq!(packet(&plain), Packet::HwInfo(request(bits, None)));
            let extended = unicast(10, &[0x81 | bits << 3, 7]);
            assert_eq!(packet(&extended), Packet::HwInfo(request(bits, Some(7))));
            let header = Header::unicast(SOURCE, DESTINATION);
            assert_eq!(Frame::new(header, packet(&extended)).encode().unwrap(), extended);
        }
    }

    #[test]
    fn a_request_is_unicast_and_carries_nothing() {
        assert_eq!(refusal(&broadcast(10, &[0x80])).0, "ping_pong_not_unicast");
        assert_eq!(refusal(&unicast(10, &[0x80, 0])), ("ping_pong_with_data", "ping_pong_request", 9));
        assert_eq!(refusal(&unicast(10, &[0x81, 0, 0])).0, "ping_pong_with_data");
        assert_eq!(refusal(&unicast(10, &[0x81])), ("truncated_payload", "extended_header", 9));
        let request = Packet::HwInfo(HwInfo::Request(HwRequest::default()));
        assert_eq!(sent(request), Err(EncodeError::NotUnicast));
    }

    #[test]
    fn an_answer_with_every_field() {
        let frame = broadcast(10, &[0x79, 0xAF, 4, 0x74, 0x1C, 0x3E, 0x3C, 0x13, 0xFF, 0xFF, 0x80, 0x11, 0x2B, 0xF9]);
        let Packet::HwInfo(HwInfo::Answer(answer)) = packet(&frame) else { panic!("another packet") };
        let build = BuildDate { experimental: false, year: 2033, month: 3, day: 20 };
        assert_eq!(answer.extended_header, Some(0xAF));
        assert_eq!(answer.device, Some(Device { device_type: 4, build }));
        assert_eq!(answer.icao_address, Some([0x3E, 0x3C, 0x13]));
        assert_eq!(answer.uptime_min, Some(65535));
        assert_eq!(answer.rx_rssi, Some(RxRssi { rssi_dbm: -178, address: Address::new(0x11, 0xF92B) }));
        assert_eq!(sent(Packet::HwInfo(HwInfo::Answer(answer))).unwrap(), frame[4..]);
    }

    #[test]
    fn an_empty_answer_is_an_answer_and_more_is_trailing() {
        let nothing = Packet::HwInfo(HwInfo::Answer(HwAnswer::default()));
        assert_eq!(packet(&broadcast(10, &[0x06])), nothing);
        let bytes = broadcast(10, &[0x00, 1, 2]);
        let frame = Frame::decode(&bytes).unwrap();
        assert_eq!((frame.packet, frame.trailing), (nothing, &[1, 2][..]));
    }

    #[test]
    fn each_cut_names_the_field_that_is_missing() {
        let fields = [
            &["flags", "extended_header", "device_type", "firmware_year", "firmware_year"][..],
            &["icao_address_hex"; 3],
            &["uptime_min", "uptime_min", "rx_rssi_dbm", "rx_rssi_address", "rx_rssi_address", "rx_rssi_address"],
        ];
        assert_cuts(10, &[&[0x79][..], &[0; 13]].concat(), &fields.concat());
    }

    #[test]
    fn signal_strengths_saturate() {
        for (rssi_dbm, raw) in [(i16::MIN, 0x80), (-178, 0x80), (-50, 0), (77, 0x7F), (i16::MAX, 0x7F)] {
            let rx_rssi = Some(RxRssi { rssi_dbm, address: SOURCE });
            let answer = HwInfo::Answer(HwAnswer { rx_rssi, ..HwAnswer::default() });
            assert_eq!(sent(Packet::HwInfo(answer)).unwrap()[1], raw);
        }
    }
}
