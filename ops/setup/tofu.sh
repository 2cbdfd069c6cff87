#!/bin/bash
# Builds OpenTofu and the providers of terraform/ into the cache, from their Go modules: for machines that reach a Go
# module proxy and no registry of providers. Versions and checksums are in tofu/*/go.mod and go.sum.
#
#   ops/setup/tofu.sh
#
# It needs Go 1.21 or later, which downloads the Go version of go.mod, and a quarter of an hour: no part of setup.sh.
# ClickHouse/clickhousedbops is served by no proxy, Mastercard/restapi only in an older version: their recorded schemas take
# their place, which can be validated and tested with mock_provider, and refuse to plan.
#
# The result: bin/tofu, and tofu/tofu.rc, a configuration for TF_CLI_CONFIG_FILE that names tofu/providers.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=ops/setup/env.sh
. "$here/env.sh"
# shellcheck source=ops/setup/lib.sh
. "$here/lib.sh"

if ! have go; then
    say "Go 1.21 or later is missing; install it with: apt-get install golang-go" >&2
    exit 1
fi
export GOTOOLCHAIN=auto
into=$UPDRAFT_CACHE/tofu
mkdir -p "$UPDRAFT_CACHE/bin" "$into/providers"

# build FOLDER PACKAGE PROGRAM: the folder's module has the package among its tools, or is the package.
build() {
    local folder=$here/tofu/$1 part=$3.part
    once "tofu-$1" "$(cat "$folder"/* "$here/tofu.sh")" go_build "$folder" "$2" "$3" "$part"
}

go_build() {
    mkdir -p "$(dirname "$3")"
    # OpenTofu calls itself a development version otherwise.
    (cd "$1" && go build -mod=readonly -trimpath -ldflags="-s -X github.com/opentofu/opentofu/version.dev=no" -o "$4" "$2")
    mv "$4" "$3"
}

platform=$(go env GOOS)_$(go env GOARCH)
# path NAMESPACE/NAME VERSION: where a mirror has the provider.
path() {
    printf '%s' "$into/providers/registry.opentofu.org/$1/$2/$platform/terraform-provider-${1#*/}_v$2"
}

# provider FOLDER PACKAGE NAMESPACE/NAME VERSION
provider() {
    build "$1" "$2" "$(path "$3" "$4")"
}

# recorded NAMESPACE/NAME VERSION: its recorded schema takes its place.
recorded() {
    mkdir -p "$(dirname "$(path "$1" "$2")")"
    ln -f "$into/recorded" "$(path "$1" "$2")"
}

build opentofu github.com/opentofu/opentofu/cmd/tofu "$UPDRAFT_CACHE/bin/tofu"
provider kafka github.com/Mongey/terraform-provider-kafka mongey/kafka 0.13.1
# A commit after 3.2.1: releases after 1.13 have tags that the module's path does not allow.
provider kubernetes github.com/hashicorp/terraform-provider-kubernetes hashicorp/kubernetes 3.2.1
build recorded . "$into/recorded"
if [ "${#missing[@]}" -gt 0 ]; then
    printf 'setup: missing: %s\n' "${missing[@]}" >&2
    exit 1
fi

recorded mastercard/restapi 3.0.0
recorded clickhouse/clickhousedbops 1.11.2

cat >"$into/tofu.rc" <<EOF
provider_installation {
  filesystem_mirror {
    path = "$into/providers"
  }
}
EOF
say "$("$UPDRAFT_CACHE/bin/tofu" version | head -n 1), with the providers in $into/providers"
