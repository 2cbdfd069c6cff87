# Sourced: $UPDRAFT_TOFU is OpenTofu or Terraform. OpenTofu of ops/setup/tofu.sh uses the providers that were built with it.
: "${UPDRAFT_CACHE:=${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/updraft}"
UPDRAFT_TOFU=${UPDRAFT_TOFU:-$(command -v tofu || command -v terraform || true)}
[ -n "$UPDRAFT_TOFU" ] || {
    echo "neither tofu nor terraform is here; build OpenTofu with: just terraform-setup" >&2
    exit 1
}
if [ "$UPDRAFT_TOFU" = "$UPDRAFT_CACHE/bin/tofu" ] && [ ! -f "${TF_CLI_CONFIG_FILE:-}" ]; then
    export TF_CLI_CONFIG_FILE=$UPDRAFT_CACHE/tofu/tofu.rc
fi
UPDRAFT_PROVIDER_SCHEMAS=$(git rev-parse --show-toplevel)/terraform/provider-schemas.json
export UPDRAFT_TOFU UPDRAFT_PROVIDER_SCHEMAS TF_IN_AUTOMATION=1 TF_INPUT=0 TF_CLI_ARGS=-no-color CHECKPOINT_DISABLE=1

# terraform_copy INTO: the files, without states and providers, beside what they read.
terraform_copy() {
    mkdir -p "$1/schemas" "$1/ops"
    cp -r terraform "$1/"
    cp -r schemas/proto "$1/schemas/"
    cp -r ops/redis ops/clickhouse "$1/ops/"
    find "$1" \( -name .terraform -o -name '.terraform.lock.hcl' -o -name '*.tfstate*' \) -prune -exec rm -rf {} +
}
