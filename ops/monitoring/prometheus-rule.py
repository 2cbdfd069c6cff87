#!/usr/bin/env python3
"""Prints the rules as a PrometheusRule for the Prometheus operator:

    ops/monitoring/prometheus-rule.py | kubectl -n updraft apply -f -

--groups prints the groups alone, as a file for promtool. Needs PyYAML. Labels for the operator's selector follow as NAME=VALUE, for example release=prometheus.
"""
import sys
from pathlib import Path

import yaml

RULES = Path(__file__).resolve().parent / "prometheus"


def prometheus_rule(labels):
    groups = [group for file in ("recording.yml", "alerts.yml") for group in yaml.safe_load((RULES / file).read_text())["groups"]]
    return {"apiVersion": "monitoring.coreos.com/v1", "kind": "PrometheusRule", "metadata": {"name": "updraft", "labels": labels}, "spec": {"groups": groups}}


if __name__ == "__main__":
    if sys.argv[1:] == ["--groups"]:
        print(yaml.safe_dump(prometheus_rule({})["spec"], sort_keys=False, width=200), end="")
        sys.exit()
    given = dict(one.partition("=")[::2] for one in sys.argv[1:])
    if not all(given.values()):
        sys.exit(f"prometheus-rule: {' '.join(sys.argv[1:])}: labels are expected as NAME=VALUE, for example release=prometheus")
    print(yaml.safe_dump(prometheus_rule(given), sort_keys=False, width=200), end="")
