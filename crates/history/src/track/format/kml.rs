//! KML 2.2: a folder per segment with its line in space (OGC), and the same positions as `gx:Track`, Google's extension
//! with a time per position, which Google Earth plays. The line is for programs that only support the standard; the
//! track has no line of its own, so that nothing is drawn twice.

use std::io::Write as _;

use super::TrackWriter;
use super::runs::Runs;
use super::text::{ALTITUDES, rfc3339, xml};
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
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<kml xmlns=\"http://www.opengis.net/kml/2.2\" \
             xmlns:gx=\"http://www.google.com/kml/ext/2.2\">\n<Document>\n\
             <name>{}</name>\n<description>{}, level {}; {ALTITUDES}</description>\n\
             <Style id=\"track\"><LineStyle><color>ff2b6cff</color><width>3</width></LineStyle>\
             <PolyStyle><color>402b6cff</color></PolyStyle></Style>\n\
             <Style id=\"moving\"><LineStyle><color>00ffffff</color></LineStyle></Style>\n",
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
    let from = rfc3339(run[0].event_at_us);
    // One position without an altitude would pull the line to the ground: then the complete line is drawn there.
    let in_space = run.iter().all(|point| point.altitude_m.is_some());
    writeln!(out, "<Folder><name>{from}</name>")?;
    write_line(run, in_space, out)?;
    write_track(run, in_space, out)?;
    writeln!(out, "</Folder>")
}

fn write_line(run: &[TrackPoint], in_space: bool, out: &mut Vec<u8>) -> std::io::Result<()> {
    let (from, to) = (rfc3339(run[0].event_at_us), rfc3339(run[run.len() - 1].event_at_us));
    let geometry = if run.len() == 1 { "Point" } else { "LineString" };
    writeln!(out, "<Placemark><name>{from}</name><TimeSpan><begin>{from}</begin><end>{to}</end></TimeSpan>")?;
    writeln!(out, "<styleUrl>#track</styleUrl>")?;
    writeln!(out, "<{geometry}><extrude>{}</extrude>", u8::from(in_space))?;
    write!(out, "<altitudeMode>{}</altitudeMode><coordinates>", mode(in_space))?;
    for point in run {
        write!(out, "{:.7},{:.7}", point.longitude_deg, point.latitude_deg)?;
        if let Some(altitude_m) = point.altitude_m.filter(|_| in_space) {
            write!(out, ",{altitude_m:.1}")?;
        }
        out.push(b'\n');
    }
    writeln!(out, "</coordinates></{geometry}></Placemark>")
}

/// The schema requires all times before the first position.
fn write_track(run: &[TrackPoint], in_space: bool, out: &mut Vec<u8>) -> std::io::Result<()> {
    writeln!(out, "<Placemark><name>{}</name><styleUrl>#moving</styleUrl>", rfc3339(run[0].event_at_us))?;
    writeln!(out, "<gx:Track><altitudeMode>{}</altitudeMode>", mode(in_space))?;
    for point in run {
        writeln!(out, "<when>{}</when>", rfc3339(point.event_at_us))?;
    }
    for point in run {
        let altitude_m = point.altitude_m.filter(|_| in_space).unwrap_or_default();
        writeln!(out, "<gx:coord>{:.7} {:.7} {altitude_m:.1}</gx:coord>", point.longitude_deg, point.latitude_deg)?;
    }
    writeln!(out, "</gx:Track></Placemark>")
}

fn mode(in_space: bool) -> &'static str {
    if in_space { "absolute" } else { "clampToGround" }
}
