//! The `replay` program: one subcommand per thing to do with frames.

use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};

/// Captures, decodes, replays and generates frames.
#[derive(Parser)]
#[command(name = "replay", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
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
        Command::Decode(args) => replay::decode::run(&args),
        Command::Generate(options) => Ok(replay::generate::command::run(&options)),
        Command::EvaluateThermals(options) => replay::evaluate::command::run(&options).map(|()| ExitCode::SUCCESS),
    };
    done.unwrap_or_else(|error| {
        eprintln!("replay: {error:#}");
        ExitCode::FAILURE
    })
}

/// Prints help to standard output, and what is wrong to standard error.
fn usage(error: &clap::Error) -> ExitCode {
    // There is nobody left to tell when the terminal is gone.
    let _ = error.print();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::SUCCESS,
        _ => ExitCode::from(EXIT_USAGE),
    }
}
