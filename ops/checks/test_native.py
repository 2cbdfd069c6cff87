"""Monitoring beside programs on one machine: Prometheus and Alertmanager accept what native.py makes of the installation's files, and
alerts link to their runbooks.
"""
import http.server
import importlib.util
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import unittest
import urllib.request
from pathlib import Path

import yaml
from processes import free_port

MONITORING = Path(__file__).resolve().parents[2] / "ops/monitoring"
spec = importlib.util.spec_from_file_location("native", MONITORING / "native.py")
native = importlib.util.module_from_spec(spec)
spec.loader.exec_module(native)


def loaded(file):
    return yaml.safe_load((MONITORING / file).read_text())


class Native(unittest.TestCase):
    def accepted(self, config, *command):
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
            yaml.safe_dump(config, file)
            file.flush()
            ran = subprocess.run([*command, file.name], capture_output=True, text=True)
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)

    def test_prometheus_reads_the_rules_and_asks_the_programs_here(self):
        config = native.prometheus_of(loaded("prometheus/prometheus.yml"), "127.0.0.1:9090", "127.0.0.1:9093", {"pusher": ["a:1", "b:2"]})
        self.accepted(config, "promtool", "check", "config")
        targets = {job["job_name"]: job["static_configs"][0]["targets"] for job in config["scrape_configs"]}
        self.assertEqual(set(targets), {"bridge", "processor", "historian", "pusher", "thermals", "receivers", "prometheus", "alertmanager"})
        self.assertEqual((targets["pusher"], targets["bridge"]), (["a:1", "b:2"], ["localhost:9101"]))

    def test_alertmanager_keeps_its_routes_and_posts_all_to_the_webhook(self):
        original = loaded("alertmanager/alertmanager.yml")
        config = native.alertmanager_of(original, "http://localhost:9000/")
        self.accepted(config, "amtool", "check-config")
        self.assertEqual((config["route"], config["inhibit_rules"]), (original["route"], original["inhibit_rules"]))
        hooks = {hook["url"] for receiver in config["receivers"] for hook in receiver["webhook_configs"]}
        self.assertEqual(hooks, {"http://localhost:9000/"})

    def test_without_a_webhook_nothing_is_sent(self):
        config = native.alertmanager_of(loaded("alertmanager/alertmanager.yml"), None)
        self.accepted(config, "amtool", "check-config")
        self.assertTrue(all(list(receiver) == ["name"] for receiver in config["receivers"]))

    def test_a_program_that_is_none_is_refused(self):
        with self.assertRaises(SystemExit) as refused:
            native.prometheus_of(loaded("prometheus/prometheus.yml"), "127.0.0.1:9090", "127.0.0.1:9093", {"pushr": ["a:1"]})
        self.assertIn("pushr", str(refused.exception))


class Posted(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.server.posts.put(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


class Links(unittest.TestCase):
    def test_an_alert_at_the_webhook_links_to_its_runbook(self):
        hook = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Posted)
        hook.posts = queue.Queue()
        threading.Thread(target=hook.serve_forever, daemon=True).start()
        self.addCleanup(hook.server_close)
        self.addCleanup(hook.shutdown)
        command = [sys.executable, MONITORING / "native.py", "--webhook", f"http://127.0.0.1:{hook.server_port}/",
                   "--prometheus", f"127.0.0.1:{free_port()}", "--alertmanager", f"127.0.0.1:{free_port()}"]
        environment = {name: value for name, value in os.environ.items() if name != "UPDRAFT_RUNBOOKS_URL"}
        running = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        try:
            alert = hook.posts.get(timeout=90)["alerts"][0]
        finally:
            running.terminate()
            running.wait(60)
        self.assertEqual(alert["labels"], {"alertname": "Watchdog", "severity": "none"})
        # A file of this folder, without a network.
        with urllib.request.urlopen(alert["annotations"]["runbook_url"]) as page:
            self.assertTrue(page.read().startswith(b"# Watchdog\n"))

    def test_the_address_is_set_in_one_place(self):
        config = native.prometheus_of(loaded("prometheus/prometheus.yml"), "127.0.0.1:9090", "127.0.0.1:9093", {}, "https://wiki.example.org/updraft/")
        self.assertEqual(config["global"]["external_labels"], {"runbooks": "https://wiki.example.org/updraft"})
        compose = yaml.safe_load((MONITORING.parents[1] / "docker-compose.yml").read_text())["services"]["prometheus"]["environment"]
        self.assertEqual(loaded("prometheus/prometheus.yml")["global"]["external_labels"], {"runbooks": "${RUNBOOKS_URL}"})
        self.assertEqual(list(compose), ["RUNBOOKS_URL"])

    def test_every_alert_has_a_link_for_the_operator_of_prometheus(self):
        for base in (None, "https://wiki.example.org/updraft/"):
            ran = self.rule(UPDRAFT_RUNBOOKS_URL=base or "")
            rules = [rule for group in yaml.safe_load(ran.stdout)["spec"]["groups"] for rule in group["rules"] if "alert" in rule]
            begin = base or "file:///usr/local/share/doc/updraft/runbooks/"
            for rule in rules:
                link = rule["annotations"]["runbook_url"]
                self.assertTrue(link.startswith(begin) and (MONITORING.parent / "runbooks" / link.removeprefix(begin)).is_file(), link)
            self.assertGreater(len(rules), 50)

    def test_an_address_that_is_none_is_refused(self):
        ran = self.rule(UPDRAFT_RUNBOOKS_URL="wiki")
        self.assertEqual((ran.returncode, ran.stdout), (1, ""))
        self.assertIn("UPDRAFT_RUNBOOKS_URL is 'wiki': expected a URL", ran.stderr)

    def rule(self, **variables):
        return subprocess.run([sys.executable, MONITORING / "prometheus-rule.py"], capture_output=True, text=True, env=os.environ | variables)


if __name__ == "__main__":
    unittest.main()
