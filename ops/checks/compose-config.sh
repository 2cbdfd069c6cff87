#!/usr/bin/env bash
# Compose's own reading of the files, with each profile, and with production over them.
set -euo pipefail
cd "$(dirname "$0")/../.."
command -v compose-config >/dev/null || {
    echo "compose-config is not here; build it with: just compose-setup" >&2
    exit 1
}
for profile in none demo history observability all; do
    read -ra services <<<"$(compose-config --profile "$profile" docker-compose.yml | tr '\n' ' ')"
    echo "compose-config: $profile: ${#services[@]} services"
done
read -ra services <<<"$(UPDRAFT_HOST=map.example.org compose-config --profile all docker-compose.yml docker-compose.prod.yml | tr '\n' ' ')"
echo "compose-config: production: ${#services[@]} services"
if (unset UPDRAFT_HOST && compose-config docker-compose.yml docker-compose.prod.yml) >/dev/null 2>&1; then
    echo "compose-config: production starts without UPDRAFT_HOST" >&2
    exit 1
fi
