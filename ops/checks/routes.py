"""Alertmanager routes every alert by its severity; and rules of inhibition name alerts that exist."""
import subprocess
import sys
from pathlib import Path

import yaml

MONITORING = Path(__file__).resolve().parents[2] / "ops/monitoring"
CONFIG = MONITORING / "alertmanager/alertmanager.yml"
RECEIVERS = {"critical": "pager", "warning": "chat", "info": "mail", "none": "heartbeat"}


def amtool(*arguments):
    return subprocess.run(["amtool", *arguments], capture_output=True, text=True)


def inhibitions(config):
    """The names of alerts in each rule: sources and targets."""
    for rule in config["inhibit_rules"]:
        names = [matcher.split('"')[1].split("|") for side in ("source_matchers", "target_matchers") for matcher in rule[side]]
        yield names[0], names[1], set(rule.get("equal", []))


def main():
    checked = amtool("check-config", str(CONFIG))
    if checked.returncode != 0:
        sys.exit(checked.stdout + checked.stderr)
    groups = yaml.safe_load((MONITORING / "prometheus/alerts.yml").read_text())["groups"]
    alerts = {rule["alert"]: rule for group in groups for rule in group["rules"]}
    problems = []
    for name, rule in alerts.items():
        severity = rule["labels"]["severity"]
        if severity not in RECEIVERS:
            problems.append(f"{name}: severity {severity}")
            continue
        tested = amtool("config", "routes", "test", f"--config.file={CONFIG}", f"--verify.receivers={RECEIVERS[severity]}", f"alertname={name}", f"severity={severity}")
        if tested.returncode != 0:
            problems.append(f"{name} ({severity}): {tested.stdout.strip()} instead of {RECEIVERS[severity]}")
    rank = ["none", "info", "warning", "critical"]
    for sources, targets, _ in inhibitions(yaml.safe_load(CONFIG.read_text())):
        problems += [f"inhibition: there is no alert {name}" for name in (*sources, *targets) if name not in alerts]
        worst = max((rank.index(alerts[name]["labels"]["severity"]) for name in targets if name in alerts), default=0)
        problems += [f"{name} silences what is worse" for name in sources if name in alerts and rank.index(alerts[name]["labels"]["severity"]) < worst]
    if problems:
        sys.exit("\n".join(problems))
    print(f"routes: {len(alerts)} alerts are routed by their severity")


if __name__ == "__main__":
    main()
