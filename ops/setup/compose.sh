#!/bin/bash
# Builds compose-config into the cache, from the Go module of Compose itself: it reads files as `docker compose config` does, where no
# Docker is.
#
#   ops/setup/compose.sh
#
# It needs Go 1.21 or later, and a minute: no part of setup.sh.
set -euo pipefail
# shellcheck source=ops/setup/go.sh
. "$(dirname "$0")/go.sh"

go_program compose-config "$here/compose" . "$UPDRAFT_CACHE/bin/compose-config"
finish
