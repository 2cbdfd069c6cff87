#!/usr/bin/env bash
# Builds the programs of a release, for the Dockerfile, for the archives of a release, and where no engine for images is installed:
#
#   ops/docker/build-programs.sh dependencies   from what stub-sources.py made: the dependencies alone, into target/release
#   ops/docker/build-programs.sh programs       the programs; UPDRAFT_COMMIT names the commit. pusher/web/dist has to be built before
#
# Without an engine: ops/setup/web.sh, ops/docker/build-programs.sh programs, ops/docker/runtime-check.sh.
set -euo pipefail
cd "$(dirname "$0")/../.."

build() {
    cargo build --release --locked -p bridge -p processor -p pusher -p replay -p standalone \
        --features bridge/kafka-tls,processor/kafka-tls,pusher/kafka-tls
}

case ${1:-} in
dependencies)
    [ -f members.txt ] || { echo "build-programs: members.txt is missing: dependencies are built from what stub-sources.py made" >&2; exit 1; }
    build
    # What stood in for our crates is newer than their sources: Cargo would keep it.
    stubs=()
    while read -r name; do stubs+=(-p "$name"); done <members.txt
    cargo clean --release --locked "${stubs[@]}"
    ;;
programs)
    build
    for program in bridge processor pusher replay updraft; do
        "target/release/$program" --version || { echo "build-programs: $program does not say its version: was it built from its sources?" >&2; exit 1; }
    done
    ;;
*)
    sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
    exit 64
    ;;
esac
