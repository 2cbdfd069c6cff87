#!/bin/bash
# Builds actionlint into the cache, from its Go module: it reads the files of .github/workflows as GitHub does.
#
#   ops/setup/workflows.sh
#
# It needs Go 1.21 or later, and a minute: no part of setup.sh.
set -euo pipefail
# shellcheck source=ops/setup/go.sh
. "$(dirname "$0")/go.sh"

go_program actionlint "$here/workflows" github.com/rhysd/actionlint/cmd/actionlint "$UPDRAFT_CACHE/bin/actionlint"
finish
