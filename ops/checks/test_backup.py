"""The nightly backups: one file a day, the oldest go, and what fails is said and leaves nothing."""
import base64
import contextlib
import datetime
import http.server
import importlib.util
import io
import os
import re
import shlex
import sqlite3
import subprocess
import sys
import tempfile
import threading
import tomllib
import types
import unittest
from pathlib import Path

import grpc_tools
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from grpc_tools import protoc

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


UTC = datetime.timezone.utc


class Record:
    def __init__(self, at, partition=0, key=b"ada"):
        self.at, self.part, self.of = datetime.datetime.fromisoformat(f"{at}+00:00"), partition, key

    def partition(self):
        return self.part

    def timestamp(self):
        return 1, int(self.at.timestamp() * 1000)

    def key(self):
        return self.of

    def value(self):
        return b"value"

    def headers(self):
        return None


class Topics(unittest.TestCase):
    """The backup of topics and schemas, with topics in memory."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder, self.topics = Path(folder.name), {name: [] for name in ("fanet.account.v1", "fanet.zone.v1", "fanet.private.privacy.v1", "fanet.audit.v1")}
        self.enterContext(contextlib.redirect_stdout(io.StringIO()))
        self.program = topic_records()
        self.program.records = self.records
        self.program.save_schemas = lambda file: file.write_bytes(b"PK")
        os.environ["UPDRAFT_SCHEMA_REGISTRY_URL"] = "http://registry:8080/apis/ccompat/v7"
        self.addCleanup(os.environ.pop, "UPDRAFT_SCHEMA_REGISTRY_URL")

    def records(self, topic, since=None):
        """As Kafka does it: of each partition from the first record of that time on, also what is older behind it."""
        if topic not in self.topics:
            raise SystemExit(f"topic-records: {topic}: no such topic")
        for partition in sorted({record.part for record in self.topics[topic]}):
            found = not since
            for record in self.topics[topic]:
                if record.part == partition:
                    found = found or record.at >= since
                    if found:
                        yield record

    def night(self, *times):
        for at in times:
            self.program.night(self.folder, datetime.datetime.fromisoformat(f"{at}+00:00"))

    def names(self, pattern="*"):
        return sorted(file.name for file in self.folder.glob(pattern))

    def lines(self, name):
        return (self.folder / name).read_text().splitlines()

    def test_one_a_night_the_first_at_once_and_the_oldest_go(self):
        self.program.NIGHTLY_KEPT = 2
        self.night("2026-03-01T01:00", "2026-03-01T02:40", "2026-03-01T09:00")
        self.assertEqual(self.names(), ["account-2026-03-01.jsonl", "account.prom", "privacy-2026-03-01.jsonl", "schemas-2026-03-01.zip", "zone-2026-03-01.jsonl"])
        self.night("2026-03-02T02:39")
        self.assertEqual(self.names("account-*"), ["account-2026-03-01.jsonl"])
        self.night("2026-03-02T02:45", "2026-03-03T23:00")
        self.assertEqual(self.names(), [f"{name}-2026-03-0{day}.{end}" for name, end in (("account", "jsonl"),) for day in (2, 3)] + ["account.prom"]
                         + [f"{name}-2026-03-0{day}.{end}" for name, end in (("privacy", "jsonl"), ("schemas", "zip"), ("zone", "jsonl")) for day in (2, 3)])
        newest = datetime.datetime(2026, 3, 3, 23, tzinfo=UTC).timestamp()
        self.assertEqual((self.folder / "account.prom").read_text(), f'updraft_backup_seconds{{what="accounts"}} {newest:.0f}\n')

    def test_what_fails_is_tried_again_and_stops_nothing_else(self):
        self.night("2026-03-01T03:00")
        zones = self.topics.pop("fanet.zone.v1")
        with contextlib.redirect_stderr(io.StringIO()) as said:
            self.night("2026-03-02T03:00")
        self.assertRegex(said.getvalue(), r"fanet.zone.v1: no such topic\n.*the backup of 2026-03-02 is not complete")
        self.assertEqual(self.names("*2026-03-02.[jz]*"), ["account-2026-03-02.jsonl", "privacy-2026-03-02.jsonl", "schemas-2026-03-02.zip"])
        self.assertEqual(self.program.last_backup(self.folder), datetime.datetime(2026, 3, 1, 3, tzinfo=UTC))
        self.topics["fanet.zone.v1"] = zones
        self.night("2026-03-02T03:10")
        self.assertEqual(self.program.last_backup(self.folder), datetime.datetime(2026, 3, 2, 3, 10, tzinfo=UTC))
        self.assertEqual(self.names("*.new"), [])
        with self.assertRaises(SystemExit):
            self.topics.clear()
            self.program.backup(self.folder, datetime.datetime(2026, 3, 3, tzinfo=UTC))

    def test_topics_have_the_prefix(self):
        os.environ["UPDRAFT_TOPIC_PREFIX"] = "club."
        self.addCleanup(os.environ.pop, "UPDRAFT_TOPIC_PREFIX")
        self.topics = {f"club.{name}": [Record("2026-03-01T01:00")] for name in self.topics}
        self.night("2026-03-01T03:00")
        self.assertEqual(self.names("*.jsonl"), ["account-2026-03-01.jsonl", "audit-2026-03-01.jsonl", "privacy-2026-03-01.jsonl", "zone-2026-03-01.jsonl"])

    def test_the_audit_trail_is_in_the_files_of_its_days(self):
        trail = self.topics["fanet.audit.v1"]
        trail += [Record("2026-02-27T10:00"), Record("2026-02-27T11:00", 1), Record("2026-02-28T10:00", 1), Record("2026-03-01T01:00")]
        self.night("2026-03-01T03:00")
        self.assertEqual([len(self.lines(name)) for name in self.names("audit-*")], [2, 1, 1])
        self.assertEqual((self.folder / "audit-2026-03-01.jsonl").stat().st_mode & 0o777, 0o600)
        first = (self.folder / "audit-2026-02-27.jsonl").stat().st_mtime_ns
        # The rest of that day; one behind another whose clock is ahead; one that is written an hour late; one of the day after.
        trail += [Record("2026-03-01T23:59"), Record("2026-03-02T00:00"), Record("2026-03-01T23:58"), Record("2026-03-03T00:30", 1), Record("2026-03-02T01:00", 1)]
        self.night("2026-03-02T03:00")
        self.assertEqual([(name, len(self.lines(name))) for name in self.names("audit-2026-03-*")], [("audit-2026-03-01.jsonl", 3), ("audit-2026-03-02.jsonl", 2)])
        trail.append(Record("2026-03-01T23:57", 1))
        self.night("2026-03-03T03:00")
        self.assertEqual([len(self.lines(name)) for name in self.names("audit-*")], [2, 1, 4, 2, 1])
        self.assertEqual(sum(len(self.lines(name)) for name in self.names("audit-*")), len(trail))
        self.assertEqual((self.folder / "audit-2026-02-27.jsonl").stat().st_mtime_ns, first)

    def test_a_topic_that_lost_records_replaces_no_file(self):
        self.topics["fanet.audit.v1"] += [Record("2026-03-01T01:00"), Record("2026-03-01T02:00")]
        self.night("2026-03-01T03:00")
        for left in ([], [Record("2026-03-01T01:00"), Record("2026-03-02T01:00")]):
            self.topics["fanet.audit.v1"] = left
            with contextlib.redirect_stderr(io.StringIO()) as said:
                self.night("2026-03-02T03:00")
            self.assertIn("the topic has lost records", said.getvalue())
            self.assertEqual(len(self.lines("audit-2026-03-01.jsonl")), 2)
            self.assertEqual(self.program.last_backup(self.folder).day, 1)
        # Restored, it has all of them again.
        self.topics["fanet.audit.v1"] = [Record("2026-03-01T01:00"), Record("2026-03-01T02:00"), Record("2026-03-02T01:00")]
        self.night("2026-03-02T03:10")
        self.assertEqual(([len(self.lines(name)) for name in self.names("audit-*")], self.names("*.new")), ([2, 1], []))

    def test_the_audit_trail_stays_as_long_as_in_the_topic(self):
        for day in ("2025-01-24", "2025-01-25", "2026-02-28"):
            (self.folder / f"audit-{day}.jsonl").write_text("")
        self.night("2026-03-01T03:00")
        self.assertEqual(self.names("audit-*"), ["audit-2025-01-25.jsonl", "audit-2026-02-28.jsonl"])
        catalogue = tomllib.loads((OPS.parent / "schemas/topics.toml").read_text())["topic"]
        self.assertEqual({topic["name"]: topic["retention"] for topic in catalogue if topic["name"] == "fanet.audit.v1"}, {"fanet.audit.v1": f"{self.program.AUDIT_KEPT.days} days"})


class Restrictions(unittest.TestCase):
    """Commands of the saved states of privacy, which are encoded with their schema."""

    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "files"
            proto = OPS.parent / "schemas/proto"
            known = Path(grpc_tools.__file__).parent / "_proto"
            made = protoc.main(["protoc", f"-I{proto}", f"-I{known}", f"--descriptor_set_out={file}", "--include_imports", "updraft/v1/state.proto"])
            assert made == 0, "protoc failed: its errors are above"
            pool = descriptor_pool.DescriptorPool()
            for one in descriptor_pb2.FileDescriptorSet.FromString(file.read_bytes()).file:
                pool.Add(one)
        cls.message = pool.FindMessageTypeByName("updraft.v1.PrivacyState")

    def commands(self, *states):
        """Of states in their order: a device, and its fields (none: its record is removed)."""
        # As the registry's clients write it: the schema's id, the place of the message in its file, the message.
        index = list(self.message.file.message_types_by_name).index(self.message.name)
        framing = bytes([0, 0, 0, 0, 7]) + (bytes([2, 2 * index]) if index else b"\0")
        make = message_factory.GetMessageClass(self.message)
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file, contextlib.redirect_stdout(io.StringIO()) as said:
            for device, fields in states:
                value = fields and framing + make(**fields).SerializeToString()
                file.write(topic_records().line_of(types.SimpleNamespace(partition=lambda: 0, timestamp=lambda: (1, 0), key=device.encode, value=lambda value=value: value, headers=lambda: None)))
            file.flush()
            topic_records().restrictions(Path(file.name))
        return said.getvalue().splitlines()

    def test_each_restriction_is_a_command(self):
        known = {"device": 0x110B90, "version": 1 << 40, "online_tracking": True}
        states = [
            ("110B90", known | {"denied": True, "hidden": True, "name_hidden": True}),
            ("07AB12", known | {"hidden_by_command": True}),
            # Hidden by its own bit.
            ("120001", known | {"hidden": True, "online_tracking": False, "hidden_until_us": 1 << 50}),
        ]
        self.assertEqual(self.commands(*states), [f"processor command {one} --by restore" for one in ("hide 07AB12", "deny 110B90", "hide-name 110B90")])

    def test_the_newest_state_counts(self):
        self.assertEqual(self.commands(("110B90", {"denied": True}), ("110B90", {"public_since_us": 5}), ("120001", {"denied": True}), ("120001", None)), [])

    def test_another_topics_records_are_refused(self):
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file, self.assertRaisesRegex(SystemExit, "expected a record of fanet.private.privacy.v1"):
            file.write(topic_records().line_of(Record("2026-03-01T01:00")))
            file.flush()
            topic_records().restrictions(Path(file.name))


class OneServer(unittest.TestCase):
    def test_copies_are_for_their_owner_alone(self):
        unit = (OPS / "systemd/updraft-backup.service").read_text()
        with tempfile.TemporaryDirectory() as folder, contextlib.closing(sqlite3.connect(f"{folder}/history.sqlite")) as history:
            history.execute("CREATE TABLE positions (at)")
            (Path(folder) / "log").write_text("frames")
            (Path(folder) / "backups").mkdir()
            for command in re.findall(r"^ExecStart=(/(?!bin/sh)(?!.*prom).*)$", unit, re.M):
                program, *arguments = shlex.split(command.replace("/var/backups/updraft", f"{folder}/backups").replace("/var/lib/updraft", folder))
                if program.endswith("sqlite3"):
                    # What the shell's .backup does, which is not on every machine.
                    with contextlib.closing(sqlite3.connect(arguments[1].removeprefix(".backup "))) as copy:
                        history.backup(copy)
                else:
                    subprocess.run([program, *arguments], check=True)
            modes = {file.name: file.stat().st_mode & 0o777 for file in (Path(folder) / "backups").iterdir()}
        self.assertEqual(modes, {"history.sqlite": 0o600, "log": 0o600})

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
