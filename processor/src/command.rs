//! `processor command`: what operators order about one device, into the raw topic, with an audit record.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use clap::{Args, ValueEnum};
use runtime::Context;
use schemas::catalogue::{self, topic};
use schemas::id::{DeviceAddress, RecordId};
use schemas::v1::command::{Action, Allow, Deny, Erase, Hide, ResetScore, Show};
use schemas::v1::{AuditRecord, Command, RawRecord, raw_record};
use streams::registry::TopicCodec;
use streams::{Acknowledge, Cluster, Delivered, DeliveryError, Headers, Outgoing, Receipt, Sink, SinkSettings};
use tokio::sync::oneshot;

/// Kafka and the registry have to take both records within this.
const DEADLINE: Duration = Duration::from_secs(30);
/// Most characters of a remark and of a name.
const MOST_CHARACTERS: usize = 200;

const EXAMPLES: &str = "\
Examples:
  processor command hide 110B90 --by anna          the pilot asked by telephone; unhide takes it back
  processor command deny 110B90 --by anna --remark \"false alarms every day\"
  processor command erase 110B90 --by anna         all that was recorded, up to now, for good

The processor applies the command in its place among the frames, within a second where it is running, and later where it
is not: the command waits in the raw topic. Live maps lose a hidden device at once; track, flights and exports answer as if
it had never been heard. What is shown again begins anew: what was hidden, and what was recorded before, stays hidden.
A command that was given twice does no harm.";

/// A command about one device.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub struct CommandOptions {
    /// What to do with the device.
    #[arg(value_enum, value_name = "COMMAND")]
    pub action: DeviceCommand,
    /// The device's address: six hex digits, manufacturer first, for example 110B90.
    #[arg(value_name = "DEVICE", value_parser = parse_device)]
    pub device: DeviceAddress,
    /// Who gives the command: a name or an id, for the audit. Without it, the user of the operating system ($USER).
    #[arg(long, env = "UPDRAFT_PROCESSOR_COMMAND_BY", value_name = "WHO")]
    pub by: Option<String>,
    /// Why, for the audit.
    #[arg(long, value_name = "TEXT")]
    pub remark: Option<String>,
}

/// What can be ordered about a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DeviceCommand {
    /// Hide it, live and past, until unhide, whatever it sends.
    Hide,
    /// Take hide back: what it sends from then on is shown, where its pilot consents.
    Unhide,
    /// Put it on the deny list: as hide, and its calls for help are not shown to all either.
    Deny,
    /// Take it off the deny list.
    Allow,
    /// Forget it, and delete what the history has of it. Cannot be taken back; hide and deny stay.
    Erase,
    /// Let its validation score begin again, for a device that was taken for a phantom.
    ResetScore,
}

impl DeviceCommand {
    /// As in the audit: one of a closed set.
    fn audited(self) -> &'static str {
        match self {
            Self::Hide => "device.hide",
            Self::Unhide => "device.unhide",
            Self::Deny => "device.deny",
            Self::Allow => "device.allow",
            Self::Erase => "device.erase",
            Self::ResetScore => "device.reset_score",
        }
    }

    fn action(self, remark: Option<String>) -> Action {
        match self {
            Self::Hide => Action::Hide(Hide {}),
            Self::Unhide => Action::Show(Show {}),
            Self::Deny => Action::Deny(Deny { remark }),
            Self::Allow => Action::Allow(Allow {}),
            Self::Erase => Action::Erase(Erase {}),
            Self::ResetScore => Action::ResetScore(ResetScore {}),
        }
    }
}

fn parse_device(text: &str) -> Result<DeviceAddress, String> {
    text.parse().map_err(|error: schemas::id::ParseIdError| error.to_string())
}

