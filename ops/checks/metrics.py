"""Every expression of rules and dashboards reads metrics that are exported, by labels that they have, in the way of their kind.

What the programs export is docs/metrics.md, made of the code. What others export is ops/monitoring/external-metrics.toml.
"""
import json
import re
import sys
import tomllib
from pathlib import Path

import promql
import yaml

ROOT = Path(__file__).resolve().parents[2]
MONITORING = ROOT / "ops/monitoring"
# Labels that Prometheus adds to every series.
TARGET_LABELS = {"job", "instance"}
OF_COUNTERS = {"rate", "irate", "increase"}
# Whether there is such a series, of any kind.
OF_PRESENCE = {"present_over_time"}
OF_GAUGES = {"delta", "deriv", "predict_linear", "changes"}


def exported():
    """Each series by name: its kind, and its labels."""
    known = {}
    for name, kind, labels in re.findall(r"^\| `(\w+)` \| (\w+) \| ([^|]*) \|", (ROOT / "docs/metrics.md").read_text(), re.M):
        labels = set(re.findall(r"`(\w+)`", labels))
        if kind == "histogram":
            known[f"{name}_bucket"] = ("counter", labels | {"le"})
            known[f"{name}_sum"] = known[f"{name}_count"] = ("counter", labels)
        else:
            known[name] = (kind, labels)
    for exporter in tomllib.loads((MONITORING / "external-metrics.toml").read_text())["exporter"]:
        for name, said in exporter["metrics"].items():
            known[name] = (said["kind"], set(said["labels"]))
    return known


def rules():
    for file in sorted((MONITORING / "prometheus").glob("*.yml")):
        for group in yaml.safe_load(file.read_text()).get("groups", []):
            for rule in group["rules"]:
                yield file.name, rule


def expressions():
    """Where it stands, and the expression."""
    for file, rule in rules():
        yield f"{file}: {rule.get('alert') or rule.get('record')}", rule["expr"]
    for file in sorted((MONITORING / "grafana/dashboards").glob("*.json")):
        for panel in json.loads(file.read_text())["panels"]:
            for target in panel["targets"]:
                yield f"{file.name}: {panel['title']}", target["expr"]


def recorded(known):
    """Names of recording rules with the labels that are left of them."""
    names = {}
    for _, rule in rules():
        if "record" in rule:
            expression = promql.read(rule["expr"])
            names[rule["record"]] = ("gauge", expression.grouped_by - {"le"})
    return names


def problems_of(text, known):
    expression = promql.read(text)
    if not expression.series and text.strip() != "vector(1)":
        yield "reads nothing"
    labels_of_all = set(TARGET_LABELS)
    for series in expression.series:
        if series.name not in known:
            yield f"no program exports {series.name}"
            continue
        kind, labels = known[series.name]
        labels_of_all |= labels
        for label in sorted(series.labels - labels - TARGET_LABELS):
            yield f"{series.name} has no label {label}"
        if series.function in OF_COUNTERS and kind != "counter":
            yield f"{series.function}({series.name}): it is a {kind}"
        if series.function in OF_GAUGES and kind != "gauge":
            yield f"{series.function}({series.name}): it is a {kind}"
        if kind == "counter" and series.function not in OF_COUNTERS | OF_PRESENCE:
            yield f"{series.name} is a counter: its value alone says how long the program has run"
    for label in sorted(expression.grouped_by - labels_of_all):
        yield f"nothing has a label {label} to group by"


def check():
    known = exported()
    known |= recorded(known)
    found, read = [], 0
    for where, text in expressions():
        read += 1
        found += [f"{where}: {problem}" for problem in problems_of(text, known)]
    return found, read


if __name__ == "__main__":
    found, read = check()
    if found or not read:
        sys.exit("\n".join(found) or "metrics: no expressions")
    print(f"metrics: {read} expressions read what is exported")
