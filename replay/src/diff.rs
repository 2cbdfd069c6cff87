//! `replay diff`: compares the outputs of two builds of the processor for one capture.

mod read_ahead;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::OsString;
use std::io::{self, BufRead as _, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};

use anyhow::Context as _;
use clap::Args;
use serde::Serialize;
use serde_json::Value;

use read_ahead::{BLOCK_BYTES, ReadAhead};

/// Run two builds of the processor over a capture (`BIN core CAPTURE`), and show which outputs differ, per device with
/// the record of the first difference.
///
/// Exit codes: 0 no difference, 1 a difference, 2 a build failed, 64 bad usage.
#[derive(Args, Clone, Debug)]
pub struct DiffArgs {
    /// The first build: a processor's binary.
    #[arg(long, value_name = "BIN")]
    pub left: PathBuf,
    /// The second build; can be the same binary with other settings.
    #[arg(long, value_name = "BIN")]
    pub right: PathBuf,
    /// Further arguments of the first build, separated by spaces: --left-args "--aircraft-lifetime 5m".
    #[arg(long, value_name = "ARGS", default_value = "", allow_hyphen_values = true)]
    pub left_args: String,
    /// Further arguments of the second build.
    #[arg(long, value_name = "ARGS", default_value = "", allow_hyphen_values = true)]
    pub right_args: String,
    /// Print one JSON object instead of a table.
    #[arg(long)]
    pub json: bool,
    /// The capture.
    pub capture: PathBuf,
}

/// The comparison.
#[derive(Debug, Default, PartialEq, Serialize)]
struct Report {
    records_with_outputs: u64,
    differing_records: u64,
    /// By where the output goes.
    by_output: BTreeMap<String, Counts>,
    /// By key: devices, receivers.
    by_key: BTreeMap<String, KeyDifference>,
}

#[derive(Debug, Default, PartialEq, Serialize)]
struct Counts {
    left_only: u64,
    right_only: u64,
}

#[derive(Debug, PartialEq, Serialize)]
struct KeyDifference {
    outputs: u64,
    first_record: String,
    left: Option<Value>,
    right: Option<Value>,
}

/// Compares.
///
/// # Errors
/// A build cannot be started, or fails.
#[allow(clippy::print_stderr, reason = "failures are reported on standard error")]
pub fn run(args: &DiffArgs) -> anyhow::Result<ExitCode> {
    let compared = start(&args.left, &args.left_args, &args.capture)
        .and_then(|left| Ok((left, start(&args.right, &args.right_args, &args.capture)?)))
        .and_then(|(left, right)| compare(left, right));
    let report = match compared {
        Ok(report) => report,
        Err(error) => {
            eprintln!("replay diff: {error:#}");
            return Ok(ExitCode::from(2));
        }
    };
    let mut out = io::stdout().lock();
    if args.json {
        serde_json::to_writer_pretty(&mut out, &report)?;
        writeln!(out)?;
    } else {
        print(&report, &mut out)?;
    }
    Ok(ExitCode::from(u8::from(report.differing_records > 0)))
}

/// A processor that prints the outputs of a capture.
struct Side {
    name: String,
    child: Child,
    out: BufReader<ReadAhead>,
    /// The first line behind the last group; empty: there is none.
    ahead: String,
    /// Groups that the other side has not reached, by partition.
    waiting: Waiting,
}

/// The outputs of one record.
#[derive(Debug, Default, PartialEq)]
struct Group {
    partition: u32,
    offset: u64,
    /// The lines as they were printed.
    text: String,
}

type Waiting = BTreeMap<u32, VecDeque<Group>>;

/// Groups of a partition that wait for the other side. Both sides read the same records in the same order: with more,
/// the other side has no outputs for the oldest group.
const MAX_WAITING_GROUPS: usize = 10_000;

fn start(binary: &Path, more: &str, capture: &Path) -> anyhow::Result<Side> {
    let name = binary.display().to_string();
    let mut arguments: Vec<OsString> = vec!["core".into()];
    arguments.extend(more.split_whitespace().map(OsString::from));
    arguments.push(capture.into());
    let mut child = Command::new(binary)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {name}"))?;
    let stdout = child.stdout.take().expect("it is piped");
    let out = BufReader::with_capacity(BLOCK_BYTES, ReadAhead::of(stdout)?);
    Ok(Side { name, child, out, ahead: String::new(), waiting: Waiting::new() })
}

