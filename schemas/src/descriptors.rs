//! The sources and descriptors of the wire types: the schemas for a registry, and the basis of the compatibility check.

use prost::Message as _;
use prost_types::{DescriptorProto, FileDescriptorSet};

/// The compiled descriptors of all files, as `protoc --descriptor_set_out --include_imports` would write them.
pub const DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.binpb"));

/// One `.proto` file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// The name by which others import it.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
    /// The files it imports, by name; those of `google/` are part of every Protobuf compiler and registry.
    pub imports: &'static [&'static str],
}

macro_rules! source {
    ($name:literal imports $($import:literal)*) => {
        Source { name: $name, text: include_str!(concat!("../proto/", $name)), imports: &[$($import),*] }
    };
}

/// All files, each after those that it imports.
pub const SOURCES: [Source; 8] = [
    source!("updraft/v1/common.proto" imports "google/protobuf/descriptor.proto"),
    source!("updraft/v1/raw.proto" imports "updraft/v1/common.proto"),
    source!("updraft/v1/observation.proto" imports "updraft/v1/common.proto"),
    source!("updraft/v1/state.proto" imports "updraft/v1/common.proto"),
    source!("updraft/v1/live.proto" imports "updraft/v1/common.proto"),
    source!("updraft/v1/account.proto" imports "updraft/v1/common.proto"),
    source!("updraft/v1/rest.proto" imports "updraft/v1/account.proto" "updraft/v1/common.proto" "updraft/v1/state.proto"),
    source!("updraft/v1/internal.proto" imports "updraft/v1/common.proto" "updraft/v1/observation.proto" "updraft/v1/raw.proto" "updraft/v1/state.proto"),
];

/// Where a message is declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageLocation {
    /// Its file.
    pub source: Source,
    /// Its index in the file, then in each enclosing message: what the Confluent wire format carries.
    pub indexes: Vec<i32>,
}

/// The decoded descriptor set, without the files of `google/`.
///
/// # Panics
/// Never: the bytes were written by the build.
pub fn descriptor_set() -> FileDescriptorSet {
    let mut set = FileDescriptorSet::decode(DESCRIPTOR_SET).expect("the build wrote a descriptor set");
    set.file.retain(|file| file.package() == "updraft.v1");
    set
}

/// Finds a message by its full name, for example `updraft.v1.RawRecord`.
pub fn location_of(message: &str) -> Option<MessageLocation> {
    for file in descriptor_set().file {
        let Some(local) = message.strip_prefix(file.package()).and_then(|rest| rest.strip_prefix('.')) else {
            continue;
        };
        if let Some(indexes) = indexes_of(&file.message_type, local) {
            let source = SOURCES.into_iter().find(|source| source.name == file.name())?;
            return Some(MessageLocation { source, indexes });
        }
    }
    None
}

fn indexes_of(messages: &[DescriptorProto], name: &str) -> Option<Vec<i32>> {
    let (head, rest) = name.split_once('.').map_or((name, None), |(head, rest)| (head, Some(rest)));
    let index = messages.iter().position(|message| message.name() == head)?;
    let mut indexes = vec![i32::try_from(index).ok()?];
    if let Some(rest) = rest {
        indexes.extend(indexes_of(&messages[index].nested_type, rest)?);
    }
    Some(indexes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_found_by_their_full_name() {
        let raw = location_of("updraft.v1.RawRecord").expect("declared");
        assert_eq!((raw.source.name, raw.indexes), ("updraft/v1/raw.proto", vec![0]));
        let hide = location_of("updraft.v1.Command.Hide").expect("declared");
        assert_eq!(hide.indexes, vec![3, 0]);
        assert_eq!(location_of("updraft.v1.Nothing"), None);
        assert_eq!(location_of("elsewhere.RawRecord"), None);
    }

    #[test]
    fn listed_imports_are_those_of_the_files() {
        for file in descriptor_set().file {
            let source = SOURCES.iter().find(|source| source.name == file.name()).expect("every file is listed");
            assert_eq!(source.imports, file.dependency, "{}", source.name);
        }
    }
}