impl CommandOptions {
    /// Whether the options can be used.
    ///
    /// # Errors
    /// What is wrong, in one line.
    pub fn check(&self) -> Result<(), String> {
        self.who().map(drop)?;
        let is_long = |text: &String| text.chars().count() > MOST_CHARACTERS;
        match &self.remark {
            Some(remark) if is_long(remark) => {
                Err(format!("--remark: at most {MOST_CHARACTERS} characters are allowed"))
            }
            _ => Ok(()),
        }
    }

    fn who(&self) -> Result<String, String> {
        let user = || std::env::var("USER").ok();
        let who = self.by.clone().or_else(user).map(|who| who.trim().to_owned()).unwrap_or_default();
        match who.chars().count() {
            0 => Err("--by is missing: the audit needs the name of the person who gives the command".to_owned()),
            count if count > MOST_CHARACTERS || who.contains(char::is_control) => {
                Err(format!("--by {who:?}: a name of at most {MOST_CHARACTERS} letters is expected"))
            }
            _ => Ok(who),
        }
    }
}

/// A command and its audit record, as they are written.
#[derive(Debug, PartialEq)]
struct Written {
    command: Command,
    audit: AuditRecord,
}

fn written(options: &CommandOptions, who: &str, now_us: u64) -> Written {
    let CommandOptions { action, device, remark, .. } = options;
    let audited = action.audited();
    let command_id = format!("{audited}-{device}-{now_us}");
    let mut details = HashMap::from([("command_id".to_owned(), command_id.clone())]);
    details.extend(remark.clone().map(|remark| ("remark".to_owned(), remark)));
    Written {
        command: Command {
            command_id,
            device: device.0,
            issued_by: who.to_owned(),
            issued_at_us: now_us,
            action: Some(action.action(remark.clone())),
        },
        audit: AuditRecord {
            happened_at_us: now_us,
            user_id: who.to_owned(),
            action: audited.to_owned(),
            subject: device.to_string(),
            details,
            ..AuditRecord::default()
        },
    }
}

/// Writes the audit record, then the command: none goes in unseen. Prints where the command stands.
///
/// # Errors
/// The topics are not there, or Kafka or the registry does not take the records in time.
#[allow(clippy::print_stdout, reason = "the line is what the command is for")]
pub async fn run(options: CommandOptions, cluster: Cluster, context: Context) -> anyhow::Result<()> {
    let who = options.who().map_err(anyhow::Error::msg)?;
    let clock = context.clock.clone();
    let now_us = clock.now_us();
    let Written { command, audit } = written(&options, &who, now_us);
    let work = async {
        // With a mistyped prefix there are no such topics: then nothing is registered under it.
        for name in [topic::RAW, topic::AUDIT] {
            let full = cluster.full_name(name);
            cluster.log.partitions(&full).await.with_context(|| format!("no command was given: topic {full}"))?;
        }
        let writer = Writer::open(&cluster).await.context("no command was given")?;
        let audited = writer.write(topic::AUDIT, &who, &audit, now_us).await;
        audited.context("no command was given: the audit record was not taken")?;
        let raw = RawRecord {
            ingested_at_us: now_us,
            input: Some(raw_record::Input::Command(command)),
            ..RawRecord::default()
        };
        let written = writer.write(topic::RAW, &options.device.to_string(), &raw, now_us).await;
        written.context("the command was not taken, though its audit record was: give it again")
    };
    let late = async {
        clock.sleep(DEADLINE).await;
        let seconds = DEADLINE.as_secs();
        Err(anyhow::anyhow!(
            "Kafka and the schema registry did not take the command within {seconds} s: is it reachable?"
        ))
    };
    let both = async {
        tokio::select! {
            written = work => written,
            late = late => late,
        }
    };
    let Some(written) = context.shutdown.or(both).await else { return Ok(()) };
    let id = written?;
    let action = options.action.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
    println!("{action} {}: written as record {id}, by {who}", options.device);
    Ok(())
}

/// Writes single records and waits for each.
struct Writer {
    sink: std::sync::Arc<dyn Sink>,
    topics: HashMap<&'static str, (std::sync::Arc<str>, TopicCodec)>,
}