impl Side {
    /// Reads the outputs of the next record into the group. False: there are no more.
    fn read(&mut self, group: &mut Group) -> anyhow::Result<bool> {
        group.text.clear();
        if self.ahead.is_empty() && !self.read_ahead()? {
            return Ok(false);
        }
        (group.partition, group.offset) = self.record_ahead()?;
        loop {
            group.text.push_str(&self.ahead);
            if !self.read_ahead()? || self.record_ahead()? != (group.partition, group.offset) {
                return Ok(true);
            }
        }
    }

    /// False: there is no further line.
    fn read_ahead(&mut self) -> anyhow::Result<bool> {
        self.ahead.clear();
        let bytes = self.out.read_line(&mut self.ahead);
        Ok(bytes.with_context(|| format!("cannot read the output of {}", self.name))? > 0)
    }

    fn record_ahead(&self) -> anyhow::Result<(u32, u64)> {
        let line = &self.ahead;
        record_of(line).with_context(|| {
            format!(
                "{} printed an unexpected line; expected the output of `processor core`: {}",
                self.name,
                line.trim_end()
            )
        })
    }

    fn finish(mut self) -> anyhow::Result<()> {
        let status = self.child.wait()?;
        anyhow::ensure!(status.success(), "{} ended with {status}", self.name);
        Ok(())
    }
}

/// `{"partition":1,"offset":2,...`: read without parsing the rest.
fn record_of(line: &str) -> Option<(u32, u64)> {
    let rest = line.strip_prefix("{\"partition\":")?;
    let (partition, rest) = rest.split_once(",\"offset\":")?;
    let (offset, _) = rest.split_once(',')?;
    Some((partition.parse().ok()?, offset.parse().ok()?))
}

fn compare(mut left: Side, mut right: Side) -> anyhow::Result<Report> {
    let mut report = Report::default();
    let (mut a, mut b) = (Group::default(), Group::default());
    loop {
        let (is_left, is_right) = (left.read(&mut a)?, right.read(&mut b)?);
        let is_waited_for = !(is_empty(&left.waiting) && is_empty(&right.waiting));
        // Nearly all of a capture, unless the builds differ much.
        if is_left && is_right && !is_waited_for && a == b {
            report.records_with_outputs += 1;
            continue;
        }
        for (is, side, group) in [(is_left, &mut left, &mut a), (is_right, &mut right, &mut b)] {
            if is {
                side.waiting.entry(group.partition).or_default().push_back(std::mem::take(group));
            }
        }
        let is_over = !is_left && !is_right;
        report.take(&mut left.waiting, &mut right.waiting, is_over);
        if is_over {
            break;
        }
    }
    left.finish()?;
    right.finish()?;
    Ok(report)
}

fn is_empty(waiting: &Waiting) -> bool {
    waiting.values().all(VecDeque::is_empty)
}

impl Report {
    /// Compares the groups that both sides have. Within a partition offsets grow on both.
    fn take(&mut self, left: &mut Waiting, right: &mut Waiting, is_over: bool) {
        let partitions: BTreeSet<u32> = left.keys().chain(right.keys()).copied().collect();
        for partition in partitions {
            let (left, right) = (left.entry(partition).or_default(), right.entry(partition).or_default());
            loop {
                let (is_left, is_right) = match (left.front(), right.front()) {
                    (None, None) => break,
                    (Some(a), Some(b)) => (a.offset <= b.offset, a.offset >= b.offset),
                    (Some(_), None) if is_over || left.len() > MAX_WAITING_GROUPS => (true, false),
                    (None, Some(_)) if is_over || right.len() > MAX_WAITING_GROUPS => (false, true),
                    _ => break,
                };
                let group = |side: &mut VecDeque<Group>, is: bool| if is { side.pop_front() } else { None };
                let (a, b) = (group(left, is_left), group(right, is_right));
                self.records_with_outputs += 1;
                if a != b {
                    let offset = a.as_ref().or(b.as_ref()).map_or(0, |group| group.offset);
                    let text = |group: Option<Group>| group.unwrap_or_default().text;
                    self.add((partition, offset), &text(a), &text(b));
                }
            }
        }
    }

