//! GPX 1.1 (topografix.com/GPX/1/1): one `trkseg` per segment; speed and course in Garmin's TrackPointExtension v2,
//! which programs for pilots read.

use std::io::Write as _;

use super::TrackWriter;
use super::json::rounded;
use super::text::{ALTITUDES, rfc3339, xml};
use crate::track::{Subject, Summary, TrackPoint};

pub(super) struct Gpx {
    subject: Subject,
    segment: Option<u32>,
}

impl Gpx {
    pub(super) fn new(subject: Subject) -> Self {
        Self { subject, segment: None }
    }
}

impl TrackWriter for Gpx {
    fn begin(&mut self, out: &mut Vec<u8>) {
        let title = xml(&self.subject.title());
        let head = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <gpx version=\"1.1\" creator=\"Updraft\" xmlns=\"http://www.topografix.com/GPX/1/1\" \
             xmlns:gpxtpx=\"http://www.garmin.com/xmlschemas/TrackPointExtension/v2\">\n\
             <metadata><name>{title}</name><time>{}</time></metadata>\n\
             <trk><name>{title}</name><desc>{}, level {}; {ALTITUDES}</desc>\n",
            rfc3339(self.subject.from_us),
            self.subject.address(),
            self.subject.level.word(),
        );
        out.extend_from_slice(head.as_bytes());
    }

    fn point(&mut self, point: &TrackPoint, out: &mut Vec<u8>) {
        out.extend_from_slice(match self.segment {
            None => b"<trkseg>\n",
            Some(segment) if segment == point.segment => b"",
            Some(_) => b"</trkseg>\n<trkseg>\n",
        });
        self.segment = Some(point.segment);
        write_point(point, out).expect("into memory");
    }

    fn end(&mut self, _summary: &Summary, out: &mut Vec<u8>) {
        if self.segment.is_some() {
            out.extend_from_slice(b"</trkseg>\n");
        }
        out.extend_from_slice(b"</trk>\n</gpx>\n");
    }
}

fn write_point(point: &TrackPoint, out: &mut Vec<u8>) -> std::io::Result<()> {
    // The schema requires longitudes below 180: that meridian is -180.
    let longitude_deg = rounded(point.longitude_deg, 1e7);
    let longitude_deg = if longitude_deg >= 180.0 { longitude_deg - 360.0 } else { longitude_deg };
    write!(out, "<trkpt lat=\"{:.7}\" lon=\"{longitude_deg:.7}\">", point.latitude_deg)?;
    if let Some(altitude_m) = point.altitude_m {
        write!(out, "<ele>{altitude_m:.1}</ele>")?;
    }
    write!(out, "<time>{}</time>", rfc3339(point.event_at_us))?;
    if point.speed_kmh.is_some() || point.course_deg.is_some() {
        write!(out, "<extensions><gpxtpx:TrackPointExtension>")?;
        if let Some(speed_kmh) = point.speed_kmh {
            write!(out, "<gpxtpx:speed>{:.2}</gpxtpx:speed>", speed_kmh / 3.6)?;
        }
        if let Some(course_deg) = point.course_deg {
            write!(out, "<gpxtpx:course>{course_deg:.1}</gpxtpx:course>")?;
        }
        write!(out, "</gpxtpx:TrackPointExtension></extensions>")?;
    }
    writeln!(out, "</trkpt>")
}
