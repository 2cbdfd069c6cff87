#!/usr/bin/env bash
# Checks of the operation's files without a cluster. Every step prints its result; the first failure ends the run.
set -euo pipefail
cd "$(dirname "$0")"
python=${UPDRAFT_CACHE:?run it with just check-ops}/bin/test-python

"$python" ../../terraform/catalogue.py --check
"$python" terraform.py
"$python" ../monitoring/dashboards.py --check
promtool check rules ../monitoring/prometheus/recording.yml ../monitoring/prometheus/alerts.yml
# As one file, as the Prometheus operator makes it.
"$python" ../monitoring/prometheus-rule.py --groups | promtool check rules /dev/stdin
promtool check config ../monitoring/prometheus/prometheus.yml
"$python" ../capacity.py --check
"$python" compose.py
command -v kubectl >/dev/null || {
    echo "check-ops: kubectl is needed to render ops/kubernetes; see https://kubernetes.io/docs/tasks/tools" >&2
    exit 1
}
"$python" kubernetes.py
./systemd.sh
"$python" metrics.py
"$python" routes.py
"$python" runbooks.py
"$python" alerts.py
"$python" -m unittest -q test_terraform test_metrics test_capacity test_smoke test_compose test_kubernetes test_release test_backup test_secrets test_daily test_native test_images
