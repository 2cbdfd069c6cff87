#!/usr/bin/env bash
# GitHub's workflows, as actionlint reads them; and a planted fault, which it must find.
set -euo pipefail
cd "$(dirname "$0")/../.."
command -v actionlint >/dev/null || {
    echo "actionlint is not here; build it with: just workflows-setup" >&2
    exit 1
}
actionlint -no-color
fault=$(sed 's/needs: build$/needs: builds/' .github/workflows/images.yml)
if said=$(actionlint -no-color - <<<"$fault"); then
    echo "workflows: a job that needs an unknown one was not found" >&2
    exit 1
fi
grep -q '"builds"' <<<"$said" || { echo "workflows: $said" >&2; exit 1; }
echo "workflows: $(find .github/workflows -name '*.yml' | wc -l) files are as GitHub reads them"
