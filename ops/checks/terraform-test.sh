#!/usr/bin/env bash
# Runs Terraform's own checks on terraform/. It works on a copy, so that no state and no provider is left beside the sources.
set -euo pipefail
cd "$(dirname "$0")/../.."
command -v terraform >/dev/null || {
    echo "terraform-test: there is no terraform here; see https://developer.hashicorp.com/terraform/install" >&2
    exit 1
}
terraform fmt -check -diff -recursive terraform
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
mkdir "$copy/schemas"
cp -r terraform "$copy/"
cp -r schemas/proto "$copy/schemas/"
mkdir "$copy/ops"
cp -r ops/redis ops/clickhouse "$copy/ops/"
find "$copy" -name .terraform -prune -exec rm -rf {} +
for folder in "$copy"/terraform/modules/* "$copy"/terraform/environments/*; do
    echo "terraform-test: ${folder#"$copy"/terraform/}"
    terraform -chdir="$folder" init -backend=false -input=false -no-color >"$copy/log" 2>&1 || { cat "$copy/log" >&2; exit 1; }
    terraform -chdir="$folder" validate -no-color
    [ ! -d "$folder/tests" ] || terraform -chdir="$folder" test -no-color
done
