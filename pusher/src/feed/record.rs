//! Decodes records into inputs of the view. Pure.

use anyhow::Context as _;
use bytes::Bytes;
use prost::Message;
use schemas::catalogue::{self, topic};
use schemas::headers::{VERSION, parse_number};
use schemas::keys::{self, PrivatePart};
use schemas::v1::{self, Account, PrivacyState, PrivateState, WindState, ZoneEvent, ZoneSetPart};
use streams::Incoming;
use streams::registry::{Schemas, TopicCodec};

use super::topics::TopicUse;
use fanout::view::{self, Kind, State};

/// A decoded record.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "short-lived")]
pub(super) enum Decoded {
    /// An input of the public view.
    Public(view::Input),
    /// A state of a hidden device; `None`: a tombstone.
    Private { device: u32, part: PrivatePart, state: Option<PrivateState> },
    /// The public past of a device.
    Privacy(PrivacyState),
    /// The wind of a cell and altitude band; `None`: a tombstone, with its version.
    Wind { key: String, version: Option<u64>, state: Option<WindState> },
    /// The owner of a device, or another record of the account topic; `None`: a tombstone.
    Account { key: String, offset: u64, account: Option<Account> },
    /// A part of a set of zones.
    Zone(ZoneSetPart),
    /// An aircraft entered or left a zone.
    ZoneEvent(ZoneEvent),
    /// A record that changes nothing: it only shows that the log has new records.
    Ignored,
}

/// Decodes values with the schemas that this program was built with, so that it needs no registry.
#[derive(Debug)]
pub(super) struct Decoder {
    codecs: [TopicCodec; Kind::COUNT],
    private: TopicCodec,
    privacy: TopicCodec,
    wind: TopicCodec,
    account: TopicCodec,
    zone: TopicCodec,
    zone_event: TopicCodec,
}

impl Decoder {
    /// Builds the codec of each topic.
    ///
    /// # Errors
    /// A topic is not in the catalogue, or its schema is not part of the program.
    pub(super) async fn new() -> anyhow::Result<Self> {
        let mut codecs = Vec::new();
        for kind in Kind::ALL {
            codecs.push(codec(kind.topic()).await?);
        }
        let codecs = codecs.try_into().map_err(|_| anyhow::anyhow!("the number of kinds and of codecs differs"))?;
        Ok(Self {
            codecs,
            private: codec(topic::PRIVATE_STATE).await?,
            privacy: codec(topic::PRIVACY).await?,
            wind: codec(topic::WIND).await?,
            account: codec(topic::ACCOUNT).await?,
            zone: codec(topic::ZONE).await?,
            zone_event: codec(topic::ZONE_EVENT).await?,
        })
    }

    /// Decodes a record of a topic that is read for `topic_use`.
    ///
    /// # Errors
    /// Reject: the reason, a metric label.
    pub(super) fn decode(&self, topic_use: &TopicUse, record: &Incoming) -> Result<Decoded, &'static str> {
        match topic_use {
            TopicUse::Clock => Ok(Decoded::Ignored),
            TopicUse::Private => {
                let (device, part) = keys::parse_private(key(record)?).ok_or("bad_key")?;
                let state = record.value.as_ref().map(|value| value_of(&self.private, value)).transpose()?;
                Ok(Decoded::Private { device, part, state })
            }
            // A tombstone changes nothing: an objection outlives it.
            TopicUse::Privacy => match &record.value {
                Some(value) => value_of(&self.privacy, value).map(Decoded::Privacy),
                None => Ok(Decoded::Ignored),
            },
            TopicUse::Account => {
                let account = record.value.as_ref().map(|value| value_of(&self.account, value)).transpose()?;
                Ok(Decoded::Account { key: key(record)?.to_owned(), offset: record.offset, account })
            }
            TopicUse::Wind => {
                let state = record.value.as_ref().map(|value| value_of(&self.wind, value)).transpose()?;
                Ok(Decoded::Wind { key: key(record)?.to_owned(), version: version(record), state })
            }
            // A tombstone of a former version changes nothing: a set is removed by a version without zones.
            TopicUse::Zone => match &record.value {
                Some(value) => value_of(&self.zone, value).map(Decoded::Zone),
                None => Ok(Decoded::Ignored),
            },
            TopicUse::ZoneEvent => match &record.value {
                Some(value) => value_of(&self.zone_event, value).map(Decoded::ZoneEvent),
                None => Ok(Decoded::Ignored),
            },
            TopicUse::Public { kind, .. } => self.public(*kind, record).map(Decoded::Public),
        }
    }

    fn public(&self, kind: Kind, record: &Incoming) -> Result<view::Input, &'static str> {
        let Some(value) = &record.value else {
            return Ok(view::Input::Removed { kind, key: key(record)?.to_owned(), version: version(record) });
        };
        let codec = &self.codecs[kind.index()];
        Ok(view::Input::State(match kind {
            Kind::Aircraft => State::Aircraft(value_of::<v1::AircraftState>(codec, value)?),
            Kind::Ground => State::Ground(value_of(codec, value)?),
            Kind::Thermal => State::Thermal(value_of(codec, value)?),
            Kind::Station => State::Station(value_of(codec, value)?),
            Kind::Receiver => State::Receiver(value_of(codec, value)?),
            Kind::Alert => State::Alert(value_of(codec, value)?),
            Kind::Landmark => State::Landmark(value_of(codec, value)?),
        }))
    }
}

async fn codec(name: &str) -> anyhow::Result<TopicCodec> {
    let topic = catalogue::find(name).with_context(|| format!("{name} is not in the catalogue"))?;
    Ok(Schemas::local().prepare("", &topic).await?)
}

fn value_of<M: Message + Default>(codec: &TopicCodec, value: &Bytes) -> Result<M, &'static str> {
    codec.decode(value).map_err(|error| error.reason())
}

/// The version that the headers of a tombstone have.
fn version(record: &Incoming) -> Option<u64> {
    record.headers.first(VERSION).and_then(|version| parse_number(version))
}

fn key(record: &Incoming) -> Result<&str, &'static str> {
    let key = record.key.as_ref().ok_or("no_key")?;
    std::str::from_utf8(key).map_err(|_| "bad_key")
}
