//! Compatibility of changes of the wire types: checked on descriptor sets, so that a test can refuse a breaking change.
//!
//! Readers and writers of different versions run side by side, and topics keep records for weeks: a field may be added,
//! and it may be removed only by reserving its number and name.

use std::collections::BTreeMap;

use prost_types::{DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet};

/// Describes every change from `old` to `new` that breaks an old reader or makes an old record unreadable.
pub fn breaking_changes(old: &FileDescriptorSet, new: &FileDescriptorSet) -> Vec<String> {
    let (old_types, new_types) = (Types::of(old), Types::of(new));
    let mut found = Vec::new();
    for (name, message) in &old_types.messages {
        match new_types.messages.get(name) {
            Some(now) => message_changes(name, message, now, &mut found),
            None => found.push(format!("message {name} was removed")),
        }
    }
    for (name, enumeration) in &old_types.enums {
        match new_types.enums.get(name) {
            Some(now) => enum_changes(name, enumeration, now, &mut found),
            None => found.push(format!("enum {name} was removed")),
        }
    }
    for file in &old.file {
        let now = new.file.iter().find(|candidate| candidate.name() == file.name());
        position_changes(file, now.map_or(&[], |now| &now.message_type), &mut found);
    }
    found
}

/// Records name their message by its position in the file (Confluent's message indexes): add new messages at the end.
fn position_changes(file: &FileDescriptorProto, now: &[DescriptorProto], found: &mut Vec<String>) {
    for (index, message) in file.message_type.iter().enumerate() {
        let moved = now.iter().position(|candidate| candidate.name() == message.name());
        if let Some(moved) = moved.filter(|moved| *moved != index) {
            let (name, file) = (message.name(), file.name());
            found.push(format!(
                "{name} was message {index} of {file} and is message {moved}: records name it by its position; add new messages at the end"
            ));
        }
    }
}

fn message_changes(name: &str, old: &DescriptorProto, new: &DescriptorProto, found: &mut Vec<String>) {
    for field in &old.field {
        let label = format!("{name}.{}", field.name());
        match new.field.iter().find(|candidate| candidate.number == field.number) {
            Some(now) => field_changes(&label, (old, field), (new, now), found),
            None if !is_reserved(new, field) => {
                found.push(format!("{label} was removed and its number {} and name are not reserved", field.number()));
            }
            None => {}
        }
    }
}

type Member<'a> = (&'a DescriptorProto, &'a FieldDescriptorProto);

fn field_changes(label: &str, (old_in, old): Member<'_>, (new_in, new): Member<'_>, found: &mut Vec<String>) {
    if old.name() != new.name() {
        found.push(format!("{label} is now called {}: JSON readers lose it", new.name()));
    }
    if (old.r#type(), old.type_name()) != (new.r#type(), new.type_name()) {
        found.push(format!("{label} changed its type"));
    }
    if old.label() != new.label() {
        found.push(format!("{label} changed between single and repeated"));
    }
    if old.proto3_optional() && !new.proto3_optional() {
        found.push(format!("{label} can no longer be absent"));
    }
    if oneof_name(old_in, old) != oneof_name(new_in, new) {
        found.push(format!("{label} moved into or out of a oneof"));
    }
}

fn oneof_name<'a>(message: &'a DescriptorProto, field: &FieldDescriptorProto) -> Option<&'a str> {
    let index = field.oneof_index.filter(|_| !field.proto3_optional())?;
    usize::try_from(index).ok().and_then(|index| message.oneof_decl.get(index)).map(|oneof| oneof.name())
}

fn is_reserved(message: &DescriptorProto, field: &FieldDescriptorProto) -> bool {
    let number = message.reserved_range.iter().any(|range| (range.start()..range.end()).contains(&field.number()));
    number && message.reserved_name.iter().any(|name| name == field.name())
}

fn enum_changes(name: &str, old: &EnumDescriptorProto, new: &EnumDescriptorProto, found: &mut Vec<String>) {
    for value in &old.value {
        match new.value.iter().find(|candidate| candidate.number == value.number) {
            Some(now) if now.name() != value.name() => {
                found.push(format!("{name}.{} is now called {}", value.name(), now.name()));
            }
            Some(_) => {}
            None => found.push(format!("{name}.{} was removed", value.name())),
        }
    }
}

#[derive(Default)]
struct Types<'a> {
    messages: BTreeMap<String, &'a DescriptorProto>,
    enums: BTreeMap<String, &'a EnumDescriptorProto>,
}

impl<'a> Types<'a> {
    fn of(set: &'a FileDescriptorSet) -> Self {
        let mut types = Self::default();
        for file in &set.file {
            types.enums.extend(file.enum_type.iter().map(|e| (format!("{}.{}", file.package(), e.name()), e)));
            types.add(file.package(), &file.message_type);
        }
        types
    }

    fn add(&mut self, scope: &str, messages: &'a [DescriptorProto]) {
        for message in messages {
            let name = format!("{scope}.{}", message.name());
            self.enums.extend(message.enum_type.iter().map(|e| (format!("{name}.{}", e.name()), e)));
            self.add(&name, &message.nested_type);
            self.messages.insert(name, message);
        }
    }
}
