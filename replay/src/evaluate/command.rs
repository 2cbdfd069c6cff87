//! `replay evaluate-thermals`: the command around the evaluation.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::climb::{FoundClimb, Recording};
use super::flights::FlightCase;
use super::picture::draw;
use super::score::{Errors, Score};
use super::sky::{SkyCase, fly};
use crate::generate::{SECOND_US, Scenario};
use crate::igc::Fleet;

/// When simulated skies begin: 2026-06-01T10:00:00Z.
const START_US: u64 = 1_780_308_000 * SECOND_US;

/// Find thermals in simulated and recorded flights, and compare with what really was.
///
/// Simulated skies are compared with the model's own word. Recorded flights are
/// heard as FANET would carry them (a position every 5 s, a fifth of them lost)
/// and compared with what all of their fixes show: circling is a turn of more than
/// 270 degrees within 45 s; a climb is circling that gains at least 50 m at more
/// than 1 m/s, from its foot to its top; its centre is the mean of the one full
/// turn around each second, its wind the slope of the centres over time.
///
/// Prints figures as "bench: NAME VALUE UNIT" and draws a picture per flight.
#[derive(Debug, Clone, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Options {
    /// Folder with IGC files. Without one, simulated skies alone.
    #[arg(value_name = "FOLDER", env = "UPDRAFT_IGC_DIR")]
    pub flights: Option<PathBuf>,
    /// Where the pictures go.
    #[arg(long, value_name = "FOLDER", default_value = "target/thermals")]
    pub pictures: PathBuf,
    /// Simulated skies, each with another seed.
    #[arg(long, value_name = "COUNT", default_value_t = 3)]
    pub skies: u64,
    /// Simulated time of each, seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 3_600)]
    pub seconds: u64,
}

/// Runs the command.
///
/// # Errors
/// The folder cannot be read, holds no flight, or pictures cannot be written.
#[allow(clippy::print_stdout, reason = "the figures are what the command is for")]
pub fn run(options: &Options) -> anyhow::Result<()> {
    let pictures = &options.pictures;
    std::fs::create_dir_all(pictures).with_context(|| format!("making {}", pictures.display()))?;
    if options.skies > 0 {
        skies(options)?;
    }
    match &options.flights {
        Some(folder) => flights(folder, pictures)?,
        None => println!("no folder of IGC files is named: simulated skies alone"),
    }
    println!("pictures are in {}", pictures.display());
    Ok(())
}

#[allow(clippy::print_stdout, reason = "the figures are what the command is for")]
fn skies(options: &Options) -> anyhow::Result<()> {
    let (mut score, mut thermals, mut right) = (Score::default(), 0, 0);
    let (mut centre_m, mut wind_mps, mut wind_deg) = (Errors::default(), Errors::default(), Errors::default());
    for seed in 1..=options.skies {
        let case = fly(Scenario::of(40, seed, START_US), options.seconds);
        score.add(&case.score());
        let picture = case.picture();
        (thermals, right) = (thermals + picture.thermals, right + picture.right);
        centre_m.extend(&picture.centre_m);
        wind_mps.extend(&picture.wind_mps);
        wind_deg.extend(&picture.wind_deg);
        draw_sky(&options.pictures, seed, &case)?;
    }
    report("simulated", &score);
    println!(
        "bench: thermals_simulated_picture_precision {:.3} share",
        f64::from(right as u32) / f64::from(thermals.max(1) as u32)
    );
    errors("simulated_picture_centre", "m", &centre_m);
    errors("simulated_area_wind", "mps", &wind_mps);
    errors("simulated_area_wind", "deg", &wind_deg);
    Ok(())
}

#[allow(clippy::print_stdout, reason = "the figures are what the command is for")]
fn flights(folder: &Path, pictures: &Path) -> anyhow::Result<()> {
    let fleet = Fleet::open(folder, START_US)?;
    let mut all = Score::default();
    for (index, flown) in fleet.flights().iter().enumerate() {
        let case = FlightCase::of(index, &flown.flight);
        let score = case.score();
        println!(
            "{}: {} of {} climbs found, {} of {} found ones true, centre {:.0} m, climb {:.2} m/s, wind {:.1} m/s {:.0} deg",
            flown.name,
            score.recalled,
            score.true_climbs,
            score.right,
            score.found_climbs,
            score.centre_m.within(0.5),
            score.climb_mps.within(0.5),
            score.wind_mps.within(0.5),
            score.wind_deg.within(0.5),
        );
        all.add(&score);
        write(pictures, &flown.name.to_lowercase().replace(' ', "-"), &case.recording, &case.found, case.start_us)?;
    }
    report("recorded", &all);
    Ok(())
}

fn draw_sky(pictures: &Path, seed: u64, case: &SkyCase) -> anyhow::Result<()> {
    for recording in case.recordings.iter().filter(|recording| !recording.climbs().is_empty()) {
        let name = format!("sky-{seed}-{:06X}", recording.device);
        write(pictures, &name, recording, &case.found, case.start_us)?;
    }
    Ok(())
}

fn write(folder: &Path, name: &str, of: &Recording, found: &[FoundClimb], start_us: u64) -> anyhow::Result<()> {
    let file = folder.join(format!("{name}.svg"));
    std::fs::write(&file, draw(name, of, found, start_us)).with_context(|| format!("writing {}", file.display()))
}

/// Medians and what nine in ten stay within.
#[allow(clippy::print_stdout, reason = "the figures are what the command is for")]
fn report(what: &str, score: &Score) {
    println!("bench: thermals_{what}_climbs {} climbs", score.true_climbs);
    println!("bench: thermals_{what}_precision {:.3} share", score.precision());
    println!("bench: thermals_{what}_recall {:.3} share", score.recall());
    errors(&format!("{what}_centre"), "m", &score.centre_m);
    errors(&format!("{what}_climb"), "mps", &score.climb_mps);
    errors(&format!("{what}_wind"), "mps", &score.wind_mps);
    errors(&format!("{what}_wind"), "deg", &score.wind_deg);
    for (measure, unit, goal, errors) in [
        ("centre", "m", 150.0, &score.centre_m),
        ("climb", "mps", 0.3, &score.climb_mps),
        ("wind", "mps", 2.0, &score.wind_mps),
        ("wind", "deg", 20.0, &score.wind_deg),
    ] {
        let share = errors.share_within(goal);
        println!("bench: thermals_{what}_{measure}_within_{goal}_{unit} {share:.3} share");
    }
}

#[allow(clippy::print_stdout, reason = "the figures are what the command is for")]
fn errors(what: &str, unit: &str, errors: &Errors) {
    println!("bench: thermals_{what}_error_median_{unit} {:.2} {unit}", errors.within(0.5));
    println!("bench: thermals_{what}_error_p90_{unit} {:.2} {unit}", errors.within(0.9));
}
