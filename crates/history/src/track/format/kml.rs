//! KML 2.2 as the OGC has it: a line in space per segment with its span of time. (Google's `gx:Track`, which has a time per
//! position, is no part of the standard; the other formats carry the times.)

use std::io::Write as _;

use super::TrackWriter;
use super::runs::Runs;
use super::text::{rfc3339, xml};
use crate::track::{Subject, Summary, TrackPoint};

pub(super) struct Kml {
    subject: Subject,
    runs: Runs,
}

impl Kml {
    pub(super) fn new(subject: Subject) -> Self {
        Self { subject, runs: Runs::default() }
    }
}

impl TrackWriter for Kml {
    fn begin(&mut self, out: &mut Vec<u8>) {
        let head = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<kml xmlns=\"http://www.opengis.net/kml/2.2\">\n<Document>\n\
             <name>{}</name>\n<description>{}, level {}</description>\n\
             <Style id=\"track\"><LineStyle><color>ff2b6cff</color><width>3</width></LineStyle>\
             <PolyStyle><color>402b6cff</color></PolyStyle></Style>\n",
            xml(&self.subject.title()),
            self.subject.address(),
            self.subject.level.word(),
        );
        out.extend_from_slice(head.as_bytes());
    }

    fn point(&mut self, point: &TrackPoint, out: &mut Vec<u8>) {
        if let Some(run) = self.runs.push(point) {
            write_run(&run, out).expect("into memory");
        }
    }

    fn end(&mut self, _summary: &Summary, out: &mut Vec<u8>) {
        if let Some(run) = self.runs.finish() {
            write_run(&run, out).expect("into memory");
        }
        out.extend_from_slice(b"</Document>\n</kml>\n");
    }
}

fn write_run(run: &[TrackPoint], out: &mut Vec<u8>) -> std::io::Result<()> {
    let (first, last) = (run[0], run[run.len() - 1]);
    let from = rfc3339(first.event_at_us);
    writeln!(out, "<Placemark><name>{from}</name>")?;
    writeln!(out, "<TimeSpan><begin>{from}</begin><end>{}</end></TimeSpan>", rfc3339(last.event_at_us))?;
    // One position without an altitude would drag the line to the ground: then the whole of it lies there.
    let in_space = run.iter().all(|point| point.altitude_m.is_some());
    let mode = if in_space { "absolute" } else { "clampToGround" };
    let geometry = if run.len() == 1 { "Point" } else { "LineString" };
    writeln!(out, "<styleUrl>#track</styleUrl>")?;
    writeln!(out, "<{geometry}><extrude>{}</extrude>", u8::from(in_space))?;
    write!(out, "<altitudeMode>{mode}</altitudeMode><coordinates>")?;
    for point in run {
        write!(out, "{:.7},{:.7}", point.longitude_deg, point.latitude_deg)?;
        if let Some(altitude_m) = point.altitude_m.filter(|_| in_space) {
            write!(out, ",{altitude_m:.1}")?;
        }
        out.push(b'\n');
    }
    writeln!(out, "</coordinates></{geometry}></Placemark>")
}
