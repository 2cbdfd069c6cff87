//! Which fields JSON writes in a form of their own, as the option `json_form` in `proto/` says.
//!
//! The types of `prost_types` drop options that they do not know. These declare what is asked here and nothing else: the
//! same bytes, read by a smaller schema. The build reads them for the code, the JSON schemas for the documents.

use std::collections::BTreeMap;

use prost::Message;

/// The forms that the option names; the numbers are those of `updraft.v1.JsonForm`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JsonForm {
    /// Six hex digits: `"110B90"`.
    DeviceAddress,
    /// An integer as a decimal string, where the type alone would be a record id.
    Decimal,
}

impl JsonForm {
    fn of(number: i32) -> Option<Self> {
        match number {
            1 => Some(Self::DeviceAddress),
            2 => Some(Self::Decimal),
            _ => None,
        }
    }
}

#[derive(Clone, PartialEq, Message)]
struct Files {
    #[prost(message, repeated, tag = "1")]
    file: Vec<File>,
}

#[derive(Clone, PartialEq, Message)]
struct File {
    #[prost(string, tag = "2")]
    package: String,
    #[prost(message, repeated, tag = "4")]
    message_type: Vec<Declared>,
}

#[derive(Clone, PartialEq, Message)]
struct Declared {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, repeated, tag = "2")]
    field: Vec<Field>,
    #[prost(message, repeated, tag = "3")]
    nested_type: Vec<Declared>,
}

#[derive(Clone, PartialEq, Message)]
struct Field {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, optional, tag = "8")]
    options: Option<Options>,
}

#[derive(Clone, PartialEq, Message)]
struct Options {
    /// `updraft.v1.json_form` of common.proto.
    #[prost(int32, tag = "50001")]
    json_form: i32,
}

/// The fields with a form, by their full name: `updraft.v1.AircraftState.device`.
///
/// # Errors
/// The bytes are no descriptor set.
pub(crate) fn json_forms(descriptor_set: &[u8]) -> Result<BTreeMap<String, JsonForm>, prost::DecodeError> {
    let mut forms = BTreeMap::new();
    for file in Files::decode(descriptor_set)?.file {
        add(&file.package, &file.message_type, &mut forms);
    }
    Ok(forms)
}

fn add(scope: &str, messages: &[Declared], forms: &mut BTreeMap<String, JsonForm>) {
    for message in messages {
        let scope = format!("{scope}.{}", message.name);
        for field in &message.field {
            let form = field.options.as_ref().and_then(|options| JsonForm::of(options.json_form));
            forms.extend(form.map(|form| (format!("{scope}.{}", field.name), form)));
        }
        add(&scope, &message.nested_type, forms);
    }
}
