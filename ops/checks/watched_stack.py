"""The stack that ops/README.md brings up without Docker, watched: every query of the dashboards answers at a real Prometheus, a
program that is killed is an alert at a webhook through a real Alertmanager, and it resolves when the program is back. The first
commands of the runbooks run too, but those of Docker, of a checkout, and of what is not here.

The services come from the environment: just watched-stack
"""
import contextlib
import http.server
import json
import os
import re
import subprocess
import sys
import threading
import time
import tomllib
import urllib.error
import urllib.parse
import urllib.request

import runbooks
from processes import COMMANDS, ROOT, Programs, free_port, generate, ok, processes, wait_for

PREFIX = "watched."
VICTIM = "thermals"
# As the runbooks name them.
ADMIN_PORTS = {"bridge": 9101, "processor": 9102, "historian": 9103, "pusher": 9104, "thermals": 9105, "receivers": 9106}
# Panels about what nothing exports here: exporters of others, and the archive.
NOT_HERE = ("node_", "redis_", "probe_", "kube_", "fanet_archive_")


class Webhook(http.server.ThreadingHTTPServer):
    """Keeps the alerts that are posted to it: name, job, status, and when."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), WebhookHandler)
        self.alerts = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def when(self, name, job, status):
        found = [when for when, *alert in list(self.alerts) if alert == [name, job, status]]
        return found[0] if found else None


class WebhookHandler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        for alert in body["alerts"]:
            self.server.alerts.append((time.monotonic(), alert["labels"]["alertname"], alert["labels"].get("job"), alert["status"]))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


def read_map(address):
    """Asks for the picture each second, as a map without WebSockets does."""
    while True:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://{address}/api/v1/snapshot?lat=45.8&lon=11.75&radius=200", timeout=10) as answer:
            answer.read()
        time.sleep(1)


def ask(prometheus, path, **parameters):
    url = f"http://{prometheus}{path}?{urllib.parse.urlencode(parameters)}"
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return json.load(answer)["data"]
    except urllib.error.HTTPError as error:
        if error.code == 503:
            # It has just begun.
            raise
        sys.exit(f"{path} {parameters}: {error.read().decode()}")


def queries():
    """Dashboard, panel and expression."""
    for dashboard in tomllib.loads((ROOT / "ops/monitoring/dashboards.toml").read_text())["dashboard"]:
        for panel in dashboard["panel"]:
            for expression, _ in panel["queries"]:
                yield dashboard["name"], panel["title"], expression


def check_dashboards(prometheus):
    empty, asked = [], 0
    for dashboard, panel, expression in queries():
        asked += 1
        if not ask(prometheus, "/api/v1/query", query=expression)["result"]:
            empty.append((dashboard, panel, expression))
    ok(f"{asked} queries of the dashboards are answered, {asked - len(empty)} of them with values")
    # Counters of failures that did not happen have no value, and panels about others' exporters; what the overview shows has one.
    missing = [f"{panel}: {expression}" for dashboard, panel, expression in empty if dashboard == "overview" and not any(name in expression for name in NOT_HERE)]
    return missing


def runbook_commands():
    """File and command of each runbook that asks programs, Prometheus or Alertmanager."""
    for file in sorted(runbooks.RUNBOOKS.glob("*.md")):
        for command in runbooks.commands(file.read_text()):
            if command.startswith(("curl ", "promtool ", "amtool ")):
                yield file.name, command


def check_runbooks(prometheus, alertmanager, map_address, admin):
    """Each as an operator runs it, at the addresses of this run."""
    addresses = {f"localhost:{port}": f"127.0.0.1:{admin[name]}" for name, port in ADMIN_PORTS.items() if name in admin} | {"localhost:8090": map_address}
    environment = dict(os.environ, PROMETHEUS=f"http://{prometheus}", ALERTMANAGER=f"http://{alertmanager}")
    ran, left = 0, []
    for name, command in runbook_commands():
        here = re.sub(r"localhost:\d+", lambda found: addresses.get(found[0], found[0]), command)
        if "localhost:" in here:
            left.append(f"{name}: {command}")
            continue
        said = subprocess.run(["bash", "-o", "pipefail", "-c", here], capture_output=True, text=True, timeout=60, env=environment)
        if said.returncode != 0:
            sys.exit(f"{name}: {here}: exit code {said.returncode}: {said.stdout[-500:]}{said.stderr[-500:]}")
        ran += 1
    ok(f"{ran} first commands of the runbooks run; not here: {', '.join(left) or 'none'}")


def main():
    map_address = f"127.0.0.1:{free_port()}"
    with processes() as running:
        programs = Programs(running, dict(os.environ, UPDRAFT_TOPIC_PREFIX=PREFIX, UPDRAFT_HTTP_LISTEN=map_address))
        programs.processor("topics", "apply", "--partitions", "6")
        programs.processor("migrate")
        for name in COMMANDS:
            programs.begin(name)
        for name in COMMANDS:
            programs.await_ready(name)
        webhook = Webhook()
        prometheus, alertmanager = (f"127.0.0.1:{free_port()}" for _ in range(2))
        addresses = [f"{name}=127.0.0.1:{port}" for name, port in programs.admin.items()]
        hook = f"http://127.0.0.1:{webhook.server_port}/"
        native = [sys.executable, ROOT / "ops/monitoring/native.py", "--prometheus", prometheus, "--alertmanager", alertmanager, "--webhook", hook, *addresses]
        running.start(native, "native.log")
        generate(running, "--pilots", "60")
        threading.Thread(target=read_map, args=[map_address], daemon=True).start()
        wait_for("Prometheus", lambda: len(ask(prometheus, "/api/v1/query", query="up == 1")["result"]) == len(COMMANDS))
        ok(f"{len(COMMANDS)} programs are up at Prometheus")
        wait_for("the heartbeat at the webhook", lambda: webhook.when("Watchdog", None, "firing"))
        ok("the heartbeat (Watchdog) arrives at the webhook")
        # Rates need two samples, and ranges of the dashboards five minutes to be full.
        time.sleep(45)
        if missing := check_dashboards(prometheus):
            sys.exit("the overview shows nothing for:\n" + "\n".join(missing))
        firing = {alert["labels"]["alertname"] for alert in ask(prometheus, "/api/v1/alerts")["alerts"] if alert["state"] == "firing"}
        if firing != {"Watchdog"}:
            sys.exit(f"alerts fire though nothing is wrong: {sorted(firing - {'Watchdog'})}")
        ok("no alert fires but Watchdog")
        check_runbooks(prometheus, alertmanager, map_address, programs.admin)
        killed = time.monotonic()
        programs.running[VICTIM].kill()
        wait_for("ServiceDown at the webhook", lambda: webhook.when("ServiceDown", VICTIM, "firing"), 240)
        ok(f"ServiceDown of {VICTIM} is at the webhook {webhook.when('ServiceDown', VICTIM, 'firing') - killed:.0f} s after it was killed")
        programs.begin(VICTIM)
        back = time.monotonic()
        # group_interval: 5 minutes.
        wait_for("its end at the webhook", lambda: webhook.when("ServiceDown", VICTIM, "resolved"), 420)
        ok(f"and its end {webhook.when('ServiceDown', VICTIM, 'resolved') - back:.0f} s after it was started again")
        others = {alert[1] for alert in webhook.alerts} - {"Watchdog", "ServiceDown"}
        ok(f"further alerts meanwhile: {', '.join(sorted(others)) or 'none'}")


if __name__ == "__main__":
    main()
