//! The `replay` program, with one subcommand per task.

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};

/// Capture, play, compare, explain, decode and generate frames.
#[derive(Parser)]
#[command(name = "replay", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Capture(Box<replay::record::CaptureArgs>),
    Info(Box<replay::info::InfoArgs>),
    Cat(Box<replay::cat::CatArgs>),
    Grep(Box<replay::cat::GrepArgs>),
    Play(Box<replay::play::PlayArgs>),
    Diff(replay::diff::DiffArgs),
    Explain(Box<replay::verdict::ExplainArgs>),
    Decode(replay::decode::DecodeArgs),
    Generate(Box<replay::generate::command::Options>),
    EvaluateThermals(replay::evaluate::command::Options),
}

/// Bad usage, as sysexits has it.
const EXIT_USAGE: u8 = 64;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let done = match cli.command {
        Command::Capture(args) => replay::record::run(&args),
        Command::Info(args) => replay::info::run(&args),
        Command::Cat(args) => replay::cat::cat(&args),
        Command::Grep(args) => replay::cat::grep(&args),
        Command::Play(args) => replay::play::run(&args),
        Command::Diff(args) => replay::diff::run(&args),
        Command::Explain(args) => replay::verdict::run(&args),
        Command::Decode(args) => replay::decode::run(&args),
        Command::Generate(options) => Ok(replay::generate::command::run(&options)),
        Command::EvaluateThermals(options) => replay::evaluate::command::run(&options).map(|()| ExitCode::SUCCESS),
    };
    done.unwrap_or_else(|error| {
        // The reader has closed the output.
        if error
            .chain()
            .any(|cause| cause.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe))
        {
            return ExitCode::SUCCESS;
        }
        // In one piece: of two programs with one terminal, lines stay whole.
        let _ = io::stderr().write_all(format!("replay: {error:#}\n").as_bytes());
        if error.is::<replay::usage::BadUsage>() { ExitCode::from(EXIT_USAGE) } else { ExitCode::FAILURE }
    })
}

/// Prints help to standard output, and errors to standard error.
fn usage(error: &clap::Error) -> ExitCode {
    // The terminal may be closed: then nothing can be printed.
    let _ = error.print();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::SUCCESS,
        _ => ExitCode::from(EXIT_USAGE),
    }
}
