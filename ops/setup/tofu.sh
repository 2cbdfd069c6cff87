#!/bin/bash
# Builds OpenTofu and the providers of terraform/ into the cache, from their Go modules: for machines that reach a Go
# module proxy and no registry of providers. Versions and checksums are in tofu/*/go.mod and go.sum.
#
#   ops/setup/tofu.sh
#
# It needs Go 1.21 or later, and a quarter of an hour: no part of setup.sh.
# ClickHouse/clickhousedbops is served by no proxy, Mastercard/restapi only in an older version: their recorded schemas take
# their place, which can be validated and tested with mock_provider, and refuse to plan.
#
# The result: bin/tofu, and tofu/tofu.rc, a configuration for TF_CLI_CONFIG_FILE that names tofu/providers.
set -euo pipefail
# shellcheck source=ops/setup/go.sh
. "$(dirname "$0")/go.sh"

into=$UPDRAFT_CACHE/tofu
platform=$(go env GOOS)_$(go env GOARCH)
# path NAMESPACE/NAME VERSION: where a mirror has the provider.
path() {
    printf '%s' "$into/providers/registry.opentofu.org/$1/$2/$platform/terraform-provider-${1#*/}_v$2"
}

# provider FOLDER PACKAGE NAMESPACE/NAME VERSION
provider() {
    go_program "tofu-$1" "$here/tofu/$1" "$2" "$(path "$3" "$4")"
}

# recorded NAMESPACE/NAME VERSION: its recorded schema takes its place.
recorded() {
    mkdir -p "$(dirname "$(path "$1" "$2")")"
    ln -f "$into/recorded" "$(path "$1" "$2")"
}

# OpenTofu calls itself a development version otherwise.
go_program tofu-opentofu "$here/tofu/opentofu" github.com/opentofu/opentofu/cmd/tofu "$UPDRAFT_CACHE/bin/tofu" \
    "-X github.com/opentofu/opentofu/version.dev=no"
provider kafka github.com/Mongey/terraform-provider-kafka mongey/kafka 0.13.1
# A commit after 3.2.1: releases after 1.13 have tags that the module's path does not allow.
provider kubernetes github.com/hashicorp/terraform-provider-kubernetes hashicorp/kubernetes 3.2.1
go_program tofu-recorded "$here/tofu/recorded" . "$into/recorded"
finish

recorded mastercard/restapi 3.0.0
recorded clickhouse/clickhousedbops 1.11.2

cat >"$into/tofu.rc" <<EOF
provider_installation {
  filesystem_mirror {
    path = "$into/providers"
  }
}
EOF
say "$(TF_CLI_CONFIG_FILE=$into/tofu.rc "$UPDRAFT_CACHE/bin/tofu" version | head -n 1), with the providers in $into/providers"
