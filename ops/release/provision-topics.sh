#!/usr/bin/env bash
# Provisions what a release needs of Kafka before its programs start: the topics, access lists and subjects of a Terraform
# environment, and nothing else of it. Run it before the manifests or images of a release are applied:
#
#   ops/release/provision-topics.sh terraform/environments/production
#
# Terraform's own variables name the rest: TF_CLI_ARGS_init=-backend-config=backend.hcl, TF_CLI_ARGS_plan=-var-file=production.tfvars,
# TF_VAR_..., KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD. Nothing is removed: while a release is rolled out, the programs of the one
# before still use what they have. Needs terraform or tofu (UPDRAFT_TOFU names another one), and jq.
set -euo pipefail
folder=${1:?the folder of an environment is expected, for example terraform/environments/production}
program=${UPDRAFT_TOFU:-$(command -v terraform || command -v tofu || true)}
[ -n "$program" ] || {
    echo "provision-topics: neither terraform nor tofu is on the PATH" >&2
    exit 1
}
export TF_IN_AUTOMATION=1 TF_INPUT=0
targets=()
for module in topics access registry; do
    if grep -q "^module \"$module\" {" "$folder/main.tf"; then targets+=("-target=module.$module"); fi
done
[ ${#targets[@]} -gt 0 ] || {
    echo "provision-topics: $folder/main.tf has none of the modules topics, access and registry" >&2
    exit 1
}
plan=$(mktemp)
trap 'rm -f "$plan"' EXIT
"$program" -chdir="$folder" init
"$program" -chdir="$folder" plan "${targets[@]}" -out="$plan"
removed=$("$program" -chdir="$folder" show -json "$plan" | jq -r '[.resource_changes[]? | select(.change.actions | index("delete")) | .address] | join(", ")')
[ -z "$removed" ] || {
    echo "provision-topics: the plan removes $removed, which programs of the running release may use: apply the environment by hand after the rollout" >&2
    exit 1
}
"$program" -chdir="$folder" apply "$plan"
