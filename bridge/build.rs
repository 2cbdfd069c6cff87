//! Lets the linker replace a faulty function of librdkafka.

include!("../crates/streams/link.rs");

fn main() {
    replace_leader_updates("../crates/streams");
}
