//! IGC, the flight recorder format of the FAI (Technical Specification for GNSS Flight Recorders, appendix A). Without
//! a G record, since radio frames cannot be signed afterwards: contests refuse the file; other programs read it.
//!
//! Times have milliseconds (extension TDS) and coordinates two more digits of a minute (LAD, LOD) than the fixed
//! columns, about 2 cm. The format has no date per position: a track must be shorter than a day, so that a time of day
//! that goes back means midnight.
//!
//! Altitudes: the GNSS altitude is above mean sea level, as the device sends it (`HFALG`: GEO, the geoid; without this
//! record readers assume the ellipsoid, about 50 m off in the Alps). The pressure altitude is that of the standard
//! atmosphere (`HFALP`: ISA), and 0 when the device sends none.

use std::io::Write as _;

use super::TrackWriter;
use super::text::{igc as plain, rfc3339};
use crate::track::{Subject, Summary, TrackPoint};

/// The maximum length of a line, without its end.
const MAX_LINE: usize = 76;

pub(super) struct Igc {
    subject: Subject,
    begun: bool,
}

impl Igc {
    pub(super) fn new(subject: Subject) -> Self {
        Self { subject, begun: false }
    }

    fn head(&mut self, first_us: u64, glider: &str, out: &mut Vec<u8>) -> std::io::Result<()> {
        if std::mem::replace(&mut self.begun, true) {
            return Ok(());
        }
        let date = rfc3339(first_us);
        let address = self.subject.address();
        // X: a recorder without approval. Three letters of the manufacturer, three of the serial number, then free
        // text.
        write!(out, "AXUD{}-FANET {address}\r\n", &address[3..])?;
        write!(out, "HFDTEDATE:{}{}{},01\r\n", &date[8..10], &date[5..7], &date[2..4])?;
        let pilot = format!("HFPLTPILOTINCHARGE:{}", plain(self.subject.name.as_deref().unwrap_or_default()));
        write!(out, "{pilot:.MAX_LINE$}\r\n")?;
        write!(out, "HFGTYGLIDERTYPE:{glider}\r\nHFGIDGLIDERID:{address}\r\n")?;
        write!(out, "HFDTMGPSDATUM:WGS84\r\nHFFTYFRTYPE:Updraft,FANET\r\n")?;
        write!(out, "HFALGALTGPS:GEO\r\nHFALPALTPRESSURE:ISA\r\n")?;
        write!(out, "I033638TDS3940LAD4142LOD\r\n")?;
        write!(out, "LXUDlevel {}\r\n", self.subject.level.word())
    }
}

impl TrackWriter for Igc {
    fn begin(&mut self, _out: &mut Vec<u8>) {}

    fn point(&mut self, point: &TrackPoint, out: &mut Vec<u8>) {
        let glider = point.kind.as_str_name().trim_start_matches("AIRCRAFT_KIND_").to_lowercase().replace('_', " ");
        self.head(point.event_at_us, &glider, out).and_then(|()| write_fix(point, out)).expect("into memory");
    }

    fn end(&mut self, _summary: &Summary, out: &mut Vec<u8>) {
        self.head(self.subject.from_us, "", out).expect("into memory");
    }
}

/// The B record.
fn write_fix(point: &TrackPoint, out: &mut Vec<u8>) -> std::io::Result<()> {
    let time = rfc3339(point.event_at_us);
    let latitude = Angle::of(point.latitude_deg, 90);
    let longitude = Angle::of(point.longitude_deg, 180);
    // A: a 3D fix; V: without altitude. An unknown pressure altitude is 0.
    let validity = if point.altitude_m.is_some() { 'A' } else { 'V' };
    let gps_m = point.altitude_m.unwrap_or_default();
    let pressure_m = point.qne_offset_m.filter(|_| point.altitude_m.is_some()).map_or(0.0, |offset| gps_m + offset);
    write!(
        out,
        "B{}{}{}{:02}{:05}{}{:03}{:05}{}{validity}{}{}{}{:02}{:02}\r\n",
        &time[11..13],
        &time[14..16],
        &time[17..19],
        latitude.degrees,
        latitude.thousandths,
        if latitude.negative { 'S' } else { 'N' },
        longitude.degrees,
        longitude.thousandths,
        if longitude.negative { 'W' } else { 'E' },
        metres(pressure_m),
        metres(gps_m),
        &time[20..23],
        latitude.more,
        longitude.more,
    )
}

/// Five characters, including a minus sign.
fn metres(altitude_m: f64) -> String {
    let rounded = altitude_m.round().clamp(-9_999.0, 99_999.0);
    if rounded < 0.0 { format!("-{:04}", -rounded) } else { format!("{:05}", rounded.abs()) }
}

/// Degrees, thousandths of a minute, and hundred-thousandths of a minute.
struct Angle {
    negative: bool,
    degrees: u64,
    thousandths: u64,
    more: u64,
}

impl Angle {
    fn of(degrees: f64, most: u64) -> Self {
        let steps = ((degrees.abs() * 6e6).round() as u64).min(most * 6_000_000);
        Self {
            negative: degrees < 0.0,
            degrees: steps / 6_000_000,
            thousandths: steps % 6_000_000 / 100,
            more: steps % 100,
        }
    }
}
