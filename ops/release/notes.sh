#!/usr/bin/env bash
# Prints the section of a version in CHANGELOG.md: ops/release/notes.sh v1.2.3
set -euo pipefail
cd "$(dirname "$0")/../.."
version=${1:?the tag is expected, for example v1.2.3}
version=${version#v}
notes=$(awk -v heading="## $version" '$0 == heading || index($0, heading " ") == 1 { found = 1; next } /^## / { found = 0 } found' CHANGELOG.md)
if [ -z "${notes//[[:space:]]/}" ]; then
    echo "release: CHANGELOG.md says nothing of $version; a section \"## $version (date)\" is expected" >&2
    exit 1
fi
printf '%s\n' "$notes"
