//! `processor command` as a process on a real Kafka and a real registry: its records and its output.

use std::process::Output;
use std::sync::Arc;

use harness::{NOTHING, Stack, check_log, unique_prefix};
use schemas::catalogue::{self, topic};
use schemas::v1::command::Action;
use schemas::v1::{AuditRecord, RawRecord, raw_record};
use streams::registry::Schemas;
use streams::{Event, Incoming, KafkaLog, KafkaSettings, Log, SeekTo, TopicPartition, partitioner};

/// Exit code, standard output, standard error.
fn command(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = crate::processor().arg("command").args(arguments).output();
    let Output { status, stdout, stderr } = output.expect("the processor starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (status.code(), text(stdout), text(stderr))
}

async fn read_all(log: &Arc<dyn Log>, topic: &str, partitions: u32) -> Vec<Incoming> {
    let from = (0..partitions).map(|at| (TopicPartition::new(topic.to_owned(), at), SeekTo::Beginning)).collect();
    let mut source = log.read(from).await.expect("a reader");
    let (mut records, mut caught_up) = (Vec::new(), 0);
    while caught_up < partitions {
        match source.next().await.expect("reads") {
            Event::Records(more) => records.extend(more),
            Event::CaughtUp(_) => caught_up += 1,
            _ => {}
        }
    }
    records
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_are_written_with_an_audit_record() {
    let stack = Stack::shared();
    let bootstrap = stack.kafka().await.expect("kafka").bootstrap();
    let registry = stack.registry().await.expect("registry").url();
    let prefix = unique_prefix("command");
    let at = ["--kafka-bootstrap", bootstrap, "--schema-registry-url", registry, "--topic-prefix", &prefix];
    let run = |arguments: &[&str]| command(&[arguments, &at[..]].concat());

    let (code, _, error) = run(&["hide", "110B90", "--by", "anna"]);
    assert!(code == Some(1) && error.contains(&format!("{prefix}fanet.raw.v1")), "no topics yet: {code:?} {error}");

    let log = KafkaLog::connect(KafkaSettings::new(bootstrap, "test")).expect("settings");
    let log: Arc<dyn Log> = Arc::new(log);
    processor::topics::create(&prefix, log.as_ref()).await.expect("topics");
    for action in ["hide", "unhide", "deny", "allow", "erase", "reset-score"] {
        let (code, output, error) = run(&[action, "110b90", "--by", "anna", "--remark", "asked by telephone"]);
        assert_eq!(code, Some(0), "{error}");
        assert!(output.starts_with(&format!("{action} 110B90: written as record ")), "{output}");
        check_log("processor command", &error, NOTHING).expect("a quiet log");
    }

    let schemas = Schemas::registry(registry).expect("a URL");
    let raw = catalogue::find(topic::RAW).expect("in the catalogue");
    let codec = schemas.prepare(&prefix, &raw).await.expect("a codec");
    let records = read_all(&log, &raw.full_name(&prefix), raw.partitions).await;
    let partition = partitioner::partition_of(b"110B90", raw.partitions);
    assert!(records.iter().all(|record| record.partition == partition), "the partition of the device's frames");
    let commands: Vec<_> = records
        .iter()
        .map(|record| codec.decode::<RawRecord>(record.value.as_ref().expect("a value")).expect("a record"))
        .filter_map(|record| match record.input {
            Some(raw_record::Input::Command(command)) => Some(command),
            _ => None,
        })
        .collect();
    let actions: Vec<_> = commands.iter().filter_map(|command| command.action.clone()).collect();
    assert!(
        matches!(
            actions[..],
            [
                Action::Hide(_),
                Action::Show(_),
                Action::Deny(_),
                Action::Allow(_),
                Action::Erase(_),
                Action::ResetScore(_)
            ]
        ),
        "{actions:?}"
    );

    let audit = catalogue::find(topic::AUDIT).expect("in the catalogue");
    let codec = schemas.prepare(&prefix, &audit).await.expect("a codec");
    let audited: Vec<AuditRecord> = read_all(&log, &audit.full_name(&prefix), audit.partitions)
        .await
        .iter()
        .map(|record| codec.decode(record.value.as_ref().expect("a value")).expect("a record"))
        .collect();
    assert_eq!(audited.len(), commands.len());
    for (audit, command) in audited.iter().zip(&commands) {
        assert_eq!((audit.user_id.as_str(), audit.subject.as_str()), ("anna", "110B90"));
        assert_eq!(audit.details["command_id"], command.command_id, "in the same order");
        assert_eq!((audit.details["remark"].as_str(), command.issued_by.as_str()), ("asked by telephone", "anna"));
    }
}

#[test]
fn a_bad_command_says_what_is_expected() {
    for (arguments, expected) in [
        (&["hide", "11:0B90", "--by", "anna"][..], "six hex digits"),
        (&["hide", "pilot", "--by", "anna"], "invalid device address \"pilot\""),
        (&["hide", "--by", "anna"], "DEVICE"),
        (&["vanish", "110B90"], "unhide"),
        (&["hide", "110B90", "--by", ""], "--by"),
    ] {
        let (code, _, error) = command(arguments);
        assert!(code == Some(64) && error.contains(expected), "{arguments:?}: {code:?} {error}");
    }
    let (code, _, error) = command(&[
        "hide",
        "110B90",
        "--by",
        "anna",
        "--kafka-bootstrap",
        "127.0.0.1:1",
        "--schema-registry-url",
        "http://127.0.0.1:2",
    ]);
    assert!(code == Some(1) && error.contains("127.0.0.1:1"), "{error}");
}

#[test]
fn help_lists_the_commands() {
    let (code, help, _) = command(&["--help"]);
    assert_eq!(code, Some(0));
    for word in ["hide", "unhide", "deny", "allow", "erase", "reset-score", "DEVICE", "--by", "Examples:", "110B90"] {
        assert!(help.contains(word), "{word} is missing in:\n{help}");
    }
}
