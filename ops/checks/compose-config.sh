#!/usr/bin/env bash
# Compose's own reading of the files, with each profile, without the history, and with production over them. In each of them the
# pusher is given addresses of services that run: with one that does not answer it is degraded.
set -euo pipefail
cd "$(dirname "$0")/../.."
if command -v compose-config >/dev/null; then
    read_files() { compose-config "$@"; }
elif docker compose version >/dev/null 2>&1; then
    read_files() { docker compose "$@" config --format json; }
else
    echo "compose-config: neither Docker's Compose nor compose-config is here; build the latter with: just compose-setup" >&2
    exit 1
fi
base=(-f docker-compose.yml)
production=("${base[@]}" -f docker-compose.prod.yml)
no_history=(-f docker-compose.no-history.yml)
everything=$(read_files --profile all --profile demo "${base[@]}" | jq -c '.services | keys')

# check WHAT ARGUMENT...
check() {
    local what=$1 read absent
    shift
    read=$(read_files "$@")
    absent=$(jq -r --argjson everything "$everything" '
        (.services | keys) as $running | .services.pusher.environment | to_entries[]
        | .key as $setting | .value // "" | tostring | scan("[a-z][a-z0-9-]*(?=:[0-9])")
        | select(IN($everything[]) and (IN($running[]) | not)) | "\($setting): \(.)"' <<<"$read")
    [ -z "$absent" ] || {
        echo "compose-config: $what: the pusher is given the address of a service that does not run: $absent" >&2
        exit 1
    }
    echo "compose-config: $what: $(jq '.services | length' <<<"$read") services"
}

# without_history WHAT ARGUMENT...: ClickHouse does not run, and the pusher does not ask for it.
without_history() {
    check "$@"
    read_files "${@:2}" | jq -e '
        (.services | has("clickhouse") or has("historian") | not)
        and .services.pusher.environment.UPDRAFT_CLICKHOUSE_URL == "none"' >/dev/null || {
        echo "compose-config: $1: expected no ClickHouse, no historian, and UPDRAFT_CLICKHOUSE_URL=none for the pusher" >&2
        exit 1
    }
}

check "no profile" "${base[@]}"
for profile in demo observability all; do
    check "$profile" --profile "$profile" "${base[@]}"
done
without_history "no history" --profile all "${base[@]}" "${no_history[@]}"
export UPDRAFT_HOST=map.example.org
check production --profile all "${production[@]}"
without_history "production, no history" --profile all "${production[@]}" "${no_history[@]}"
unset UPDRAFT_HOST
if read_files "${production[@]}" >/dev/null 2>&1; then
    echo "compose-config: production starts without UPDRAFT_HOST" >&2
    exit 1
fi
# The check itself finds a service that is missing.
if (check planted "${base[@]}" -f <(printf 'services:\n  redis: !reset null\n')) >/dev/null 2>&1; then
    echo "compose-config: a pusher with the address of a Redis that does not run was not found" >&2
    exit 1
fi
