#!/bin/bash
# Builds kube-apiserver and etcd into the cache, from their Go modules: a control plane without nodes, to which the manifests
# can be applied for real. Versions and checksums are in kube/*/go.mod and go.sum.
#
#   ops/setup/kube.sh
#
# It needs Go 1.21 or later, which downloads the Go version of go.mod, and a quarter of an hour: no part of setup.sh.
# An etcd of the system (Debian: etcd-server) is used where there is one.
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
mkdir -p "$UPDRAFT_CACHE/bin"

# build MODULE PACKAGE PROGRAM
build() {
    once "kube-$1" "$(cat "$here/kube/$1"/* "$here/kube.sh")" go_build "$here/kube/$1" "$2" "$UPDRAFT_CACHE/bin/$3"
}

go_build() {
    local version
    version=$(sed -n 's|^\tk8s.io/kubernetes \(v[^ ]*\).*|\1|p; s|^require k8s.io/kubernetes \(v.*\)|\1|p' "$1/go.mod" | head -n 1)
    # Without its version the server calls itself v0.0.0, which clients refuse.
    local flags="-s -X k8s.io/component-base/version.gitVersion=$version -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=$(cut -d . -f 2 <<<"$version")"
    (cd "$1" && go build -mod=readonly -trimpath -ldflags="$flags" -o "$3.part" "$2")
    mv "$3.part" "$3"
}

have etcd || build etcd go.etcd.io/etcd/server/v3 etcd
build apiserver k8s.io/kubernetes/cmd/kube-apiserver kube-apiserver
if [ "${#missing[@]}" -gt 0 ]; then
    printf 'setup: missing: %s\n' "${missing[@]}" >&2
    exit 1
fi
say "$("$UPDRAFT_CACHE/bin/kube-apiserver" --version), $(etcd --version | head -n 1)"
