//! Holds the wire types to the last descriptor set that was committed: `schemas/descriptors.binpb`.
//!
//! A release also compares them with those of the release before, which `OLDER_DESCRIPTORS` names.
//!
//! A compatible change writes the new set with `UPDATE_DESCRIPTORS=1 cargo test -p schemas`, which refuses a breaking one.

use std::path::Path;

use prost::Message as _;
use prost_types::FileDescriptorSet;
use prost_types::field_descriptor_proto::{Label, Type};
use schemas::compatibility::breaking_changes;
use schemas::descriptors::descriptor_set;

const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/descriptors.binpb");

#[test]
fn wire_types_break_no_reader_of_the_committed_ones() {
    let of_release = std::env::var_os("OLDER_DESCRIPTORS").map(|file| descriptors_of(Path::new(&file)));
    let old = descriptors_of(Path::new(COMMITTED));
    for older in of_release.iter().chain([&old]) {
        let found = breaking_changes(older, &descriptor_set());
        assert!(found.is_empty(), "breaking changes:\n{}", found.join("\n"));
    }
    if std::env::var_os("UPDATE_DESCRIPTORS").is_some() {
        std::fs::write(COMMITTED, without_comments(descriptor_set()).encode_to_vec())
            .expect("schemas/descriptors.binpb can be written");
    } else {
        let recorded = old == without_comments(descriptor_set());
        assert!(recorded, "compatible, but not recorded: run UPDATE_DESCRIPTORS=1 cargo test -p schemas");
    }
}

fn descriptors_of(file: &Path) -> FileDescriptorSet {
    let bytes = std::fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    FileDescriptorSet::decode(bytes.as_slice())
        .unwrap_or_else(|error| panic!("{}: no descriptor set: {error}", file.display()))
}

/// Each change below, alone, must be found.
#[test]
fn every_kind_of_breaking_change_is_found() {
    type Change = fn(&mut FileDescriptorSet);
    let cases: [(&str, Change); 9] = [
        ("was removed and its number", |set| {
            drop(message(set, "AircraftState").field.remove(3));
        }),
        ("message updraft.v1.Tick was removed", |set| {
            file(set, "raw").message_type.retain(|message| message.name() != "Tick");
        }),
        ("records name it by its position", |set| {
            file(set, "state").message_type.swap(0, 1);
        }),
        ("changed its type", |set| {
            message(set, "AircraftState").field[1].set_type(Type::String);
        }),
        ("is now called", |set| {
            message(set, "AircraftState").field[1].name = Some("revision".into());
        }),
        ("single and repeated", |set| {
            message(set, "AircraftState").field[1].set_label(Label::Repeated);
        }),
        ("can no longer be absent", |set| {
            message(set, "AircraftState").field[6].proto3_optional = Some(false);
        }),
        ("FLIGHT_PHASE_LANDED was removed", |set| {
            let phases = file(set, "common").enum_type.iter_mut().find(|e| e.name() == "FlightPhase");
            phases.expect("declared").value.retain(|value| value.name() != "FLIGHT_PHASE_LANDED");
        }),
        ("a oneof", |set| {
            let tick = message(set, "RawRecord").field.iter_mut().find(|field| field.name() == "tick");
            tick.expect("declared").oneof_index = None;
        }),
    ];
    for (expected, change) in cases {
        let mut changed = descriptor_set();
        change(&mut changed);
        let found = breaking_changes(&descriptor_set(), &changed);
        assert!(found.iter().any(|line| line.contains(expected)), "{expected:?} not in {found:?}");
    }
}

#[test]
fn additions_and_reserved_removals_break_nothing() {
    let mut changed = descriptor_set();
    let state = message(&mut changed, "AircraftState");
    let removed = state.field.remove(3);
    state.reserved_name.push(removed.name().to_owned());
    state.reserved_range.push(prost_types::descriptor_proto::ReservedRange {
        start: removed.number,
        end: removed.number.map(|number| number + 1),
    });
    let mut added = state.field[0].clone();
    (added.name, added.number) = (Some("new_field".into()), Some(99));
    state.field.push(added);
    assert_eq!(breaking_changes(&descriptor_set(), &changed), Vec::<String>::new());
}

/// Comments may change freely.
fn without_comments(mut set: FileDescriptorSet) -> FileDescriptorSet {
    set.file.iter_mut().for_each(|file| file.source_code_info = None);
    set
}

fn file<'a>(set: &'a mut FileDescriptorSet, name: &str) -> &'a mut prost_types::FileDescriptorProto {
    let wanted = format!("updraft/v1/{name}.proto");
    set.file.iter_mut().find(|file| file.name() == wanted).expect("declared")
}

fn message<'a>(set: &'a mut FileDescriptorSet, name: &str) -> &'a mut prost_types::DescriptorProto {
    let messages = set.file.iter_mut().flat_map(|file| &mut file.message_type);
    messages.into_iter().find(|message| message.name() == name).expect("declared")
}
