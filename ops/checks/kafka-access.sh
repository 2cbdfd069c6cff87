#!/usr/bin/env bash
# Runs kafka_access.py with OpenTofu or Terraform, beside the services: just terraform-access
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=ops/checks/tofu.sh
. ops/checks/tofu.sh
exec "$UPDRAFT_CACHE/bin/test-python" ops/checks/kafka_access.py
