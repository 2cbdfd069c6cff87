"""The nightly backups of Compose: one file a day, the oldest go, and what fails is said and leaves nothing."""
import base64
import datetime
import http.server
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
import threading
import types
import unittest
from pathlib import Path

OPS = Path(__file__).resolve().parents[1]
SCRIPT = OPS / "docker/clickhouse/nightly-backup.sh"
USER = "updraft_backup:secret"


class ClickHouse(http.server.BaseHTTPRequestHandler):
    """Writes the file that the statement names, or refuses it."""

    folder, refusal, asked = None, None, None

    def do_POST(self):
        statement = self.rfile.read(int(self.headers["Content-Length"])).decode()
        expected = f"Basic {base64.b64encode(USER.encode()).decode()}"
        if refusal := self.refusal or (self.headers["Authorization"] != expected and "Code: 516. DB::Exception: Authentication failed"):
            self.send_response(500)
            self.end_headers()
            self.wfile.write(refusal.encode())
            return
        self.asked.append(statement)
        (self.folder / statement.rsplit("'", 2)[1]).write_text("backup")
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


class History(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder, self.asked = Path(folder.name), []
        self.handler = type("Some", (ClickHouse,), {"folder": self.folder, "asked": self.asked})
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.port = server.server_port

    def backup(self, user=USER, **variables):
        secret = self.folder / "url"
        secret.write_text(f"http://{user}@127.0.0.1:{self.port}")
        environment = {"PATH": os.environ["PATH"], "BACKUPS": str(self.folder), "UPDRAFT_CLICKHOUSE_URL_FILE": str(secret)}
        ran = subprocess.run([SCRIPT, "once"], capture_output=True, text=True, timeout=60, env=environment | variables)
        return ran.returncode, ran.stdout + ran.stderr

    def test_one_a_day_and_the_oldest_go(self):
        for day in (1, 2, 3):
            (self.folder / f"updraft-2026-01-0{day}.zip").write_text("old")
        (self.folder / "notes.zip").write_text("not a backup")
        self.assertEqual(self.backup(BACKUPS_KEPT="2")[0], 0)
        today = f"updraft-{datetime.datetime.now(datetime.timezone.utc):%F}.zip"
        self.assertEqual(self.asked, [f"BACKUP DATABASE updraft TO Disk('backups', '{today}')"])
        self.assertEqual(sorted(file.name for file in self.folder.glob("*.zip")), ["notes.zip", "updraft-2026-01-03.zip", today])
        self.assertRegex((self.folder / "history.prom").read_text(), r'^updraft_backup_seconds\{what="history"\} \d+\n$')
        self.assertEqual((self.backup(), len(self.asked)), ((0, ""), 1))

    def test_the_first_is_made_at_once_and_a_stop_ends_the_loop(self):
        (self.folder / "url").write_text(f"http://{USER}@127.0.0.1:{self.port}")
        environment = {"PATH": os.environ["PATH"], "BACKUPS": str(self.folder), "UPDRAFT_CLICKHOUSE_URL_FILE": str(self.folder / "url")}
        with subprocess.Popen([SCRIPT], stdout=subprocess.PIPE, text=True, env=environment) as loop:
            try:
                said = loop.stdout.readline()
            finally:
                loop.terminate()
            self.assertRegex(said, r"^nightly-backup: updraft-.*\.zip, \d+ KiB$")
            self.assertEqual((loop.wait(timeout=60), len(self.asked)), (0, 1))

    def test_what_fails_is_said(self):
        code, said = self.backup(user="updraft_backup:wrong")
        self.assertEqual(code, 1)
        self.assertIn("Authentication failed", said)
        self.handler.refusal = "Code: 243. DB::Exception: Not enough space"
        code, said = self.backup()
        self.assertEqual(code, 1)
        self.assertIn("Not enough space", said)
        self.handler.refusal = None
        code, said = self.backup(BACKUPS="/nowhere")
        self.assertEqual(code, 1)
        self.assertIn("it is not in /nowhere", said)


def topic_records():
    """The program without its client of Kafka."""
    client = types.ModuleType("confluent_kafka")
    client.__version__ = "2.0.0"
    client.OFFSET_BEGINNING = client.Consumer = client.KafkaError = client.Producer = client.TopicPartition = None
    sys.modules.setdefault("confluent_kafka", client)
    spec = importlib.util.spec_from_file_location("topic_records", OPS / "topic-records.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Accounts(unittest.TestCase):
    def test_one_a_night_the_first_at_once_and_the_oldest_go(self):
        program, saved = topic_records(), []
        program.NIGHTLY_KEPT = 2
        os.environ["UPDRAFT_SCHEMA_REGISTRY_URL"] = "http://registry:8080/apis/ccompat/v7"
        self.addCleanup(os.environ.pop, "UPDRAFT_SCHEMA_REGISTRY_URL")

        def save(topic, file):
            saved.append((topic, file.name))
            if "03-02" in file.name and len(saved) == 2:  # and is tried again
                raise SystemExit("no answer")
            file.write_text("{}")

        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            for at in ("2026-03-01T01:00", "2026-03-01T02:40", "2026-03-01T09:00", "2026-03-02T02:39", "2026-03-02T02:45", "2026-03-02T02:55", "2026-03-03T23:00"):
                program.night("fanet.account.v1", folder, datetime.datetime.fromisoformat(at), save, lambda file: file.write_bytes(b"PK"))
            files = [f"account-2026-03-0{day}.jsonl" for day in (1, 2, 2, 3)]
            self.assertEqual(saved, [("fanet.account.v1", file) for file in files])
            self.assertEqual(sorted(file.name for file in folder.iterdir()), [*files[2:], "account.prom", "schemas-2026-03-02.zip", "schemas-2026-03-03.zip"])
            newest = datetime.datetime(2026, 3, 3, 23).timestamp()
            self.assertEqual((folder / "account.prom").read_text(), f'updraft_backup_seconds{{what="accounts"}} {newest:.0f}\n')


class OneServer(unittest.TestCase):
    def test_the_unit_says_when_it_made_a_backup(self):
        lines = re.findall(r'^ExecStart=/bin/sh -c "(.*)"$', (OPS / "systemd/updraft-backup.service").read_text(), re.M)
        self.assertEqual(len(lines), 1)
        # As systemd reads it.
        command = re.sub(r"\\(.)", r"\1", lines[0]).replace("%%", "%").replace("$$", "$")
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["/bin/sh", "-c", command.replace("/var/backups/updraft", folder)], check=True)
            text = (Path(folder) / "backup.prom-new").read_text()
        self.assertRegex(text, r'^updraft_backup_seconds\{what="history"\} \d{10}\nupdraft_backup_seconds\{what="accounts"\} \d{10}\n$')
        checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
        # It has no help text, as the files of the other backups.
        self.assertNotIn("parsing", checked.stderr)


if __name__ == "__main__":
    unittest.main()
