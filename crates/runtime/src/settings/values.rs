//! Groups of settings as values, for code that runs a program without its command line.

use std::time::Duration;

use clap::{Args, Command};

/// A group of settings with the declared defaults of its options, independent of the environment.
///
/// # Panics
/// When a declared default is invalid, or a required option has none; a test of each group excludes that.
pub fn defaults<T: Args>() -> T {
    let command = group::<T>().mut_args(|arg| arg.env(None::<&str>));
    parse(command).expect("every option of the group has a valid default")
}

/// A group of settings as the environment has it, then the defaults.
///
/// # Errors
/// An environment variable has an invalid value, or a required one is not set.
pub fn from_environment<T: Args>() -> Result<T, clap::Error> {
    parse(group::<T>())
}

fn group<T: Args>() -> Command {
    T::augment_args(Command::new("settings").no_binary_name(true))
}

fn parse<T: Args>(command: Command) -> Result<T, clap::Error> {
    T::from_arg_matches(&command.try_get_matches_from(std::iter::empty::<&str>())?)
}

/// A duration as [`parse_duration`](super::parse_duration) reads it, in its largest unit that divides it.
pub fn duration_text(duration: Duration) -> String {
    let millis = duration.as_millis();
    let units = [(3_600_000, "h"), (60_000, "m"), (1_000, "s")];
    match units.into_iter().find(|(unit, _)| millis > 0 && millis.is_multiple_of(*unit)) {
        Some((unit, name)) => format!("{}{name}", millis / unit),
        None => format!("{millis}ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse_duration;
    use super::*;

    #[derive(Debug, Clone, PartialEq, Args)]
    struct Group {
        /// `PATH` is set in the environment of every test.
        #[arg(long, env = "PATH", default_value = "nowhere")]
        path: String,
        #[arg(long, env = "UPDRAFT_TEST_VALUES_WAIT", default_value = "5s", value_parser = parse_duration)]
        wait: Duration,
        #[arg(long)]
        absent: Option<u32>,
    }

    #[test]
    fn defaults_are_those_declared() {
        let expected = Group { path: "nowhere".to_owned(), wait: Duration::from_secs(5), absent: None };
        assert_eq!(defaults::<Group>(), expected);
    }

    #[test]
    fn the_environment_comes_before_the_defaults() {
        let path = std::env::var("PATH").expect("cargo has a path");
        let expected = Group { path, wait: Duration::from_secs(5), absent: None };
        assert_eq!(from_environment::<Group>().expect("good"), expected);
    }

    #[test]
    fn duration_text_is_parsed_again() {
        for text in ["0ms", "250ms", "90s", "5s", "2m", "1h", "24h", "1500ms"] {
            assert_eq!(duration_text(parse_duration(text).expect(text)), text);
        }
        assert_eq!(duration_text(Duration::from_secs(86_400)), "24h");
    }
}
