/// For the build script of every package whose programs read from Kafka: their linker uses `src/kafka/leader_updates.c` in
/// place of a function of librdkafka. `streams`: the directory of this package. Other systems' linkers cannot do that.
fn replace_leader_updates(streams: &str) {
    let source = format!("{streams}/src/kafka/leader_updates.c");
    println!("cargo::rerun-if-changed={source}");
    println!("cargo::rerun-if-changed={streams}/link.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("linux") {
        return;
    }
    for object in cc::Build::new().file(source).compile_intermediates() {
        println!("cargo::rustc-link-arg={}", object.display());
    }
    println!("cargo::rustc-link-arg=-Wl,--wrap=rd_kafka_metadata_update_op");
}
