#!/usr/bin/env bash
# Runs the checks of OpenTofu or Terraform on terraform/: format, validation, and tests with mocked providers. It works on a
# copy, so that no state and no provider is left beside the sources.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=ops/checks/tofu.sh
. ops/checks/tofu.sh
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
terraform_copy "$copy"

"$UPDRAFT_TOFU" version | sed 's/^/terraform-test: /'
"$UPDRAFT_TOFU" fmt -check -diff -recursive terraform
failed=()
for folder in "$copy"/terraform/modules/* "$copy"/terraform/environments/*; do
    name=${folder#"$copy"/terraform/}
    echo "terraform-test: $name"
    if ! "$UPDRAFT_TOFU" -chdir="$folder" init -backend=false >"$copy/log" 2>&1; then
        cat "$copy/log" >&2
        failed+=("$name")
        continue
    fi
    "$UPDRAFT_TOFU" -chdir="$folder" validate || failed+=("$name")
    "$UPDRAFT_TOFU" -chdir="$folder" test || failed+=("$name")
done
# Only the versions of ops/setup/tofu are the recorded ones.
if [ "${TF_CLI_CONFIG_FILE:-}" = "$UPDRAFT_CACHE/tofu/tofu.rc" ]; then
    ops/checks/terraform_schemas.py --check || failed+=("schemas")
fi
[ ${#failed[@]} -eq 0 ] || {
    echo "terraform-test: failed: ${failed[*]}" >&2
    exit 1
}
echo "terraform-test: passed"
