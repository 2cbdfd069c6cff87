//! `processor command`: writes an operator's command about one device into the raw topic, with an audit record.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use clap::{Args, ValueEnum};
use runtime::Context;
use schemas::catalogue::{self, topic};
use schemas::id::{DeviceAddress, RecordId};
use schemas::v1::command::{Action, Allow, Deny, Erase, Hide, HideName, ResetScore, Show, ShowName};
use schemas::v1::{AuditOutcome, AuditRecord, Command, RawRecord, raw_record};
use streams::registry::TopicCodec;
use streams::{Acknowledge, Cluster, Delivered, DeliveryError, Headers, Outgoing, Receipt, Sink, SinkSettings};
use tokio::sync::oneshot;

/// The time limit for Kafka and the registry to accept both records.
const DEADLINE: Duration = Duration::from_secs(30);
/// The largest number of characters of a remark and of a name.
const MAX_CHARACTERS: usize = 200;

const EXAMPLES: &str = "\
Examples:
  processor command hide 110B90 --by anna          the pilot asked by telephone; undone by unhide
  processor command deny 110B90 --by anna --remark \"false alarms every day\"
  processor command erase 110B90 --by anna         deletes all records up to now; cannot be undone

The command is a record of the raw topic among the frames: a running processor applies it within a second, a stopped one
when it runs again. Live maps remove a hidden device at once; for track, flights and exports the device is unknown. A device
that is shown again starts without a past: its hidden and its earlier records stay hidden. Repeating a command is harmless.";

/// A command about one device.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub struct CommandOptions {
    /// Command to apply to the device.
    #[arg(value_enum, value_name = "COMMAND")]
    pub action: DeviceCommand,
    /// Address of the device: six hex digits, manufacturer first, for example 110B90.
    #[arg(value_name = "DEVICE", value_parser = parse_device)]
    pub device: DeviceAddress,
    /// Name or id of the person who gives the command, for the audit. Default: the user of the operating system ($USER).
    #[arg(long, env = "UPDRAFT_PROCESSOR_COMMAND_BY", value_name = "WHO")]
    pub by: Option<String>,
    /// Reason, for the audit.
    #[arg(long, value_name = "TEXT")]
    pub remark: Option<String>,
}

/// A command about a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DeviceCommand {
    /// Hide it, live and past, until unhide, independent of what it sends.
    Hide,
    /// Undo hide: records from then on are shown, where its pilot consents.
    Unhide,
    /// Put it on the deny list: as hide, and its calls for help are not public either.
    Deny,
    /// Remove it from the deny list.
    Allow,
    /// Withhold the name, the texts and the landmarks that it sends from the public; the device itself stays public.
    HideName,
    /// Undo hide-name.
    ShowName,
    /// Remove its state and delete its records from the history. Cannot be undone; hide and deny stay.
    Erase,
    /// Reset its validation score, for a device whose frames were wrongly judged implausible.
    ResetScore,
}

impl DeviceCommand {
    /// The action in the audit record: one of a closed set.
    fn audit_action(self) -> &'static str {
        match self {
            Self::Hide => "device.hide",
            Self::Unhide => "device.show",
            Self::Deny => "device.deny",
            Self::Allow => "device.allow",
            Self::HideName => "device.hide_name",
            Self::ShowName => "device.show_name",
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
            Self::HideName => Action::HideName(HideName { remark }),
            Self::ShowName => Action::ShowName(ShowName {}),
            Self::Erase => Action::Erase(Erase {}),
            Self::ResetScore => Action::ResetScore(ResetScore {}),
        }
    }
}

fn parse_device(text: &str) -> Result<DeviceAddress, String> {
    text.parse().map_err(|error: schemas::id::ParseIdError| error.to_string())
}

impl CommandOptions {
    /// Checks the options.
    ///
    /// # Errors
    /// One line with the mistake.
    pub fn check(&self) -> Result<(), String> {
        self.issuer().map(drop)?;
        let is_long = |text: &String| text.chars().count() > MAX_CHARACTERS;
        match &self.remark {
            Some(remark) if is_long(remark) => Err(format!(
                "invalid --remark of {} characters: expected at most {MAX_CHARACTERS}",
                remark.chars().count()
            )),
            _ => Ok(()),
        }
    }

    /// The person who gives the command.
    fn issuer(&self) -> Result<String, String> {
        let user = || std::env::var("USER").ok();
        let issuer = self.by.clone().or_else(user).map(|name| name.trim().to_owned()).unwrap_or_default();
        match issuer.chars().count() {
            0 => {
                Err("--by is missing: expected the name of the person who gives the command, for the audit".to_owned())
            }
            count if count > MAX_CHARACTERS || issuer.contains(char::is_control) => {
                Err(format!("invalid --by {issuer:?}: expected a name of at most {MAX_CHARACTERS} characters"))
            }
            _ => Ok(issuer),
        }
    }
}

/// A command and its audit record.
#[derive(Debug, PartialEq)]
struct Records {
    command: Command,
    audit: AuditRecord,
}

