//! Type 10, hardware information.
//!
//! Byte 0 is a flag byte; the fields follow in the order of this table.
//!
//! | flag bit | bytes | answer (bit 7 clear) | request (bit 7 set) |
//! |---|---|---|---|
//! | 0 | 1 | extended header | the same |
//! | 6 | 3 | device type u8, build date | asks for it, no bytes |
//! | 5 | 3 | ICAO address, bytes as received | asks for it, no bytes |
//! | 4 | 2 | uptime, u16 LE, minutes | asks for it, no bytes |
//! | 3 | 4 | i8 - 50 dBm, address of the sender measured | asks for it, no bytes |
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

/// What a device is made of, or the wish to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HwInfo {
    /// Asks the destination.
    Request(HwRequest),
    /// The answer, also sent unasked.
    Answer(HwAnswer),
}

/// What is asked for.
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

/// What a device tells about itself.
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
    /// How well it heard somebody.
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
    /// Whom it heard.
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
