#!/usr/bin/env python3
"""Makes Grafana's dashboards (grafana/dashboards/*.json) of dashboards.toml.

    dashboards.py            writes them
    dashboards.py --check    exits 1 where the files are not what the source says
"""
import json
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
TARGET = HERE / "grafana/dashboards"
SOURCE = {"type": "prometheus", "uid": "prometheus"}
# Two panels beside each other; Grafana's grid is 24 wide.
WIDTH, HEIGHT = 12, 8


def panel(number, said):
    stat = said.get("kind") == "stat"
    steps = [{"color": "green", "value": None}] + ([{"color": "red", "value": said["limit"]}] if "limit" in said else [])
    custom = {} if stat else {"custom": {"fillOpacity": 10, "showPoints": "never", "thresholdsStyle": {"mode": "line" if "limit" in said else "off"}}}
    return {
        "id": number + 1,
        "title": said["title"],
        "description": said.get("about", ""),
        "type": "stat" if stat else "timeseries",
        "datasource": SOURCE,
        "gridPos": {"x": number % 2 * WIDTH, "y": number // 2 * HEIGHT, "w": WIDTH, "h": HEIGHT},
        "fieldConfig": {"defaults": {"unit": said.get("unit", "short"), "min": 0, "thresholds": {"mode": "absolute", "steps": steps}, **custom}, "overrides": []},
        "options": {} if stat else {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
        "targets": [
            {"refId": chr(ord("A") + index), "datasource": SOURCE, "expr": expression, "legendFormat": legend}
            for index, (expression, legend) in enumerate(said["queries"])
        ],
    }


def dashboard(said):
    return {
        "uid": f"updraft-{said['name']}",
        "title": said["title"],
        "description": said["about"],
        "tags": ["updraft"],
        "schemaVersion": 39,
        "editable": False,
        "time": {"from": "now-3h", "to": "now"},
        "refresh": "10s",
        "links": [{"type": "dashboards", "tags": ["updraft"], "title": "Updraft", "asDropdown": True}],
        "panels": [panel(number, one) for number, one in enumerate(said["panel"])],
    }


def dashboards():
    source = tomllib.loads((HERE / "dashboards.toml").read_text())
    return {f"{said['name']}.json": json.dumps(dashboard(said), indent=1) + "\n" for said in source["dashboard"]}


if __name__ == "__main__":
    wanted = dashboards()
    if "--check" in sys.argv[1:]:
        found = {file.name: file.read_text() for file in TARGET.glob("*.json")}
        if found != wanted:
            other = sorted(name for name in {*found, *wanted} if found.get(name) != wanted.get(name))
            sys.exit(f"not what dashboards.toml says: {', '.join(other)}; write them again: ops/monitoring/dashboards.py")
    else:
        TARGET.mkdir(parents=True, exist_ok=True)
        for file in TARGET.glob("*.json"):
            file.unlink()
        for name, text in wanted.items():
            (TARGET / name).write_text(text)
