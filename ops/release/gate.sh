#!/usr/bin/env bash
# Whether a tag may become a release: ops/release/gate.sh v1.2.3 [FILE]
# FILE gets the descriptor set of the release before, where there is one: the schemas are compared with it.
set -euo pipefail
cd "$(dirname "$0")/../.."
tag=${1:?the tag is expected, for example v1.2.3}
refuse() {
    echo "release: $tag: $*" >&2
    exit 1
}
[[ $tag =~ ^v([0-9]+\.[0-9]+\.[0-9]+)$ ]] || refuse "a tag is v and three numbers, for example v1.2.3"
version=${BASH_REMATCH[1]}
wanted=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
[ "$version" = "$wanted" ] || refuse "Cargo.toml has version $wanted"
ops/release/notes.sh "$tag" >/dev/null
last=$(git tag --list 'v*' --sort=-v:refname | grep -vx "$tag" | head -n 1 || true)
if [ -n "$last" ]; then
    [ "$(printf '%s\n%s\n' "${last#v}" "$version" | sort -V | tail -n 1)" = "$version" ] || refuse "$last is newer"
    [ -z "${2:-}" ] || git show "$last:schemas/descriptors.binpb" >"$2" || refuse "$last has no schemas/descriptors.binpb"
fi
echo "release: $tag may be built"
