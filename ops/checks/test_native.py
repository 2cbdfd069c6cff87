"""Monitoring beside programs on one machine: Prometheus and Alertmanager accept what native.py makes of the installation's files."""
import importlib.util
import subprocess
import tempfile
import unittest
from pathlib import Path

import yaml

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


if __name__ == "__main__":
    unittest.main()
