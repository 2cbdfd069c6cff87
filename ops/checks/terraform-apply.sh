#!/usr/bin/env bash
# environments/dev applied to a real Kafka and registry: apply, an empty second plan, drift, refusals, adoption, and our own
# `topics check` on what came out. Needs terraform, its registry, and the addresses in the environment:
#   just terraform-apply
set -euo pipefail
cd "$(dirname "$0")/../.."
: "${UPDRAFT_KAFKA_BOOTSTRAP:?run it with just terraform-apply}" "${UPDRAFT_SCHEMA_REGISTRY_URL:?run it with just terraform-apply}"
python=$UPDRAFT_CACHE/bin/test-python
processor=${UPDRAFT_PROCESSOR:-$PWD/target/debug/processor}
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
mkdir -p "$copy/schemas"
cp -r terraform "$copy/"
cp -r schemas/proto "$copy/schemas/"
find "$copy" \( -name .terraform -o -name '*.tfstate*' \) -prune -exec rm -rf {} +
cd "$copy/terraform/environments/dev"
export TF_IN_AUTOMATION=1 TF_INPUT=0 TF_CLI_ARGS=-no-color
export TF_VAR_kafka_bootstrap=$UPDRAFT_KAFKA_BOOTSTRAP TF_VAR_schema_registry_url=$UPDRAFT_SCHEMA_REGISTRY_URL TF_VAR_topic_prefix=dev.
terraform init >/dev/null

fail() {
    echo "terraform-apply: $*" >&2
    exit 1
}

# refused WHAT TEXT TERRAFORM-ARGUMENT...: the command fails, and its output contains the text.
refused() {
    local what=$1 text=$2 output
    shift 2
    if output=$(terraform "$@" 2>&1); then fail "$what was not refused"; fi
    # Terraform wraps its lines.
    grep -q "$text" <<<"$(tr '
' ' ' <<<"$output" | tr -s ' ')" || fail "$what: $output"
    echo "ok    $what is refused"
}

# plan_exits CODE WHAT TERRAFORM-ARGUMENT...
plan_exits() {
    local wanted=$1 what=$2 code=0
    shift 2
    terraform plan -detailed-exitcode "$@" >"$copy/plan" 2>&1 || code=$?
    [ "$code" = "$wanted" ] || { cat "$copy/plan" >&2; fail "$what: the plan exits $code instead of $wanted"; }
    echo "ok    $what"
}

terraform apply -auto-approve >"$copy/log" 2>&1 || { cat "$copy/log" >&2; fail "apply failed"; }
echo "ok    $(grep '^Apply complete' "$copy/log")"
plan_exits 0 "the second plan is empty"

terraform output -json settings | jq -r 'to_entries[] | "\(.key)=\(.value)"' >"$copy/dev.env"
(set -a; . "$copy/dev.env"; set +a; "$processor" topics check >"$copy/check" 2>/dev/null) || { cat "$copy/check" >&2; fail "our programs find differences"; }
(set -a; . "$copy/dev.env"; set +a; "$processor" topics apply >/dev/null 2>&1) || fail "our programs cannot register their schemas"
plan_exits 0 "our programs change nothing"

"$python" - <<PYTHON
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType
shorter = ConfigEntry("retention.ms", "1000", incremental_operation=AlterConfigOpType.SET)
client = AdminClient({"bootstrap.servers": "$UPDRAFT_KAFKA_BOOTSTRAP"})
changed = client.incremental_alter_configs([ConfigResource(ResourceType.TOPIC, "dev.fanet.raw.v1", incremental_configs=[shorter])])
[future.result() for future in changed.values()]
PYTHON
curl -fsS -X PUT -H 'content-type: application/json' -d '{"compatibility":"NONE"}' "$UPDRAFT_SCHEMA_REGISTRY_URL/config/dev.fanet.alert.v1-value" >/dev/null
plan_exits 2 "drift is found"
grep -q 'kafka_topic.topic\["fanet.raw.v1"\] will be updated' "$copy/plan" || fail "the topic's drift is not shown"
grep -q 'compatibility\["dev.fanet.alert.v1-value"\] will be updated' "$copy/plan" || fail "the subject's drift is not shown"
echo "ok    drift is shown, of a topic and of a subject"
terraform apply -auto-approve >/dev/null
plan_exits 0 "drift is mended"

refused "another partition count" "has 6 partitions, and 12 are wanted" plan -var partitions=12
refused "destroying" "prevent_destroy" destroy -auto-approve

UPDRAFT_TOPIC_PREFIX=old. "$processor" topics apply --partitions 4 >/dev/null 2>&1 || fail "topics apply"
terraform apply -auto-approve -state="$copy/old.tfstate" -var topic_prefix=old. -var adopt=true -var partitions=4 >"$copy/log" 2>&1 || { cat "$copy/log" >&2; fail "adoption failed"; }
grep -q '19 imported, .* 0 changed, 0 destroyed' "$copy/log" || { cat "$copy/log" >&2; fail "adoption changes something"; }
plan_exits 0 "topics that were there are taken over as they are" -state="$copy/old.tfstate" -var topic_prefix=old. -var adopt=true -var partitions=4
