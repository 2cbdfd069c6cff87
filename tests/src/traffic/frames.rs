//! Numbered frames, as receivers send them: a wrapper, a header with the device's address, and the number.

use anyhow::{Context, Result, ensure};

/// Frame number n is of device n modulo this.
pub const DEVICES: u64 = 60;
const RECEIVERS: u64 = 100;
const MANUFACTURER: u8 = 0x11;
/// As long as a tracking frame with its wrapper.
const PAYLOAD_BYTES: usize = 31;
const WRAPPER_BYTES: usize = 8;
const HEADER_BYTES: usize = 4;

/// The device of a frame, without its manufacturer.
pub fn device(number: u64) -> u16 {
    1 + (number % DEVICES) as u16
}

/// The MQTT topic of its receiver.
pub fn topic(number: u64) -> String {
    format!("fb/b/{}/f/1", 8_896_672 + number % RECEIVERS)
}

/// What the receiver publishes.
pub fn payload(number: u64) -> Vec<u8> {
    let mut payload = vec![0x89, 0x86, 0x44, 0x68, 0x88, 0xFF, 0xFE, 0xFF, 0x01, MANUFACTURER];
    payload.extend(device(number).to_le_bytes());
    payload.extend(number.to_le_bytes());
    payload.resize(PAYLOAD_BYTES, 0x5A);
    payload
}

/// The number of a received frame, after checking that the rest of it is unchanged.
///
/// # Errors
/// It was changed, or has another key.
pub fn number(key: Option<&[u8]>, received: &[u8]) -> Result<u64> {
    let at = WRAPPER_BYTES + HEADER_BYTES;
    let bytes = received.get(at..at + 8).context("too short")?;
    let number = u64::from_le_bytes(bytes.try_into()?);
    ensure!(received == payload(number), "frame {number} was changed: {received:02x?}");
    let address = format!("{MANUFACTURER:02X}{:04X}", device(number));
    ensure!(key == Some(address.as_bytes()), "frame {number} lies under {key:?}, not {address}");
    Ok(number)
}
