//! The effective settings and their sources, as `--check-config` prints them.

use std::collections::BTreeMap;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

use super::Settings;
use super::redacted::without_file;
use super::url::is_url;

/// One setting per line, by name: its value, with secrets hidden, and its source.
pub fn effective(command: &Command, settings: &Settings) -> String {
    let mut lines = BTreeMap::new();
    collect(command, &settings.matches, settings, &mut lines);
    lines.into_iter().map(|(name, value)| format!("{name} = {value}\n")).collect()
}

fn collect(command: &Command, matches: &ArgMatches, settings: &Settings, lines: &mut BTreeMap<String, String>) {
    for arg in command.get_arguments() {
        let id = arg.get_id().as_str();
        let known = matches.try_contains_id(id).unwrap_or(false);
        let Some(long) = arg.get_long().filter(|_| known) else { continue };
        let values = matches.get_raw(id).into_iter().flatten();
        let values: Vec<String> = values.map(|value| shown(arg, without_file(&value.to_string_lossy()).1)).collect();
        if !values.is_empty() {
            let source = source(arg, matches.value_source(id), settings.files.get(long));
            lines.insert(long.to_owned(), format!("{}  # {source}", values.join(",")));
        }
    }
    if let Some((name, matches)) = matches.subcommand()
        && let Some(sub) = command.find_subcommand(name)
    {
        collect(sub, matches, settings, lines);
    }
}

fn source(arg: &Arg, source: Option<ValueSource>, file: Option<&String>) -> String {
    match (source, file) {
        (Some(ValueSource::CommandLine), _) => "flag".to_owned(),
        (Some(ValueSource::EnvVariable), _) => {
            format!("environment, {}", arg.get_env().unwrap_or_default().to_string_lossy())
        }
        (_, Some(file)) => file.clone(),
        _ => "default".to_owned(),
    }
}

/// The value without its secrets: a password in a URL, the values of pairs, or all of it.
fn shown(arg: &Arg, value: &str) -> String {
    let kind = arg.get_value_names().and_then(|names| names.first()).map(|name| name.as_str());
    match kind {
        // Of any option: user and password may be in every URL, and keys in its query.
        _ if is_url(arg) && value.contains("://") => url(value),
        _ if !arg.is_hide_env_values_set() => value.to_owned(),
        Some("URL") => url(value),
        Some("KEY=VALUE") => pairs(value),
        _ => "***".to_owned(),
    }
}

/// Shows scheme, user, host and path. The last `@` ends the password, which may hold anything.
fn url(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        // `none` and the like; with an `@` it is no URL, and may be anything.
        return if text.contains('@') { "***".to_owned() } else { text.to_owned() };
    };
    let location = |text: &str| match text.split_once('?') {
        Some((location, _)) => format!("{location}?***"),
        None => text.to_owned(),
    };
    match rest.rsplit_once('@') {
        None => format!("{scheme}://{}", location(rest)),
        Some((credentials, rest)) => {
            let user = credentials.split_once(':').map_or("", |(user, _)| user);
            let colon = if credentials.contains(':') { ":" } else { "" };
            format!("{scheme}://{user}{colon}***@{}", location(rest))
        }
    }
}

fn pairs(text: &str) -> String {
    let parts = text.split([',', '\n']).map(str::trim).filter(|part| !part.is_empty());
    let shown =
        parts.map(|part| part.split_once('=').map_or("***".to_owned(), |(key, _)| format!("{}=***", key.trim())));
    shown.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_hides_its_secrets_alone() {
        for (text, expected) in [
            ("redis://localhost:6379", "redis://localhost:6379"),
            ("redis://:geheim@r.example:6379/2", "redis://:***@r.example:6379/2"),
            ("http://map:ge/h@im@ch.example:8123/updraft", "http://map:***@ch.example:8123/updraft"),
            ("http://geheim@ch.example", "http://***@ch.example"),
            ("http://ch.example/?password=geheim", "http://ch.example/?***"),
            ("none", "none"),
            ("map:geheim@host", "***"),
        ] {
            assert_eq!(url(text), expected);
        }
    }

    #[test]
    fn pairs_hide_their_values() {
        assert_eq!(
            pairs("sasl.password=a=b, security.protocol=ssl\nrest"),
            "sasl.password=***,security.protocol=***,***"
        );
        assert_eq!(pairs(""), "");
    }
}
