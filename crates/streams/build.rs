//! Lets the linker replace a faulty function of librdkafka.

include!("link.rs");

fn main() {
    replace_leader_updates(".");
}
