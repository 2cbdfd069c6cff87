//! A release build contains the map page: it fails where the page was not built.

use std::env;
use std::path::Path;

const PAGE: &str = "web/dist/index.html";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // A debug build reads the page when it is asked for it.
    if env::var("PROFILE").as_deref() != Ok("release") {
        return;
    }
    println!("cargo:rerun-if-changed=web/dist");
    assert!(
        Path::new(PAGE).exists(),
        "pusher/{PAGE} is missing: a release build contains the map page. Build it first: ops/setup/web.sh"
    );
}
