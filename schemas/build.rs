//! Compiles `proto/` into Rust types, without protoc, and gives every field the JSON form that the contract promises:
//! snake_case names, 64-bit integers as strings, device addresses and record ids in their written form, enums as
//! lower-case names, bytes as hex.

#[path = "src/json_form.rs"]
mod json_form;

use std::collections::BTreeMap;
use std::path::Path;

use json_form::{JsonForm, json_forms};
use prost::Message as _;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet};

const FILES: [&str; 8] = [
    "updraft/v1/common.proto",
    "updraft/v1/raw.proto",
    "updraft/v1/observation.proto",
    "updraft/v1/state.proto",
    "updraft/v1/live.proto",
    "updraft/v1/rest.proto",
    "updraft/v1/internal.proto",
    "updraft/v1/account.proto",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=proto");
    let mut compiler = protox::Compiler::new(["proto"])?;
    compiler.include_imports(true).include_source_info(true).open_files(FILES)?;
    // The options of our own are in the bytes alone.
    let encoded = compiler.encode_file_descriptor_set();
    let forms = json_forms(&encoded)?;
    let mut descriptors = FileDescriptorSet::decode(encoded.as_slice())?;
    descriptors.file.retain(|file| file.package() == "updraft.v1");
    let out = std::env::var("OUT_DIR")?;
    std::fs::write(Path::new(&out).join("descriptors.binpb"), encoded)?;

    let mut config = prost_build::Config::new();
    config.bytes(["."]);
    config.message_attribute(".", "#[derive(serde::Serialize, serde::Deserialize)] #[serde(default)]");
    config.enum_attribute(".", "#[derive(serde::Serialize, serde::Deserialize)] #[serde(rename_all = \"snake_case\")]");
    // The same names as in the URL's `rate` parameter.
    for rate in ["1s", "5s", "30s"] {
        let value = format!(".updraft.v1.RateClass.RATE_CLASS_EVERY_{}", rate.to_uppercase());
        config.field_attribute(value, format!("#[serde(rename = \"{rate}\")]"));
    }
    for file in &descriptors.file {
        for message in &file.message_type {
            json_attributes(&mut config, &forms, file, &format!(".{}", file.package()), message);
        }
    }
    config.compile_fds(descriptors)?;
    flatten_oneofs(&Path::new(&out).join("updraft.v1.rs"))?;
    Ok(())
}

/// Makes a oneof show the name of what it holds, not its own. Done on the generated text, since an attribute by path
/// would reach the oneof's variants too.
fn flatten_oneofs(generated: &Path) -> std::io::Result<()> {
    let text = std::fs::read_to_string(generated)?;
    std::fs::write(generated, text.replace("#[prost(oneof = ", "#[serde(flatten)]\n    #[prost(oneof = "))
}

fn json_attributes(
    config: &mut prost_build::Config,
    forms: &BTreeMap<String, JsonForm>,
    file: &FileDescriptorProto,
    scope: &str,
    message: &DescriptorProto,
) {
    let path = format!("{scope}.{}", message.name());
    for field in &message.field {
        let in_oneof = field.oneof_index.is_some() && !field.proto3_optional();
        let form = forms.get(&format!("{path}.{}", field.name())[1..]).copied();
        for attribute in field_attributes(file, field, in_oneof, form) {
            // A oneof's variants are addressed below the oneof, its messages' fields below the message.
            let oneof = field.oneof_index.filter(|_| in_oneof).map(|index| message.oneof_decl[index as usize].name());
            let field_path = match oneof {
                Some(oneof) => format!("{path}.{oneof}.{}", field.name()),
                None => format!("{path}.{}", field.name()),
            };
            config.field_attribute(field_path, attribute);
        }
    }
    for nested in message.nested_type.iter().filter(|nested| !nested.options.as_ref().is_some_and(|o| o.map_entry())) {
        json_attributes(config, forms, file, &path, nested);
    }
}

fn field_attributes(
    file: &FileDescriptorProto,
    field: &FieldDescriptorProto,
    in_oneof: bool,
    form: Option<JsonForm>,
) -> Vec<String> {
    let repeated = field.label() == Label::Repeated;
    let optional = field.proto3_optional() || (field.r#type() == Type::Message && !repeated && !in_oneof);
    let mut attributes = Vec::new();
    if optional {
        attributes.push("#[serde(skip_serializing_if = \"Option::is_none\")]".to_owned());
    } else if repeated && file.name().ends_with("live.proto") {
        attributes.push("#[serde(skip_serializing_if = \"Vec::is_empty\")]".to_owned());
    }
    if let Some(form) = written_form(field, form) {
        let shape = match (optional, repeated) {
            (true, _) => "optional",
            (_, true) => "repeated",
            _ => "single",
        };
        attributes.push(format!(
            "#[serde(serialize_with = \"crate::json::{shape}::serialize::<{form}, _>\", \
             deserialize_with = \"crate::json::{shape}::deserialize::<{form}, _>\")]"
        ));
    }
    attributes
}

/// The written form of a field, where JSON's own is not the one we promise.
fn written_form(field: &FieldDescriptorProto, form: Option<JsonForm>) -> Option<String> {
    let form = match field.r#type() {
        Type::Uint32 | Type::Fixed32 if form == Some(JsonForm::DeviceAddress) => "Address",
        Type::Enum => {
            let name = field.type_name().rsplit('.').next().unwrap_or_default();
            return Some(format!("crate::json::Named<crate::v1::{name}>"));
        }
        Type::Fixed64 if form == Some(JsonForm::Decimal) => "Integer64",
        Type::Fixed64 => "Id",
        Type::Uint64 | Type::Int64 | Type::Sint64 | Type::Sfixed64 => match field.r#type() {
            Type::Uint64 => "Integer64",
            _ => "Signed64",
        },
        Type::Bytes => "Hex",
        _ => return None,
    };
    Some(format!("crate::json::{form}"))
}
