//! The results as a table in Markdown, and as `bench` figures.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

/// Marks the table in `docs/measurements.md`.
const BEGIN: &str = "<!-- faults: written by the test -->\n";
const END: &str = "<!-- /faults -->\n";
/// The maximum resident memory of the bridge.
pub(crate) const MAX_RSS_MB: f64 = 50.0;
pub(crate) const MAX_RECOVERY: Duration = Duration::from_secs(60);

/// The results for a fault.
pub(crate) struct Row {
    /// The part of the figure's name.
    pub(crate) name: &'static str,
    /// The description in the table.
    pub(crate) what: &'static str,
    /// The number of frames acknowledged to the publisher during the test.
    pub(crate) acknowledged: usize,
    /// The number of acknowledged frames that are not in Kafka.
    pub(crate) lost: usize,
    pub(crate) duplicates: usize,
    pub(crate) max_duplicates: usize,
    /// Errors: frames out of order, changed, or with another key.
    pub(crate) wrong: Vec<String>,
    pub(crate) recovery: Duration,
    pub(crate) rss_mb: f64,
}

impl Row {
    /// Fails if the results violate the promise.
    pub(crate) fn check(&self) -> Result<()> {
        let name = self.name;
        ensure!(self.lost == 0, "{name}: {} acknowledged frames are not in Kafka", self.lost);
        ensure!(self.wrong.is_empty(), "{name}: {} wrong, first: {}", self.wrong.len(), self.wrong[0]);
        ensure!(self.duplicates <= self.max_duplicates, "{name}: {} duplicates", self.duplicates);
        ensure!(self.recovery < MAX_RECOVERY, "{name}: normal only after {:?}, expected at most 60 s", self.recovery);
        ensure!(self.rss_mb < MAX_RSS_MB, "{name}: {:.1} MB of memory", self.rss_mb);
        ensure!(self.acknowledged > 0, "{name}: no frame was published during the fault");
        Ok(())
    }

    /// Prints the figure directly to standard error, which the test runner does not capture.
    pub(crate) fn print_figure(&self) -> Result<()> {
        let (name, recovery_s) = (self.name, self.recovery.as_secs_f64());
        let line = format!("bench: recovery_{name}_s {recovery_s:.2} s\n");
        Ok(std::io::stderr().write_all(line.as_bytes())?)
    }
}

/// Writes the table to the tests' artefacts, and to `docs/measurements.md` if `UPDRAFT_WRITE_DOCS` is set.
pub(crate) fn publish(rows: &[Row], rate_hz: u32, window: usize) -> Result<()> {
    let table = render(rows, rate_hz, window)?;
    std::fs::write(harness::artefacts_dir().join("bridge-faults.md"), &table)?;
    std::io::stderr().write_all(table.as_bytes())?;
    if std::env::var_os("UPDRAFT_WRITE_DOCS").is_some() {
        let path = harness::workspace_dir().join("docs/measurements.md");
        let page = std::fs::read_to_string(&path)?;
        let (before, rest) = page.split_once(BEGIN).context("docs/measurements.md has no begin mark of the table")?;
        let (_, after) = rest.split_once(END).context("docs/measurements.md has no end mark of the table")?;
        std::fs::write(&path, [before, BEGIN, &table, END, after].concat())?;
    }
    Ok(())
}

fn render(rows: &[Row], rate_hz: u32, window: usize) -> Result<String> {
    let mut table = format!(
        "Run of {date} ({profile} build): {versions}; {rate_hz} frames/s at QoS 1, a window of {window}, on {cores} cores.\n\n\
         | fault | frames acknowledged | lost | duplicates (bound) | out of order | back to normal | memory |\n\
         | --- | --- | --- | --- | --- | --- | --- |\n",
        date = output_of("date", &["-u", "+%Y-%m-%d"])?,
        profile = if cfg!(debug_assertions) { "debug" } else { "release" },
        versions = versions()?,
        cores = std::thread::available_parallelism()?,
    );
    for row in rows {
        let Row { what, acknowledged, lost, duplicates, max_duplicates, wrong, recovery, rss_mb, .. } = row;
        writeln!(
            table,
            "| {what} | {acknowledged} | {lost} | {duplicates} ({max_duplicates}) | {} | {:.1} s | {rss_mb:.0} MB |",
            wrong.len(),
            recovery.as_secs_f64(),
        )?;
    }
    Ok(table)
}

fn versions() -> Result<String> {
    let read = |path: &str| std::fs::read_to_string(harness::workspace_dir().join(path));
    let pom = read("ops/setup/maven/pom.xml")?;
    let kafka = between(&pom, "<kafka.version>", "<").context("Kafka's version")?;
    let lock = read("Cargo.lock")?;
    let librdkafka = between(&lock, "name = \"rdkafka-sys\"\nversion = \"", "\"");
    let librdkafka = librdkafka.and_then(|version| version.split('+').nth(1)).context("librdkafka's version")?;
    let rumqttc = between(&lock, "name = \"rumqttc\"\nversion = \"", "\"").context("rumqttc's version")?;
    let mosquitto = harness::tool_path("mosquitto")?;
    let mosquitto = output_of(&mosquitto.to_string_lossy(), &["-h"])?;
    let mosquitto = mosquitto.lines().next().unwrap_or_default().trim_start_matches("mosquitto version ").to_owned();
    Ok(format!("Kafka {kafka}, Mosquitto {mosquitto}, librdkafka {librdkafka}, rumqttc {rumqttc}"))
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    Some(text.split_once(before)?.1.split_once(after)?.0)
}

fn output_of(program: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program).args(arguments).output().with_context(|| format!("run {program}"))?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
