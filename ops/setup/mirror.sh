#!/bin/bash
# Brings MirrorMaker 2 into the cache, from Maven's registry: for `just mirror`, no part of setup.sh.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=ops/setup/env.sh
. "$here/env.sh"
# shellcheck source=ops/setup/lib.sh
. "$here/lib.sh"
# shellcheck source=ops/setup/debian.sh
. "$here/debian.sh"
# shellcheck source=ops/setup/parts.sh
. "$here/parts.sh"

copy_mirror() {
    local into=$UPDRAFT_CACHE/java
    rm -rf "$into/part-mirror"
    have java || export JAVA_HOME=${JAVA_HOME:-$(dirname "$(dirname "$(readlink -f "$into/java21")")")}
    mvn -B -ntp -f "$here/maven/mirror/pom.xml" -Dinto="$into/part-mirror/jars" -Dmaven.repo.local="$into/part-mirror/m2" generate-resources
    rm -rf "$into/mirror"
    mv "$into/part-mirror/jars" "$into/mirror"
    rm -rf "$into/part-mirror"
}

have mvn || bring_debian maven maven
once mirror "$(cat "$here/maven/mirror/pom.xml")" copy_mirror
if [ "${#missing[@]}" -gt 0 ]; then
    printf 'setup: missing: %s\n' "${missing[@]}" >&2
    exit 1
fi
