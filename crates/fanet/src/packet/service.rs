//! Type 4, service: a weather station or an internet gateway.
//!
//! Byte 0 is a flag byte; the fields follow in the order of this table.
//!
//! | flag bit | bytes | field | encoding | range |
//! |---|---|---|---|---|
//! | 7 | 0 | internet gateway | flag | |
//! | 2 | 0 | remote configuration supported | flag | |
//! | 0 | 1 | extended header | no meaning yet | |
//! | | 6 | position | i24 * 2 | |
//! | 6 | 1 | temperature | i8, 0.5 °C | -64..+63.5 °C |
//! | 5 | 1 | wind heading | u8, 360/256 deg | 0..358.59 deg |
//! | | 1 | wind speed | U7, 0.2 or 1 km/h | 0..127 km/h |
//! | | 1 | wind gust | U7, 0.2 or 1 km/h | 0..127 km/h |
//! | 4 | 1 | humidity | u8, 0.4 % | 0..102 % |
//! | 3 | 2 | pressure | u16 LE, 0.1 hPa from 430 | 430..6983.5 hPa |
//! | 1 | 1 | state of charge | low 4 bits, 100/15 % | 0..100 % |
//!
//! The position is mandatory with any data (bits 6, 5, 4, 3, 1). Without data it is there if six
//! bytes follow, absent if none do; one to five are a truncation.
//!
//! Source: FANET protocol text, payload type 4.

use crate::error::{DecodeError, EncodeError};
use crate::field::plain::{
    decode_heading, decode_humidity, decode_pressure, decode_state_of_charge, decode_temperature, encode_heading,
    encode_humidity, encode_pressure, encode_state_of_charge, encode_temperature,
};
use crate::field::position::{Position, Unchecked};
use crate::field::scaled::{decode_u7, encode_u7};
use crate::reader::Reader;
use crate::writer::Writer;

const GATEWAY: u8 = 0x80;
const TEMPERATURE: u8 = 0x40;
const WIND: u8 = 0x20;
const HUMIDITY: u8 = 0x10;
const PRESSURE: u8 = 0x08;
const REMOTE_CONFIG: u8 = 0x04;
const STATE_OF_CHARGE: u8 = 0x02;
const EXTENDED: u8 = 0x01;
/// The flags that make a position mandatory.
const DATA: u8 = TEMPERATURE | WIND | HUMIDITY | PRESSURE | STATE_OF_CHARGE;

/// A weather station or an internet gateway.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Service {
    /// Passes frames to the internet.
    pub internet_gateway: bool,
    /// Understands remote configuration.
    pub remote_config_support: bool,
    /// A byte of flags without meaning yet.
    pub extended_header: Option<u8>,
    /// Its position; always present with any of the values below.
    pub position: Option<Position>,
    /// Air temperature, °C.
    pub temperature_c: Option<f64>,
    /// Wind.
    pub wind: Option<Wind>,
    /// Relative humidity, %.
    pub humidity_pct: Option<f64>,
    /// Air pressure at sea level, hPa.
    pub pressure_hpa: Option<f64>,
    /// Battery, %.
    pub state_of_charge_pct: Option<f64>,
}

/// Wind at a station.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wind {
    /// Where it comes from, degrees true, 0 to 358.59: "wind heading" in the protocol and in errors.
    pub from_deg: f64,
    /// Mean speed, km/h, 0 to 127.
    pub speed_kmh: f64,
    /// Gust, km/h, 0 to 127.
    pub gust_kmh: f64,
}

impl Wind {
    fn is_finite(&self) -> bool {
        self.from_deg.is_finite() && self.speed_kmh.is_finite() && self.gust_kmh.is_finite()
    }
}

impl Service {
    #[inline]
    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let flags = reader.u8("flags")?;
        let has = |flag| flags & flag != 0;
        let extended_header = if has(EXTENDED) { Some(reader.u8("extended_header")?) } else { None };
        let unchecked = if has(DATA) || !reader.rest().is_empty() { Some(Unchecked::take(reader)?) } else { None };
        let temperature_c = if has(TEMPERATURE) { Some(decode_temperature(reader.u8("temperature_c")?)) } else { None };
        let wind = if has(WIND) { Some(decode_wind(reader)?) } else { None };
        let humidity_pct = if has(HUMIDITY) { Some(decode_humidity(reader.u8("humidity_pct")?)) } else { None };
        let pressure_hpa = if has(PRESSURE) { Some(decode_pressure(reader.take("pressure_hpa")?)) } else { None };
        let state_of_charge_pct =
            if has(STATE_OF_CHARGE) { Some(decode_state_of_charge(reader.u8("state_of_charge_pct")?)) } else { None };
        Ok(Self {
            internet_gateway: has(GATEWAY),
            remote_config_support: has(REMOTE_CONFIG),
            extended_header,
            position: unchecked.map(Unchecked::check).transpose()?,
            temperature_c,
            wind,
            humidity_pct,
            pressure_hpa,
            state_of_charge_pct,
        })
    }

    pub(crate) fn encode(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        // An optional value that is not finite is left out.
        let finite = |value: Option<f64>| value.filter(|value| value.is_finite());
        let temperature = finite(self.temperature_c);
        let wind = self.wind.filter(Wind::is_finite);
        let humidity = finite(self.humidity_pct);
        let pressure = finite(self.pressure_hpa);
        let charge = finite(self.state_of_charge_pct);
        let flag = |present: bool, flag: u8| if present { flag } else { 0 };
        let flags = flag(self.internet_gateway, GATEWAY)
            | flag(temperature.is_some(), TEMPERATURE)
            | flag(wind.is_some(), WIND)
            | flag(humidity.is_some(), HUMIDITY)
            | flag(pressure.is_some(), PRESSURE)
            | flag(self.remote_config_support, REMOTE_CONFIG)
            | flag(charge.is_some(), STATE_OF_CHARGE)
            | flag(self.extended_header.is_some(), EXTENDED);
        writer.u8(flags);
        if let Some(byte) = self.extended_header {
            writer.u8(byte);
        }
        match self.position {
            Some(position) => position.encode(writer)?,
            None if flags & DATA != 0 => return Err(EncodeError::PositionMissing),
            None => {}
        }
        if let Some(celsius) = temperature {
            writer.u8(encode_temperature(celsius));
        }
        if let Some(wind) = wind {
            let (speed, gust) = (encode_u7(wind.speed_kmh * 5.0, 5.0), encode_u7(wind.gust_kmh * 5.0, 5.0));
            writer.bytes(&[encode_heading(wind.from_deg), speed, gust]);
        }
        if let Some(percent) = humidity {
            writer.u8(encode_humidity(percent, writer.rules()));
        }
        if let Some(hectopascal) = pressure {
            writer.bytes(&encode_pressure(hectopascal));
        }
        if let Some(percent) = charge {
            writer.u8(encode_state_of_charge(percent));
        }
        Ok(())
    }
}

#[inline]
fn decode_wind(reader: &mut Reader<'_>) -> Result<Wind, DecodeError> {
    Ok(Wind {
        from_deg: decode_heading(reader.u8("wind_heading_deg")?),
        speed_kmh: f64::from(decode_u7(reader.u8("wind_speed_kmh")?, 5)) / 5.0,
        gust_kmh: f64::from(decode_u7(reader.u8("wind_gust_kmh")?, 5)) / 5.0,
    })
}

#[cfg(test)]
mod tests;
