//! Lets the linker replace a faulty function of librdkafka. A release build contains the map page and the operators' page: it
//! fails where they were not built.

use std::env;
use std::path::Path;

include!("../crates/streams/link.rs");

const PAGES: [&str; 2] = ["web/dist/index.html", "web/dist/operate.html"];

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    replace_leader_updates("../crates/streams");
    // A debug build reads the page when it is asked for it.
    if env::var("PROFILE").as_deref() != Ok("release") {
        return;
    }
    println!("cargo:rerun-if-changed=web/dist");
    for page in PAGES {
        assert!(
            Path::new(page).exists(),
            "pusher/{page} is missing: a release build contains the pages. Build them first: ops/setup/web.sh"
        );
    }
}
