//! The wire types as their descriptors tell them.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use prost_types::{DescriptorProto, EnumDescriptorProto, FieldDescriptorProto};

/// All messages and enums by their names without package.
#[derive(Debug)]
pub(super) struct Types {
    messages: BTreeMap<String, DescriptorProto>,
    enums: BTreeMap<String, EnumDescriptorProto>,
}

impl Types {
    /// Those of this program.
    pub(super) fn get() -> &'static Self {
        static TYPES: OnceLock<Types> = OnceLock::new();
        TYPES.get_or_init(|| {
            let (mut messages, mut enums) = (BTreeMap::new(), BTreeMap::new());
            for file in schemas::descriptors::descriptor_set().file {
                messages.extend(file.message_type.into_iter().map(|message| (message.name().to_owned(), message)));
                enums.extend(file.enum_type.into_iter().map(|one| (one.name().to_owned(), one)));
            }
            Self { messages, enums }
        })
    }

    pub(super) fn message(&self, name: &str) -> Option<&DescriptorProto> {
        self.messages.get(name)
    }

    /// The name of a field's message or enum, without package.
    pub(super) fn short_name<'a>(&self, field: &'a FieldDescriptorProto) -> &'a str {
        field.type_name().rsplit('.').next().unwrap_or_default()
    }

    /// The words of an enum as JSON shows them.
    pub(super) fn words(&self, name: &str) -> Vec<String> {
        let Some(found) = self.enums.get(name) else { return Vec::new() };
        let zero = found.value.first().map(|value| value.name()).unwrap_or_default();
        let prefix = zero.trim_end_matches("UNSPECIFIED");
        found.value.iter().map(|value| value.name().trim_start_matches(prefix).to_ascii_lowercase()).collect()
    }
}
