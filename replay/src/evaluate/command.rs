//! `replay evaluate-thermals`: the command around the evaluation.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::climb::{FoundClimb, Recording};
use super::flights::{FlightCase, too_sparse};
use super::picture::draw;
use super::score::{Errors, Score};
use super::sky::{SkyCase, fly};
use crate::generate::{SECOND_US, Scenario};
use crate::igc::RecordedFlights;

/// When simulated skies begin: 2026-06-01T10:00:00Z.
const START_US: u64 = 1_780_308_000 * SECOND_US;

/// Detect thermals in simulated and recorded flights, and compare them with the truth.
///
/// Simulated skies are compared with the model. Recorded flights are
/// heard as FANET would carry them (a position every 5 s, a fifth of them lost)
/// and compared with what all of their fixes show; a recording with more than 3 s
/// between fixes is too coarse for circles and is skipped. Circling is a turn of more than
/// 270 degrees within 45 s; a climb is circling that gains at least 50 m at more
/// than 1 m/s, from its foot to its top; its centre is the mean of the one full
/// turn around each second, its wind the slope of the centres over time.
///
/// Prints figures as "bench: NAME VALUE UNIT" and draws a picture per flight.
#[derive(Debug, Clone, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Options {
    /// Folder with IGC files. Without it, only simulated skies are used.
    #[arg(value_name = "FOLDER", env = "UPDRAFT_IGC_DIR")]
    pub flights: Option<PathBuf>,
    /// Folder for the pictures.
    #[arg(long, value_name = "FOLDER", default_value = "target/thermals")]
    pub pictures: PathBuf,
    /// Also print each wrong or missed climb, with its time.
    #[arg(long)]
    pub faults: bool,
    /// Number of simulated skies, each with another seed.
    #[arg(long, value_name = "COUNT", default_value_t = 3)]
    pub skies: u64,
    /// Simulated time of each sky, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 3_600)]
    pub seconds: u64,
}

/// A flight is named where the two opinions on circling differ in more than this share of the seconds that either has.
const DISPUTED: f64 = 0.3;

fn share(some: usize, of: usize) -> f64 {
    some as f64 / of.max(1) as f64
}

/// Runs the command.
///
/// # Errors
/// The folder cannot be read, holds no flight, or pictures cannot be written.
#[allow(clippy::print_stdout, reason = "the figures are the output of the command")]
pub fn run(options: &Options) -> anyhow::Result<()> {
    let pictures = &options.pictures;
    std::fs::create_dir_all(pictures).with_context(|| format!("making {}", pictures.display()))?;
    if options.skies > 0 {
        skies(options)?;
    }
    match &options.flights {
        Some(folder) => flights(folder, pictures, options.faults)?,
        None => println!("no folder of IGC files: only simulated skies are evaluated"),
    }
    println!("pictures are in {}", pictures.display());
    Ok(())
}

#[allow(clippy::print_stdout, reason = "the figures are the output of the command")]
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

#[allow(clippy::print_stdout, reason = "the figures are the output of the command")]
fn flights(folder: &Path, pictures: &Path, show_faults: bool) -> anyhow::Result<()> {
    let flights = RecordedFlights::open(folder, START_US)?;
    let (mut all, mut second, mut left_out) = (Score::default(), Score::default(), 0);
    let mut disputed = (0, 0);
    for (index, flown) in flights.flights().iter().enumerate() {
        if let Some(step_s) = too_sparse(&flown.flight) {
            println!("{}: skipped, {step_s} s between fixes: expected at most 3 s", flown.name);
            left_out += 1;
            continue;
        }
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
        if show_faults {
            case.faults().iter().for_each(|fault| println!("  {fault}"));
        }
        all.add(&score);
        second.add(&case.second_score());
        let (in_dispute, either) = case.disputed_s();
        disputed = (disputed.0 + in_dispute, disputed.1 + either);
        if share(in_dispute, either) > DISPUTED {
            println!("{}: the opinions on circling differ in {in_dispute} of {either} s", flown.name);
        }
        write(pictures, &flown.name.to_lowercase().replace(' ', "-"), &case.recording, &case.found, case.start_us)?;
    }
    println!("bench: thermals_recorded_left_out {left_out} recordings");
    report("recorded", &all);
    println!("bench: thermals_second_opinion_disputed {:.3} share", share(disputed.0, disputed.1));
    println!("bench: thermals_second_opinion_climbs {} climbs", second.true_climbs);
    println!("bench: thermals_second_opinion_precision {:.3} share", second.precision());
    println!("bench: thermals_second_opinion_recall {:.3} share", second.recall());
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

/// Medians and 90 % limits.
#[allow(clippy::print_stdout, reason = "the figures are the output of the command")]
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

#[allow(clippy::print_stdout, reason = "the figures are the output of the command")]
fn errors(what: &str, unit: &str, errors: &Errors) {
    println!("bench: thermals_{what}_error_median_{unit} {:.2} {unit}", errors.within(0.5));
    println!("bench: thermals_{what}_error_p90_{unit} {:.2} {unit}", errors.within(0.9));
}
