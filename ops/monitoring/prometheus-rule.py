#!/usr/bin/env python3
"""Prints the rules as a PrometheusRule for the Prometheus operator:

    ops/monitoring/prometheus-rule.py | kubectl -n updraft apply -f -

UPDRAFT_RUNBOOKS_URL names where the runbooks are that alerts link to, for example
https://github.com/example/updraft/blob/main/ops/runbooks; without it, where a machine has the documents of a release.
--groups prints the groups alone, as a file for promtool. Needs PyYAML. Labels for the operator's selector follow as NAME=VALUE, for
example release=prometheus.
"""
import os
import sys
from pathlib import Path

import yaml

RULES = Path(__file__).resolve().parent / "prometheus"
RUNBOOKS = "file:///usr/local/share/doc/updraft/runbooks"
# The operator's Prometheus has external labels of its own: the address is written into the rules.
PLACEHOLDER = "{{ $externalLabels.runbooks }}"


def prometheus_rule(labels, runbooks=RUNBOOKS):
    groups = [group for file in ("recording.yml", "alerts.yml") for group in yaml.safe_load((RULES / file).read_text())["groups"]]
    for rule in (rule for group in groups for rule in group["rules"] if "alert" in rule):
        rule["annotations"]["runbook_url"] = rule["annotations"]["runbook_url"].replace(PLACEHOLDER, runbooks.rstrip("/"))
    return {"apiVersion": "monitoring.coreos.com/v1", "kind": "PrometheusRule", "metadata": {"name": "updraft", "labels": labels}, "spec": {"groups": groups}}


if __name__ == "__main__":
    runbooks = os.environ.get("UPDRAFT_RUNBOOKS_URL") or RUNBOOKS
    if "://" not in runbooks:
        sys.exit(f"prometheus-rule: UPDRAFT_RUNBOOKS_URL is {runbooks!r}: expected a URL, for example {RUNBOOKS}")
    if sys.argv[1:] == ["--groups"]:
        print(yaml.safe_dump(prometheus_rule({}, runbooks)["spec"], sort_keys=False, width=200), end="")
        sys.exit()
    given = dict(one.partition("=")[::2] for one in sys.argv[1:])
    if not all(given.values()):
        sys.exit(f"prometheus-rule: {' '.join(sys.argv[1:])}: labels are expected as NAME=VALUE, for example release=prometheus")
    print(yaml.safe_dump(prometheus_rule(given, runbooks), sort_keys=False, width=200), end="")
