"""The day's look finds an old backup, a silent Prometheus and alerts, and says what is not set."""
import http.server
import json
import os
import subprocess
import tempfile
import threading
import time
import unittest
from pathlib import Path

DAILY = Path(__file__).resolve().parents[1] / "daily"


def daily(**variables):
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("UPDRAFT_", "PROMETHEUS"))}
    ran = subprocess.run([DAILY], capture_output=True, text=True, timeout=60, env=environment | variables)
    return ran.returncode, ran.stdout


class Prometheus(http.server.BaseHTTPRequestHandler):
    firing = ("Watchdog",)

    def do_GET(self):
        alerts = [{"state": "firing", "labels": {"alertname": name}} for name in self.firing]
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"data": {"alerts": [*alerts, {"state": "pending", "labels": {"alertname": "Later"}}]}}).encode())

    def log_message(self, *_):
        pass


class Daily(unittest.TestCase):
    def prometheus(self, *firing):
        handler = type("Some", (Prometheus,), {"firing": firing})
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return daily(PROMETHEUS=f"http://127.0.0.1:{server.server_port}")

    def test_what_is_not_set_is_said(self):
        code, said = daily()
        self.assertEqual((code, said.count("is not set")), (0, 5))

    def test_alerts_are_found(self):
        self.assertEqual(self.prometheus("Watchdog")[0], 0)
        code, said = self.prometheus("Watchdog", "DiskFull")
        self.assertEqual(code, 1)
        self.assertRegex(said, "FAIL +alerts +DiskFull")
        self.assertRegex(self.prometheus()[1], "FAIL +alerts +not even Watchdog")
        self.assertRegex(daily(PROMETHEUS="http://127.0.0.1:1")[1], "FAIL +alerts +not even Watchdog")

    def test_old_and_missing_backups_are_found(self):
        with tempfile.TemporaryDirectory() as folder:
            young, old = Path(folder) / "young", Path(folder) / "old"
            young.write_text("x")
            self.assertEqual(daily(UPDRAFT_BACKUPS=str(young))[0], 0)
            old.write_text("x")
            then = time.time() - 27 * 3600
            os.utime(old, (then, then))
            for backup in (old, Path(folder) / "none"):
                self.assertEqual(daily(UPDRAFT_BACKUPS=f"{young} {backup}")[0], 1, backup)
            # Of a pattern the newest counts: older nights stay for a while.
            self.assertEqual(daily(UPDRAFT_BACKUPS=f"{folder}/*")[0], 0)
            os.utime(young, (then + 1800, then + 1800))
            code, said = daily(UPDRAFT_BACKUPS=f"{folder}/* {folder}/*.zip")
            self.assertEqual(code, 1, said)
            self.assertRegex(said, r"backup +\S+\*\.zip is not there")

    def test_drift_is_found_by_the_program_that_is_there(self):
        for program, answer, code, said in (
            ("terraform", "exit 0", 0, "ok +drift +none"),
            ("tofu", "exit 2", 1, "FAIL +drift +tofu -chdir=somewhere plan says what"),
            ("tofu", "echo 'no credentials'; exit 1", 1, "FAIL +drift +tofu plan failed: no credentials"),
        ):
            with tempfile.TemporaryDirectory() as folder:
                file = Path(folder) / program
                file.write_text(f"#!/bin/sh\n{answer}\n")
                file.chmod(0o755)
                found = daily(PATH=f"{folder}:/usr/bin:/bin", UPDRAFT_TERRAFORM="somewhere")
                self.assertEqual(found[0], code)
                self.assertRegex(found[1], said)


if __name__ == "__main__":
    unittest.main()
