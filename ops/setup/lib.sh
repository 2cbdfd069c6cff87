# Sourced by setup.sh: progress, and work that is done once.

missing=()

say() {
    printf 'setup: %s\n' "$*"
}

have() {
    command -v "$1" >/dev/null 2>&1
}

# lacks WHAT COMMAND: records something that setup cannot install, with the command that does.
lacks() {
    missing+=("$1; bring it with: $2")
}

# at_least WANTED FOUND: whether version FOUND is WANTED or later.
at_least() {
    [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]
}

# once NAME KEY COMMAND...: runs the command unless it succeeded before with the same key; says how long it took.
once() {
    local name=$1 stamp=$UPDRAFT_CACHE/$1.stamp key started log=$UPDRAFT_CACHE/$1.log
    key=$(printf '%s' "$2" | sha256sum | cut -d ' ' -f 1)
    shift 2
    if [ "$(cat "$stamp" 2>/dev/null)" = "$key" ]; then
        say "$name: here"
        return 0
    fi
    say "$name: bringing it ..."
    started=$SECONDS
    # A subshell with its own errexit: bash ignores errexit in a function that is called in a condition.
    set +e
    (
        set -e
        "$@"
    ) >"$log" 2>&1
    local code=$?
    set -e
    if [ $code -ne 0 ]; then
        say "$name: failed after $((SECONDS - started)) s; the last lines of $log:" >&2
        tail -n 15 "$log" | sed 's/^/    /' >&2
        missing+=("$name: see above")
        return 0
    fi
    printf '%s\n' "$key" >"$stamp"
    say "$name: brought in $((SECONDS - started)) s"
}
