//! What a program's log shows and must not: panics, errors that no test announced, JSON lines that a strict reader refuses.

use anyhow::{Result, ensure};

use crate::strict_json;

/// No errors are announced.
pub const NOTHING: &[&str] = &[];
/// The maximum number of lines in a message; further ones are counted.
const SHOWN: usize = 12;

/// Fails when a log has a panic, or an error line that contains none of `announced`.
///
/// # Errors
/// With the lines.
pub fn check_log(name: &str, log: &str, announced: &[impl AsRef<str>]) -> Result<()> {
    let found = violations(log, announced);
    let more = found.len().saturating_sub(SHOWN);
    let lines = found.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join("\n");
    let more = if more > 0 { format!("\n... and {more} more") } else { String::new() };
    ensure!(found.is_empty(), "the log of {name} has lines that this test did not announce:\n{lines}{more}");
    Ok(())
}

/// The panics of a log, each with the line after it, which has the reason.
pub(crate) fn panics(log: &str) -> Vec<String> {
    let lines: Vec<&str> = log.lines().collect();
    let panics = lines.iter().enumerate().filter(|(_, line)| is_panic(line));
    panics.map(|(at, line)| format!("{line} {}", lines.get(at + 1).copied().unwrap_or_default())).collect()
}

fn violations(log: &str, announced: &[impl AsRef<str>]) -> Vec<String> {
    // A killed program can leave an incomplete line.
    let complete = log.rfind('\n').map_or("", |end| &log[..end]);
    let refused = complete.lines().filter_map(|line| match Line::of(line) {
        Line::Text { is_error: false } | Line::Json(Ok(false)) => None,
        Line::Text { is_error: true } | Line::Json(Ok(true)) => {
            let is_announced = announced.iter().any(|announced| line.contains(announced.as_ref()));
            (!is_announced).then(|| line.to_owned())
        }
        Line::Json(Err(error)) => Some(format!("{error}: {line}")),
    });
    panics(log).into_iter().chain(refused).collect()
}

fn is_panic(line: &str) -> bool {
    let in_thread = line.starts_with("thread '") && line.contains(" panicked at ");
    let in_runtime = ["fatal runtime error: ", "memory allocation of "].iter().any(|start| line.starts_with(start));
    in_thread || in_runtime || line.contains("has overflowed its stack")
}

/// A line of a log, in one of the two formats of our programs.
enum Line {
    Text {
        is_error: bool,
    },
    /// Whether it is an error, or why it cannot be parsed.
    Json(Result<bool, String>),
}

impl Line {
    fn of(line: &str) -> Self {
        if line.starts_with("{\"timestamp\"") {
            let level = strict_json::parse(line).map(|value| value["level"] == "ERROR");
            return Self::Json(level.map_err(|error| format!("no strict JSON ({error})")));
        }
        let mut words = line.split_ascii_whitespace();
        let is_time = words.next().is_some_and(|time| time.ends_with('Z') && time.contains('T'));
        Self::Text { is_error: is_time && words.next() == Some("ERROR") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "2026-07-14T12:00:00.000001Z  INFO started service=\"bridge\"\n\
        2026-07-14T12:00:01.000001Z  WARN task{task=\"feed\"}: ERROR is a word here\n\
        2026-07-14T12:00:02.000001Z ERROR task{task=\"feed\"}: the log refuses a record: it is lost reason=\"size\"\n\
        map: http://localhost:8090\n";

    fn found(log: &str) -> Vec<String> {
        violations(log, NOTHING)
    }

    #[test]
    fn an_error_line_must_be_announced() {
        let [error] = &found(TEXT)[..] else { panic!("{:?}", found(TEXT)) };
        assert!(error.ends_with("it is lost reason=\"size\""));
        assert!(violations(TEXT, &["refuses a record"]).is_empty());
        assert_eq!(violations(TEXT, &["refuses a position"]).len(), 1);
        let json = "{\"timestamp\":\"2026-07-14T12:00:00Z\",\"level\":\"ERROR\",\"message\":\"stopped\"}\n";
        assert_eq!((found(json).len(), violations(json, &["stopped"]).len()), (1, 0));
    }

    #[test]
    fn a_panic_cannot_be_announced() {
        let log =
            format!("{TEXT}\nthread 'tokio-rt-worker' (77) panicked at src/lib.rs:1:2:\nUnfold must not be polled\n");
        let found = violations(&log, &["refuses a record", "panicked", "Unfold"]);
        assert_eq!(found, ["thread 'tokio-rt-worker' (77) panicked at src/lib.rs:1:2: Unfold must not be polled"]);
        for line in ["fatal runtime error: stack overflow", "thread 'main' has overflowed its stack"] {
            assert_eq!(violations(&format!("{line}\n"), NOTHING).len(), 1, "{line}");
        }
    }

    #[test]
    fn a_json_line_with_a_duplicate_key_is_refused() {
        let log = "{\"timestamp\":\"t\",\"level\":\"INFO\",\"span\":{\"name\":\"feed\",\"name\":\"task\"}}\n";
        assert!(found(log)[0].contains("`name` twice"), "{:?}", found(log));
        let cut = "{\"timestamp\":\"t\",\"level\":\"IN";
        assert!(found(cut).is_empty(), "killed during the write");
        assert_eq!(found(&format!("{cut}\n")).len(), 1);
    }

    #[test]
    fn the_message_is_bounded() {
        let log = "2026-07-14T12:00:02.000001Z ERROR lost\n".repeat(40);
        let message = check_log("bridge", &log, NOTHING).expect_err("there are errors").to_string();
        assert!(message.starts_with("the log of bridge") && message.ends_with("... and 28 more"), "{message}");
    }
}
