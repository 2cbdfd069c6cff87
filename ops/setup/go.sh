# Sourced by tofu.sh and kube.sh: programs that are built from their Go modules, into the cache. The modules' versions and
# checksums are in go.mod and go.sum of a folder for each program.

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=ops/setup/env.sh
. "$here/env.sh"
# shellcheck source=ops/setup/lib.sh
. "$here/lib.sh"

if ! have go; then
    say "Go 1.21 or later is missing; install it with: apt-get install golang-go" >&2
    exit 1
fi
# An older Go downloads the version that go.mod asks for.
export GOTOOLCHAIN=auto
mkdir -p "$UPDRAFT_CACHE/bin"

# go_program NAME FOLDER PACKAGE PROGRAM [LINKER-FLAGS]: the folder's module has the package among its tools, or is the package.
go_program() {
    once "$1" "$(cat "$2"/* "$here/go.sh") ${*:3}" go_build "${@:2}"
}

go_build() {
    mkdir -p "$(dirname "$3")"
    (cd "$1" && go build -mod=readonly -trimpath -ldflags="-s ${4:-}" -o "$3.part" "$2")
    mv "$3.part" "$3"
}

# Fails where something could not be brought; its reason was printed.
finish() {
    if [ "${#missing[@]}" -gt 0 ]; then
        printf 'setup: missing: %s\n' "${missing[@]}" >&2
        exit 1
    fi
}
