#!/usr/bin/env bash
# Applies environments/dev to a real Kafka and registry: apply, an empty second plan, drift, refusals, adoption, and `processor
# topics check` on the result. Needs OpenTofu or Terraform, and the addresses in the environment:
#
#   just terraform-apply            topics and subjects
#   just terraform-apply topics     topics alone: where the provider of subjects is only a recorded schema
set -euo pipefail
cd "$(dirname "$0")/../.."
provision=$PWD/ops/release/provision-topics.sh
: "${UPDRAFT_KAFKA_BOOTSTRAP:?run it with just terraform-apply}" "${UPDRAFT_SCHEMA_REGISTRY_URL:?run it with just terraform-apply}"
part=${1:-all}
case $part in
all | topics) ;;
*)
    echo "terraform-apply: unknown part '$part'; expected all or topics" >&2
    exit 64
    ;;
esac
# shellcheck source=ops/checks/tofu.sh
. ops/checks/tofu.sh
python=$UPDRAFT_CACHE/bin/test-python
processor=${UPDRAFT_PROCESSOR:-$PWD/target/debug/processor}
for needed in "$python" "$processor" jq curl; do
    command -v "$needed" >/dev/null || { echo "terraform-apply: $needed is missing; see just terraform-apply" >&2; exit 1; }
done
topics=$(jq '.topics | length' terraform/catalogue.json)
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
terraform_copy "$copy"
cd "$copy/terraform/environments/dev"
# A target would leave out the outputs, too.
[ "$part" = all ] || sed -i -e '/^module "registry" {/,/^}/d' -e '/^output "subjects" {/,/^}/d' main.tf outputs.tf
export TF_VAR_kafka_bootstrap=$UPDRAFT_KAFKA_BOOTSTRAP TF_VAR_schema_registry_url=$UPDRAFT_SCHEMA_REGISTRY_URL TF_VAR_topic_prefix=dev.

fail() {
    echo "terraform-apply: $*" >&2
    exit 1
}

# run COMMAND...: its output is shown when it fails, and is in $copy/log.
run() {
    "$@" >"$copy/log" 2>&1 || { cat "$copy/log" >&2; fail "failed: $*"; }
}

# ok TEXT: with the seconds since the start.
ok() {
    printf 'ok    %3d s  %s\n' "$SECONDS" "$*"
}

# refused WHAT TEXT ARGUMENT...: the command fails, and its output contains the text.
refused() {
    local what=$1 text=$2 output
    shift 2
    if output=$("$UPDRAFT_TOFU" "$@" 2>&1); then fail "$what was not refused"; fi
    # Long lines are wrapped behind a bar.
    grep -qF "$text" <<<"$(tr -d '│╷╵' <<<"$output" | tr -s ' \n' ' ')" || fail "$what: $output"
    ok "$what is refused: $text"
}

# apply ARGUMENT...
apply() {
    run "$UPDRAFT_TOFU" apply -auto-approve "$@"
}

# plan_exits CODE WHAT ARGUMENT...
plan_exits() {
    local wanted=$1 what=$2 code=0
    shift 2
    "$UPDRAFT_TOFU" plan -detailed-exitcode "$@" >"$copy/plan" 2>&1 || code=$?
    [ "$code" = "$wanted" ] || { cat "$copy/plan" >&2; fail "$what: the plan exits $code instead of $wanted"; }
    ok "$what"
}

# with_settings COMMAND...: with the outputs as its environment, and without that of this script.
with_settings() {
    (
        unset UPDRAFT_KAFKA_BOOTSTRAP UPDRAFT_SCHEMA_REGISTRY_URL
        set -a
        # shellcheck source=/dev/null
        . "$copy/dev.env"
        set +a
        "$@"
    )
}

# change_topic TOPIC SETTING VALUE: as a person would with Kafka's tools.
change_topic() {
    "$python" - "$UPDRAFT_KAFKA_BOOTSTRAP" "$@" <<'PYTHON'
import sys

from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

_, bootstrap, topic, setting, value = sys.argv
entry = ConfigEntry(setting, value, incremental_operation=AlterConfigOpType.SET)
resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
client = AdminClient({"bootstrap.servers": bootstrap})
for future in client.incremental_alter_configs([resource]).values():
    future.result(30)
PYTHON
}

"$UPDRAFT_TOFU" version | sed -n 1p
run "$provision" .
added=$(sed -n 's/^Apply complete.* \([0-9]*\) added, .*/\1/p' "$copy/log")
[ "${added:-0}" -ge "$topics" ] || { cat "$copy/log" >&2; fail "a release provisions ${added:-0} topics and subjects instead of $topics or more"; }
ok "the step of a release: $(grep '^Apply complete' "$copy/log")"
run "$provision" .
grep -q '^Apply complete.* 0 added, 0 changed, 0 destroyed' "$copy/log" || { cat "$copy/log" >&2; fail "the second time the step changes something"; }
ok "the second time it changes nothing"
apply
ok "the environment: $(grep '^Apply complete' "$copy/log")"
plan_exits 0 "the second plan is empty"

"$UPDRAFT_TOFU" output -json settings | jq -r 'to_entries[] | "\(.key)=\(.value)"' >"$copy/dev.env"
run with_settings "$processor" run --check-config
ok "the processor accepts the outputs as its environment"
if [ "$part" = topics ]; then
    run with_settings "$processor" topics apply
    ok "topics apply registers the subjects"
fi
run with_settings "$processor" topics check
ok "topics check agrees"
run with_settings "$processor" topics apply
plan_exits 0 "topics apply changes nothing"

change_topic dev.fanet.raw.v1 retention.ms 1000
drifted=('kafka_topic.topic["fanet.raw.v1"]')
if [ "$part" = all ]; then
    curl -fsS -X PUT -H 'content-type: application/json' -d '{"compatibility":"NONE"}' "$UPDRAFT_SCHEMA_REGISTRY_URL/config/dev.fanet.alert.v1-value" >/dev/null
    drifted+=('compatibility["dev.fanet.alert.v1-value"]')
fi
plan_exits 2 "drift is found"
for resource in "${drifted[@]}"; do
    grep -qF "$resource will be updated" "$copy/plan" || { cat "$copy/plan" >&2; fail "the drift of $resource is not shown"; }
done
grep -q "^Plan: .*0 to add, ${#drifted[@]} to change, 0 to destroy" "$copy/plan" || { cat "$copy/plan" >&2; fail "more than the drift is shown"; }
if with_settings "$processor" topics check >"$copy/log" 2>&1; then fail "topics check does not see the drift"; fi
ok "drift is shown, and nothing else: ${drifted[*]}; topics check sees it, too"
apply
plan_exits 0 "the next apply corrects it"
run with_settings "$processor" topics check
ok "topics check agrees again"

refused "another partition count" "dev.fanet.raw.v1 has 6 partitions, and 12 are wanted" plan -var partitions=12
refused "destroying" "prevent_destroy" destroy -auto-approve
plan_exits 0 "nothing was destroyed"

run env UPDRAFT_TOPIC_PREFIX=old. "$processor" topics apply --partitions 4 --new-prefix
old=(-state="$copy/old.tfstate" -var topic_prefix=old. -var partitions=4)
apply "${old[@]}" -var adopt=true
grep -qE "$topics imported, .* 0 changed, 0 destroyed" "$copy/log" || { cat "$copy/log" >&2; fail "adoption changes something"; }
ok "existing topics are adopted: $(grep '^Apply complete' "$copy/log")"
plan_exits 0 "the plan after adoption is empty" "${old[@]}" -var adopt=true
plan_exits 0 "also without adopt" "${old[@]}"
ok "passed"
