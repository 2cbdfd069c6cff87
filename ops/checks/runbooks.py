"""Every alert has its runbook and every runbook of an alert its alert; each has its parts and three commands, which a shell
reads, which ask ports that programs have, and whose queries read what is exported. Links inside ops/runbooks lead somewhere, and the
fields of log lines that it names are logged.
"""
import re
import shlex
import subprocess
import sys
from pathlib import Path

import metrics
import yaml

ROOT = Path(__file__).resolve().parents[2]
RUNBOOKS = ROOT / "ops/runbooks"
PARTS = ["Meaning", "First three commands", "Mitigation", "Resolved when", "Escalation"]
# The admin ports of the programs, the map, the collector.
PORTS = {*range(9101, 9109), 8090, 4318}
# What the links of alerts begin with: prometheus.yml's external label.
BASE = "{{ $externalLabels.runbooks }}/"
PATHS = {"/ready", "/health", "/metrics", "/log"}


def commands(text):
    """The lines of the shell blocks below `First three commands`."""
    section = re.search(r"^## First three commands\n\n```sh\n(.*?)```", text, re.M | re.S)
    return section.group(1).strip().splitlines() if section else []


def problems_of_command(command, known):
    read = subprocess.run(["bash", "-n", "-c", command], capture_output=True, text=True)
    if read.returncode != 0:
        yield f"a shell does not read {command}: {read.stderr.strip()}"
        return
    for port in re.findall(r"localhost:(\d+)", command):
        if int(port) not in PORTS:
            yield f"no program listens on {port}: {command}"
    for path in re.findall(r"localhost:910\d(/[a-z]+)", command):
        if path not in PATHS:
            yield f"no admin port has {path}: {command}"
    tokens = shlex.split(command, comments=True)
    if tokens[:3] == ["promtool", "query", "instant"]:
        for problem in metrics.problems_of(tokens[4], known):
            yield f"{problem}: {command}"


def links(file, text):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", text):
        if not (file.parent / target).exists():
            yield f"{file.name}: {target} is not there"


def logged():
    """The names of the fields in the log lines of the sources."""
    names = set()
    for folder in ("bridge", "crates", "processor", "pusher", "standalone"):
        for file in (ROOT / folder).glob("**/src/**/*.rs"):
            for fields in re.findall(r'\b(?:info|warn|error|debug)!\(([^"]*)"', file.read_text()):
                names |= set(re.findall(r"(?:^|,)\s*[%?]?(\w+)\s*(?==|,)", fields))
    return names


def described():
    """The fields of log lines that the runbooks name."""
    table = (RUNBOOKS / "log-rotation.md").read_text().partition("## Fields")[2]
    return {name for row in re.findall(r"^\| (`.*?) \|", table, re.M) for name in re.findall(r"`(\w+)`", row)}


def main():
    known = metrics.exported()
    known |= metrics.recorded(known)
    groups = yaml.safe_load((ROOT / "ops/monitoring/prometheus/alerts.yml").read_text())["groups"]
    alerts = {rule["alert"]: rule for group in groups for rule in group["rules"]}
    problems = []
    for name, rule in alerts.items():
        annotations = rule["annotations"]
        link = annotations.get("runbook_url", "")
        file = RUNBOOKS / link.removeprefix(BASE)
        if not annotations.get("summary") or not link.startswith(BASE) or not file.is_file():
            problems.append(f"{name}: a summary is needed and a runbook_url of {BASE} and a file in ops/runbooks, not {link!r}")
            continue
        text = file.read_text()
        if not text.startswith(f"# {name}\n"):
            problems.append(f"{file.name} is not about {name}")
        if re.findall(r"^## (.*)$", text, re.M) != PARTS:
            problems.append(f"{file.name}: its parts are {', '.join(PARTS)}")
        if len(commands(text)) != 3:
            problems.append(f"{file.name}: there are {len(commands(text))} first commands")
        problems += [f"{file.name}: {problem}" for command in commands(text) for problem in problems_of_command(command, known)]
    used = {Path(rule["annotations"].get("runbook_url", "")).name for rule in alerts.values()}
    for file in sorted(RUNBOOKS.glob("*.md")):
        text = file.read_text()
        if commands(text) and file.name not in used:
            problems.append(f"{file.name}: no alert leads here")
        problems += links(file, text)
    listed = (RUNBOOKS / "README.md").read_text()
    problems += [f"README.md does not list {file.name}" for file in sorted(RUNBOOKS.glob("*.md")) if file.name != "README.md" and f"({file.name})" not in listed]
    if not described() or described() - logged():
        problems.append(f"log-rotation.md: no program logs {', '.join(sorted(described() - logged())) or 'its fields'}")
    if problems:
        sys.exit("\n".join(problems))
    print(f"runbooks: {len(alerts)} alerts, each with a runbook; {len(described())} fields of log lines")


if __name__ == "__main__":
    main()
