#!/usr/bin/env bash
# Whether the programs run with the libraries of the image's runtime layer and no others, without an engine for images:
# ops/docker/runtime-check.sh [FOLDER]     default: target/release
# debian:bookworm-slim has libc6 and libgcc-s1 of what programs link; both are unpacked from the package index of a Debian 12.
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=${1:-target/release}
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
(cd "$root" && apt-get -q download libc6 libgcc-s1 >/dev/null 2>&1) || {
    echo "runtime-check: apt-get cannot download libc6 and libgcc-s1; a Debian 12 with a fresh package index is needed" >&2
    exit 1
}
for package in "$root"/*.deb; do
    dpkg-deb -x "$package" "$root"
done
triple=$(uname -m)-linux-gnu
loader=$(find "$root/lib/$triple" "$root/lib64" -name 'ld-linux*.so.*' 2>/dev/null | head -n 1)
for program in bridge processor pusher replay updraft; do
    # An empty environment, and no library but those: what is missing is named by the loader.
    said=$(env -i "$loader" --inhibit-cache --library-path "$root/lib/$triple:$root/usr/lib/$triple" "$folder/$program" --version 2>&1) || {
        echo "runtime-check: $program: $said" >&2
        exit 1
    }
    outside=$(env -i "$loader" --inhibit-cache --library-path "$root/lib/$triple:$root/usr/lib/$triple" --list "$folder/$program" | awk '$3 ~ /^\// { print $3 }' | grep -v "^$root" || true)
    [ -z "$outside" ] || { echo "runtime-check: $program uses $outside, which the image has not" >&2; exit 1; }
    echo "ok    $said"
done