    /// Counts what is in one of them alone. The order of fields is no difference: an older build may have another one.
    fn add(&mut self, (partition, offset): (u32, u64), left: &str, right: &str) {
        let parse = |text: &str| -> Vec<Value> {
            text.lines().map(|line| serde_json::from_str(line).unwrap_or_default()).collect()
        };
        let (left, right) = (parse(left), parse(right));
        if left == right {
            return;
        }
        self.differing_records += 1;
        let only = |these: &[Value], those: &[Value]| -> Vec<Value> {
            these.iter().filter(|output| !those.contains(output)).cloned().collect()
        };
        let (left_only, right_only) = (only(&left, &right), only(&right, &left));
        let text = |output: &Value, field: &str| output[field].as_str().unwrap_or_default().to_owned();
        let record = format!("{partition}/{offset}");
        for (outputs, is_left) in [(&left_only, true), (&right_only, false)] {
            for output in outputs {
                let counts = self.by_output.entry(text(output, "to")).or_default();
                *(if is_left { &mut counts.left_only } else { &mut counts.right_only }) += 1;
                let key = self.by_key.entry(text(output, "key")).or_insert_with(|| {
                    let same = |other: &&Value| other["to"] == output["to"] && other["key"] == output["key"];
                    let other = if is_left { &right_only } else { &left_only }.iter().find(same).cloned();
                    let (left, right) =
                        if is_left { (Some(output.clone()), other) } else { (other, Some(output.clone())) };
                    KeyDifference { outputs: 0, first_record: record.clone(), left, right }
                });
                key.outputs += 1;
            }
        }
    }
}

fn print(report: &Report, out: &mut impl Write) -> io::Result<()> {
    if report.differing_records == 0 {
        return writeln!(out, "no difference: the outputs of {} records are the same", report.records_with_outputs);
    }
    writeln!(out, "{} of {} records with outputs differ", report.differing_records, report.records_with_outputs)?;
    writeln!(out, "{:>10} {:>10}  output", "only left", "only right")?;
    for (output, counts) in &report.by_output {
        writeln!(out, "{:>10} {:>10}  {output}", counts.left_only, counts.right_only)?;
    }
    for (key, difference) in &report.by_key {
        writeln!(out, "{key}: {} outputs differ, first at {}", difference.outputs, difference.first_record)?;
        for (side, output) in [("left ", &difference.left), ("right", &difference.right)] {
            let text = output.as_ref().map_or_else(|| "nothing".to_owned(), Value::to_string);
            writeln!(out, "  {side} {text}")?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_of_a_line_is_read_without_the_rest() {
        assert_eq!(record_of("{\"partition\":17,\"offset\":123,\"to\":\"x\"}"), Some((17, 123)));
        assert_eq!(record_of("{\"offset\":123}"), None);
    }

    #[test]
    fn records_without_outputs_on_one_side_are_found() {
        let group = |offset: u64, text: &str| Group {
            partition: 1,
            offset,
            text: format!("{{\"partition\":1,\"offset\":{offset},\"to\":\"t\",\"key\":\"{text}\"}}\n"),
        };
        let mut left = Waiting::from([(1, VecDeque::from([group(1, "a"), group(2, "a"), group(4, "a")]))]);
        let mut right = Waiting::from([(1, VecDeque::from([group(1, "a"), group(3, "b"), group(4, "a")]))]);
        let mut report = Report::default();
        report.take(&mut left, &mut right, false);
        assert_eq!((report.records_with_outputs, report.differing_records), (4, 2));
        assert_eq!(report.by_key["a"].first_record, "1/2");
        assert_eq!(report.by_key["b"].first_record, "1/3");
    }

    #[test]
    fn a_difference_names_its_key_and_its_first_record() {
        let line =
            |score: u32| format!("{{\"partition\":1,\"offset\":2,\"to\":\"t\",\"key\":\"110B90\",\"value\":{score}}}");
        let mut report = Report::default();
        report.add((1, 2), &line(1), &line(2));
        let difference = &report.by_key["110B90"];
        assert_eq!((difference.outputs, difference.first_record.as_str()), (2, "1/2"));
        assert_eq!(difference.left.as_ref().expect("there")["value"], 1);
        assert_eq!(difference.right.as_ref().expect("there")["value"], 2);
        assert_eq!(report.by_output["t"], Counts { left_only: 1, right_only: 1 });
    }

    #[test]
    fn the_order_of_fields_is_no_difference() {
        let mut report = Report::default();
        report.add(
            (1, 2),
            "{\"to\":\"t\",\"value\":{\"a\":1,\"b\":2}}\n",
            "{\"to\":\"t\",\"value\":{\"b\":2,\"a\":1}}\n",
        );
        assert_eq!(report, Report::default());
    }
}