impl Writer {
    async fn open(cluster: &Cluster) -> anyhow::Result<Self> {
        let mut topics = HashMap::new();
        for name in [topic::RAW, topic::AUDIT] {
            let entry = catalogue::find(name).expect("in the catalogue");
            let codec = cluster.schemas.prepare(&cluster.topic_prefix, &entry).await?;
            topics.insert(name, (cluster.full_name(name), codec));
        }
        Ok(Self { sink: cluster.log.sink(SinkSettings::new("updraft-command"))?, topics })
    }

    async fn write(
        &self,
        name: &'static str,
        key: &str,
        value: &impl prost::Message,
        now_us: u64,
    ) -> anyhow::Result<RecordId> {
        let (topic, codec) = &self.topics[name];
        let record = Outgoing {
            topic: topic.clone(),
            // By key: a command goes where the device's frames go.
            partition: None,
            key: Some(Bytes::copy_from_slice(key.as_bytes())),
            value: Some(codec.encode(value)),
            headers: Headers::new(),
            timestamp_ms: i64::try_from(now_us / 1_000).unwrap_or(i64::MAX),
        };
        let (answer, answered) = oneshot::channel();
        let receipt = Receipt::new(std::sync::Arc::new(Answer(parking_lot::Mutex::new(Some(answer)))), 0);
        self.sink.send(record, receipt).await?;
        let delivered = answered.await.unwrap_or(Err(DeliveryError::Abandoned))?;
        Ok(RecordId::new(u16::try_from(delivered.partition).unwrap_or(u16::MAX), delivered.offset))
    }
}

struct Answer(parking_lot::Mutex<Option<oneshot::Sender<Result<Delivered, DeliveryError>>>>);

impl Acknowledge for Answer {
    fn acknowledged(&self, _tag: u64, outcome: Result<Delivered, DeliveryError>) {
        if let Some(answer) = self.0.lock().take() {
            // Nobody waits after the deadline.
            let _ = answer.send(outcome);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(action: DeviceCommand, remark: Option<&str>) -> CommandOptions {
        let device = DeviceAddress(0x11_0B90);
        CommandOptions { action, device, by: Some("anna".into()), remark: remark.map(str::to_owned) }
    }

    #[test]
    fn each_command_has_its_audit_record() {
        for action in DeviceCommand::value_variants() {
            let Written { command, audit } = written(&options(*action, Some("why")), "anna", 7);
            assert_eq!((command.device, command.issued_by.as_str(), command.issued_at_us), (0x11_0B90, "anna", 7));
            assert_eq!((audit.subject.as_str(), audit.user_id.as_str(), audit.happened_at_us), ("110B90", "anna", 7));
            assert_eq!(audit.details["command_id"], command.command_id, "{action:?}");
            assert_eq!(audit.details["remark"], "why");
            assert!(audit.action.starts_with("device."));
        }
        let Written { command, .. } = written(&options(DeviceCommand::Deny, Some("noise")), "anna", 7);
        assert_eq!(command.action, Some(Action::Deny(Deny { remark: Some("noise".into()) })));
    }

    #[test]
    fn bad_options_are_named_with_what_is_expected() {
        assert_eq!(options(DeviceCommand::Hide, None).check(), Ok(()));
        let long = options(DeviceCommand::Hide, Some(&"x".repeat(201)));
        assert!(long.check().is_err_and(|line| line.contains("--remark")));
        for by in ["", "  ", "a\nb"] {
            let bad = CommandOptions { by: Some(by.into()), ..options(DeviceCommand::Hide, None) };
            assert!(bad.check().is_err_and(|line| line.contains("--by")), "{by:?}");
        }
        for bad in ["", "110B9", "110B900", "11:0B90", "pilot"] {
            let error = parse_device(bad).expect_err(bad);
            assert!(error.contains("six hex digits") && error.contains("110B90"), "{error}");
        }
    }
}