fn records(options: &CommandOptions, issuer: &str, now_us: u64) -> Records {
    let CommandOptions { action, device, remark, .. } = options;
    let audit_action = action.audit_action();
    let command_id = format!("{audit_action}-{device}-{now_us}");
    let mut details = HashMap::from([("command_id".to_owned(), command_id.clone())]);
    details.extend(remark.clone().map(|remark| ("remark".to_owned(), remark)));
    Records {
        command: Command {
            command_id: command_id.clone(),
            device: device.0,
            issued_by: issuer.to_owned(),
            issued_at_us: now_us,
            action: Some(action.action(remark.clone())),
        },
        audit: AuditRecord {
            happened_at_us: now_us,
            user_id: issuer.to_owned(),
            action: audit_action.to_owned(),
            subject: device.to_string(),
            details,
            credential: "command_line".to_owned(),
            outcome: AuditOutcome::Accepted.into(),
            request_id: command_id.clone(),
            ..AuditRecord::default()
        },
    }
}

/// Writes the audit record, then the command, so that every command has an audit record. Prints the command's record id.
///
/// # Errors
/// A topic is missing, or Kafka or the registry does not accept the records in time.
#[allow(clippy::print_stdout, reason = "the line is what the command is for")]
pub async fn run(options: CommandOptions, cluster: Cluster, context: Context) -> anyhow::Result<()> {
    let issuer = options.issuer().map_err(anyhow::Error::msg)?;
    let clock = context.clock.clone();
    let now_us = clock.now_us();
    let Records { command, audit } = records(&options, &issuer, now_us);
    let work = async {
        // With a mistyped prefix the topics do not exist: fail before a schema is registered under the prefix.
        for name in [topic::RAW, topic::AUDIT] {
            let full = cluster.full_name(name);
            cluster
                .log
                .partitions(&full)
                .await
                .with_context(|| format!("the command was not written: topic {full}"))?;
        }
        let writer = Writer::open(&cluster).await.context("the command was not written")?;
        let audited = writer.write(topic::AUDIT, &issuer, &audit, now_us).await;
        audited.context("the command was not written: Kafka did not accept the audit record")?;
        let raw = RawRecord {
            ingested_at_us: now_us,
            input: Some(raw_record::Input::Command(command)),
            ..RawRecord::default()
        };
        let written = writer.write(topic::RAW, &options.device.to_string(), &raw, now_us).await;
        written.context("the audit record was written, but the command was not: repeat the command")
    };
    let timeout = async {
        clock.sleep(DEADLINE).await;
        let seconds = DEADLINE.as_secs();
        Err(anyhow::anyhow!(
            "Kafka and the schema registry did not accept the command within {seconds} s: check that both are reachable"
        ))
    };
    let work = async {
        tokio::select! {
            written = work => written,
            timeout = timeout => timeout,
        }
    };
    let Some(written) = context.shutdown.or(work).await else { return Ok(()) };
    let id = written?;
    let action = options.action.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
    println!("{action} {}: written as record {id}, by {issuer}", options.device);
    Ok(())
}

/// Writes single records and waits for their acknowledgements.
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
            // By key: into the partition of the device's frames.
            partition: None,
            key: Some(Bytes::copy_from_slice(key.as_bytes())),
            value: Some(codec.encode(value)),
            headers: Headers::new(),
            timestamp_ms: i64::try_from(now_us / 1_000).unwrap_or(i64::MAX),
        };
        let (outcome, acknowledged) = oneshot::channel();
        let receipt = Receipt::new(std::sync::Arc::new(OneRecord(parking_lot::Mutex::new(Some(outcome)))), 0);
        self.sink.send(record, receipt).await?;
        let delivered = acknowledged.await.unwrap_or(Err(DeliveryError::Abandoned))?;
        Ok(RecordId::new(u16::try_from(delivered.partition).unwrap_or(u16::MAX), delivered.offset))
    }
}

/// Passes on the outcome of one record.
struct OneRecord(parking_lot::Mutex<Option<oneshot::Sender<Result<Delivered, DeliveryError>>>>);

impl Acknowledge for OneRecord {
    fn acknowledged(&self, _tag: u64, outcome: Result<Delivered, DeliveryError>) {
        if let Some(sender) = self.0.lock().take() {
            // After the deadline there is no receiver.
            let _ = sender.send(outcome);
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
            let Records { command, audit } = records(&options(*action, Some("why")), "anna", 7);
            assert_eq!((command.device, command.issued_by.as_str(), command.issued_at_us), (0x11_0B90, "anna", 7));
            assert_eq!((audit.subject.as_str(), audit.user_id.as_str(), audit.happened_at_us), ("110B90", "anna", 7));
            assert_eq!(audit.details["command_id"], command.command_id, "{action:?}");
            assert_eq!(audit.details["remark"], "why");
            assert!(audit.action.starts_with("device."));
        }
        let Records { command, .. } = records(&options(DeviceCommand::Deny, Some("noise")), "anna", 7);
        assert_eq!(command.action, Some(Action::Deny(Deny { remark: Some("noise".into()) })));
    }

    #[test]
    fn errors_name_the_option_and_what_is_expected() {
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
