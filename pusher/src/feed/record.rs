//! From records to inputs of the view. Pure.

use anyhow::Context as _;
use bytes::Bytes;
use prost::Message;
use schemas::catalogue::{self, topic};
use schemas::headers::{VERSION, parse_number};
use schemas::keys::{self, PrivatePart};
use schemas::v1::{self, PrivacyState, PrivateState};
use streams::Incoming;
use streams::registry::{Schemas, TopicCodec};

use super::topics::Role;
use fanout::view::{self, Kind, State};

/// What a record says.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "lives for one call")]
pub(super) enum Input {
    /// Of the public view.
    Public(view::Input),
    /// Of a hidden device.
    Private(u32, PrivatePart, Option<PrivateState>),
    /// What of a device's past is public.
    Privacy(PrivacyState),
    /// Nothing but that the log is alive.
    Alive,
}

/// Reads values by the types that this program was built with.
#[derive(Debug)]
pub(super) struct Decoder {
    codecs: [TopicCodec; Kind::COUNT],
    private: TopicCodec,
    privacy: TopicCodec,
}

impl Decoder {
    /// Needs no registry: a reader decodes by its own types.
    pub(super) async fn new() -> anyhow::Result<Self> {
        let mut codecs = Vec::new();
        for kind in Kind::ALL {
            codecs.push(codec(kind.topic()).await?);
        }
        let codecs = codecs.try_into().map_err(|_| anyhow::anyhow!("one codec per kind"))?;
        Ok(Self { codecs, private: codec(topic::PRIVATE_STATE).await?, privacy: codec(topic::PRIVACY).await? })
    }

    /// # Errors
    /// Reject, by its reason.
    pub(super) fn decode(&self, role: &Role, record: &Incoming) -> Result<Input, &'static str> {
        match role {
            Role::Clock => Ok(Input::Alive),
            Role::Private => {
                let (device, part) = keys::parse_private(key(record)?).ok_or("bad_key")?;
                let state = record.value.as_ref().map(|value| value_of(&self.private, value)).transpose()?;
                Ok(Input::Private(device, part, state))
            }
            // Not ended by tombstones: there is nothing in one.
            Role::Privacy => match &record.value {
                Some(value) => value_of(&self.privacy, value).map(Input::Privacy),
                None => Ok(Input::Alive),
            },
            Role::Public { kind, .. } => self.public(*kind, record).map(Input::Public),
        }
    }

    fn public(&self, kind: Kind, record: &Incoming) -> Result<view::Input, &'static str> {
        let Some(value) = &record.value else {
            let version = record.headers.first(VERSION).and_then(|version| parse_number(version));
            return Ok(view::Input::Gone { kind, key: key(record)?.to_owned(), version });
        };
        let codec = &self.codecs[kind.index()];
        Ok(view::Input::State(match kind {
            Kind::Aircraft => State::Aircraft(value_of::<v1::AircraftState>(codec, value)?),
            Kind::Ground => State::Ground(value_of(codec, value)?),
            Kind::Thermal => State::Thermal(value_of(codec, value)?),
            Kind::Station => State::Station(value_of(codec, value)?),
            Kind::Receiver => State::Receiver(value_of(codec, value)?),
            Kind::Alert => State::Alert(value_of(codec, value)?),
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

fn key(record: &Incoming) -> Result<&str, &'static str> {
    let key = record.key.as_ref().ok_or("no_key")?;
    std::str::from_utf8(key).map_err(|_| "bad_key")
}
