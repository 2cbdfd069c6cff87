//! Options of `replay capture`.

use std::path::PathBuf;
use std::str::FromStr;

use archive::S3Options;
use clap::Args;
use streams::LogOptions;

use crate::input::Recording;
use crate::publish::MqttTarget;
use crate::select::SelectArgs;

/// Write records into a capture: all inputs of the stream core, unchanged.
///
/// From Kafka it takes a range of the raw topic, by default the last hour, or from --from to --to; --follow continues
/// with records that are written from then on. From an MQTT broker it takes the messages of receivers until Ctrl-C.
/// From an archive, another capture or JSON lines it takes the selected records.
///
/// A capture that was killed is read up to its last block, at most 5 s before; --append continues it: of each partition
/// it takes what is behind the last record in the file, from Kafka without --from and --to all that was written since.
/// Messages of MQTT have no offsets: they are all added.
///
/// Exit codes: 0 done, 1 failed, or retention has removed a part of the range (the rest is in the file), 64 bad usage.
#[derive(Args, Clone, Debug)]
pub struct CaptureArgs {
    /// `kafka`, mqtt://[user[:password]@]host[:port], an archive (folder or s3://bucket/folder), a capture, or a file of JSON
    /// lines ("-": standard input).
    pub from_what: Source,
    /// File to write.
    #[arg(long, short, value_name = "FILE")]
    pub out: PathBuf,
    /// Replace an existing file.
    #[arg(long, conflicts_with = "append")]
    pub force: bool,
    /// Continue at the end of an existing file, which may be incomplete: no record is in it twice.
    #[arg(long)]
    pub append: bool,
    /// With `kafka`: continue with new records, until Ctrl-C.
    #[arg(long)]
    pub follow: bool,
    #[command(flatten)]
    pub(super) select: SelectArgs,
    #[command(flatten)]
    pub(super) log: LogOptions,
    #[command(flatten)]
    pub(super) s3: S3Options,
}

/// The source of records.
#[derive(Clone, Debug)]
pub enum Source {
    /// The raw topic.
    Kafka,
    /// A live broker.
    Mqtt(MqttTarget),
    /// A capture, an archive, or a file of lines.
    Recording(Recording),
}

impl FromStr for Source {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "kafka" => Ok(Self::Kafka),
            _ if text.starts_with("mqtt://") => {
                text.parse().map(Self::Mqtt).map_err(|error: crate::publish::MqttTargetError| error.to_string())
            }
            "-" => Ok(Self::Recording(Recording::Capture("-".into()))),
            _ => text.parse().map(Self::Recording),
        }
    }
}
