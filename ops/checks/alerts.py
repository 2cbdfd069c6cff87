"""Runs promtool's unit tests of all alerts: cases.toml says for each what fires and what must not.

Annotations are left out of the copy of the rules that is tested: what they say depends on values to the last digit.
"""
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import promql
import yaml

PROMETHEUS = Path(__file__).resolve().parents[2] / "ops/monitoring/prometheus"
# Fires always, and so has no quiet case.
ALWAYS = {"Watchdog"}


def rules(file):
    groups = yaml.safe_load((PROMETHEUS / file).read_text())["groups"]
    for group in groups:
        for rule in group["rules"]:
            rule.pop("annotations", None)
    return groups


def test_of(name, rule, case, fires):
    series = [{"series": selector, "values": values} for selector, values in case["series"].items()]
    labels = dict(case.get("labels", {}), severity=rule["labels"]["severity"])
    return {
        "interval": f"{case.get('every', 1)}m",
        "name": f"{name} {'fires' if fires else 'is quiet'}",
        "input_series": series,
        "alert_rule_test": [{"eval_time": f"{case['at']}m", "alertname": name, "exp_alerts": [{"exp_labels": labels}] if fires else []}],
    }


def needed(rule, recordings):
    """The recording rules that a rule reads, and those that they read."""
    names = {series.name for series in promql.read(rule["expr"]).series} & set(recordings)
    return {name: recordings[name] for name in names} | {other: one for name in names for other, one in needed(recordings[name], recordings).items()}


def run(folder, name, rule, case, fires):
    """One case, with no rules but those that it is about."""
    recordings = {one["record"]: one for group in rules("recording.yml") for one in group["rules"]}
    some = [*needed(rule, recordings).values(), rule]
    (folder / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "tested", "rules": some}]}, width=1000))
    unit = {"rule_files": ["rules.yml"], "evaluation_interval": f"{case.get('every', 1)}m", "tests": [test_of(name, rule, case, fires)]}
    (folder / "test.yml").write_text(yaml.safe_dump(unit, width=1000))
    ran = subprocess.run(["promtool", "test", "rules", "test.yml"], cwd=folder, capture_output=True, text=True)
    if ran.returncode != 0:
        sys.exit(ran.stdout + ran.stderr)


def main():
    alerts = {rule["alert"]: rule for group in rules("alerts.yml") for rule in group["rules"]}
    cases = tomllib.loads((PROMETHEUS / "cases.toml").read_text())
    missing = [f"{name}: no case that {what}" for name in alerts for what, key in (("fires", "fires"), ("is quiet", "quiet"))
               if key not in cases.get(name, {}) and not (key == "quiet" and name in ALWAYS)]
    missing += [f"{name}: there is no such alert" for name in cases if name not in alerts]
    if missing:
        sys.exit("\n".join(missing))
    tested = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, said in cases.items():
            for key in ("fires", "quiet"):
                cases_of = said.get(key, [])
                for case in cases_of if isinstance(cases_of, list) else [cases_of]:
                    run(Path(folder), name, alerts[name], case, key == "fires")
                    tested += 1
    print(f"alerts: {len(alerts)} alerts, {tested} cases as expected")


if __name__ == "__main__":
    main()
