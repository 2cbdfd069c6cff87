//! Reads IGC files: the date (`HFDTE`) and the fixes (`B`), nothing else, and above all no names.
//!
//! Source: FAI, Technical Specification for GNSS Flight Recorders, appendix A, records H and B:
//!
//! | byte | content of a B record |
//! |---|---|
//! | 0 | `B` |
//! | 1-6 | UTC, `HHMMSS` |
//! | 7-14 | latitude, `DDMMmmm` and `N` or `S` (minutes in thousandths) |
//! | 15-23 | longitude, `DDDMMmmm` and `E` or `W` |
//! | 24 | `A` with altitude by satellite, `V` without |
//! | 25-29 | altitude by pressure, metres, may begin with `-` |
//! | 30-34 | altitude by satellite, likewise |
//!
//! A fix at 0 N 0 E is what recorders write before they have satellites: it is no position.

use thiserror::Error;

use super::flight::{Fix, Flight};
use super::order::longest_run;
use crate::generate::Position3d;

/// Altitudes outside are faults of the recorder, metres.
const ALTITUDES_M: std::ops::RangeInclusive<i32> = -1_000..=15_000;

/// A file without a flight.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum IgcError {
    /// Not one line could be used.
    #[error("no valid fix: expected B records ({skipped} of them are invalid)")]
    NoFixes {
        /// Lines that begin like a fix.
        skipped: usize,
    },
}

/// Reads the bytes of a file. Unreadable lines are skipped and counted.
///
/// # Errors
/// [`IgcError::NoFixes`] (a reject: the next file may be fine).
pub fn parse(bytes: &[u8]) -> Result<Flight, IgcError> {
    let mut flight = Flight { date: None, fixes: Vec::new(), skipped: 0 };
    for line in bytes.split(|byte| matches!(byte, b'\n' | b'\r')) {
        match line.first() {
            Some(b'H') if flight.date.is_none() => flight.date = date(line),
            Some(b'B') => match fix(line) {
                Some(fix) => flight.fixes.push(fix),
                None => flight.skipped += 1,
            },
            _ => {}
        }
    }
    let times_s: Vec<u32> = flight.fixes.iter().map(|fix| fix.at_s).collect();
    let run = longest_run(&times_s);
    flight.skipped += flight.fixes.len() - run.len();
    flight.fixes = run.into_iter().map(|(index, at_s)| Fix { at_s, ..flight.fixes[index] }).collect();
    if flight.fixes.is_empty() {
        return Err(IgcError::NoFixes { skipped: flight.skipped });
    }
    Ok(flight)
}

/// `HFDTEDDMMYY` or `HFDTEDATE:DDMMYY`, with or without the number of the flight behind it.
fn date(line: &[u8]) -> Option<(u8, u8, u16)> {
    let rest = line.strip_prefix(b"HFDTE")?;
    let rest = rest.strip_prefix(b"DATE:").unwrap_or(rest);
    let part = |at: usize| number(rest.get(at..at + 2)?);
    let (day, month, year) = (part(0)?, part(2)?, part(4)?);
    if !(1..=31).contains(&day) || !(1..=12).contains(&month) {
        return None;
    }
    // Flight recorders came in 1984.
    let century = if year < 84 { 2_000 } else { 1_900 };
    Some((day as u8, month as u8, century + year as u16))
}

fn fix(line: &[u8]) -> Option<Fix> {
    let part = |from: usize, to: usize| number(line.get(from..to)?);
    let (hour, minute, second) = (part(1, 3)?, part(3, 5)?, part(5, 7)?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let latitude_deg = angle(part(7, 9)?, part(9, 14)?, line.get(14)?, *b"NS", 90.0)?;
    let longitude_deg = angle(part(15, 18)?, part(18, 23)?, line.get(23)?, *b"EW", 180.0)?;
    let has_satellite_altitude = match line.get(24)? {
        b'A' => true,
        b'V' => false,
        _ => return None,
    };
    let by_pressure_m = signed(line.get(25..30)?)?;
    let by_satellite_m = signed(line.get(30..35)?)?;
    let altitude_m = if has_satellite_altitude { by_satellite_m } else { by_pressure_m };
    let altitude = f64::from(altitude_m);
    if !ALTITUDES_M.contains(&altitude_m) || flight::is_missing_fix(latitude_deg, longitude_deg, Some(altitude)) {
        return None;
    }
    let position = Position3d { latitude_deg, longitude_deg, altitude_m: altitude };
    Some(Fix { at_s: hour * 3_600 + minute * 60 + second, position })
}

/// Whole degrees, thousandths of minutes and a letter of the two in `letters`, the second one negative.
fn angle(degrees: u32, minutes: u32, letter: &u8, letters: [u8; 2], max_deg: f64) -> Option<f64> {
    if minutes > 59_999 {
        return None;
    }
    let angle_deg = f64::from(degrees) + f64::from(minutes) / 60_000.0;
    let sign = match letters.iter().position(|known| known == letter)? {
        0 => 1.0,
        _ => -1.0,
    };
    (angle_deg <= max_deg).then_some(sign * angle_deg)
}

/// Digits alone: no sign, no blank.
fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0_u32, |number, digit| digit.is_ascii_digit().then(|| number * 10 + u32::from(digit - b'0')))
}

/// Five characters, the first of which may be a minus.
fn signed(characters: &[u8]) -> Option<i32> {
    match characters.split_first() {
        Some((b'-', digits)) => number(digits).map(|value| -(value as i32)),
        _ => number(characters).map(|value| value as i32),
    }
}

#[cfg(test)]
mod tests;
