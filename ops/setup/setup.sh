#!/bin/bash
# Installs missing dependencies of the demo or the tests into a cache that all clones of a user share.
#
#   ops/setup/setup.sh demo     to build and fly the demo: compilers, Node
#   ops/setup/setup.sh test     and the real services of the tests: Kafka, registry, Redis, Mosquitto, ClickHouse, Chromium,
#                               and the tools that check ops/: promtool, amtool
#
# Nothing here needs root, and nothing is installed into the system: Debian packages are unpacked into the cache.
# The cache is $UPDRAFT_CACHE, or `updraft` in $XDG_CACHE_HOME or ~/.cache; delete it to start again.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
repo=$(cd "$here/../.." && pwd)
# shellcheck source=ops/setup/env.sh
. "$here/env.sh"
# shellcheck source=ops/setup/lib.sh
. "$here/lib.sh"
# shellcheck source=ops/setup/debian.sh
. "$here/debian.sh"
# shellcheck source=ops/setup/parts.sh
. "$here/parts.sh"
# shellcheck source=ops/setup/cargo-deny.sh
. "$here/cargo-deny.sh"

level=${1:-test}
case $level in
demo) parts=(toolchain compilers) ;;
test) parts=(toolchain compilers services monitoring python cargo_deny java jars test_clients) ;;
*)
    echo "setup: unknown level '$level'; there are demo and test" >&2
    exit 64
    ;;
esac

mkdir -p "$UPDRAFT_CACHE"
exec 9>"$UPDRAFT_CACHE/lock"
if ! flock -n 9; then
    say "another setup is under way: waiting for it"
    flock 9
fi

for part in "${parts[@]}"; do
    "bring_$part"
done
if [ "${#missing[@]}" -gt 0 ]; then
    printf 'setup: missing: %s\n' "${missing[@]}" >&2
    exit 1
fi
say "all that '$level' needs is here ($UPDRAFT_CACHE)"
