#!/usr/bin/env bash
# Packs the release programs with the files that an operator needs besides them and their bill of materials, which is written
# beside the archive, too: ops/release/pack.sh v1.2.3 x86-64
# UPDRAFT_PROGRAMS names another folder than target/release.
set -euo pipefail
cd "$(dirname "$0")/../.."
tag=${1:?the tag is expected, for example v1.2.3}
machine=${2:?x86-64 or arm64 is expected}
programs=${UPDRAFT_PROGRAMS:-target/release}
name=updraft-${tag#v}-linux-$machine
case $machine in
x86-64) target=x86_64-unknown-linux-gnu ;;
arm64) target=aarch64-unknown-linux-gnu ;;
*)
    echo "release: unknown machine '$machine'; expected x86-64 or arm64" >&2
    exit 64
    ;;
esac
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder/$name"/{bin,systemd,doc}
for program in bridge processor pusher replay updraft; do
    install -m 755 "$programs/$program" "$folder/$name/bin/"
done
# Checks of an installation, and the backup of its accounts.
install -m 755 ops/smoke-test ops/daily ops/topic-records.py "$folder/$name/bin/"
cp ops/systemd/* "$folder/$name/systemd/"
# The links of the runbooks lead to documents, which are beside them here.
cp docs/*.md "$folder/$name/doc/"
mkdir "$folder/$name/doc/runbooks"
for page in ops/runbooks/*.md; do
    sed 's#](\.\./\.\./docs/#](../#g' "$page" >"$folder/$name/doc/runbooks/${page##*/}"
done
cp README.md CHANGELOG.md LICENSE-* "$folder/$name/"
ops/release/sbom.py "$target" >"$name.cdx.json"
cp "$name.cdx.json" "$folder/$name/sbom.cdx.json"
# The same content gives the same archive.
tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$(git log -1 --format=%ct)" -C "$folder" -cf - "$name" | gzip -n >"$name.tar.gz"
echo "release: $name.tar.gz, $name.cdx.json"
