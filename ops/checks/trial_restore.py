"""The backups of ops/runbooks/disaster-recovery.md and their restoration, on real services: the history is backed up under load,
restored beside the original and compared with the log, then lost, restored, and filled from the log; the same for the accounts, and
for what operators hid and denied.
Prints how much was lost (RPO) and how long it took (RTO).

Kafka, registry and MQTT come from the environment; ClickHouse's engine is started here, with a folder for backups: just trial-restore
"""
import datetime
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from processes import COMMANDS, ROOT, Programs, free_port, generate, ok, processes, wait_for

PREFIX = "trial."
RUN = {name: COMMANDS[name] for name in ("historian", "receivers", "processor", "bridge", "pusher")}
LOAD_S = 60


def now():
    return datetime.datetime.now(datetime.UTC)


def text(when):
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


class Installation(Programs):
    def __init__(self, running):
        self.backups = running.folder / "backups"
        self.backups.mkdir()
        port = free_port()
        engine = [sys.executable, ROOT / "tests/services/chdb_http.py", "--port", str(port), "--path", running.folder / "clickhouse", "--backups", self.backups]
        running.start(engine, "clickhouse.log")
        self.clickhouse = f"http://127.0.0.1:{port}"
        env = dict(os.environ, UPDRAFT_TOPIC_PREFIX=PREFIX, UPDRAFT_CLICKHOUSE_URL=f"{self.clickhouse}/updraft", UPDRAFT_HTTP_LISTEN=f"127.0.0.1:{free_port()}", UPDRAFT_REDIS_URL="none")
        super().__init__(running, env, RUN)
        wait_for("ClickHouse", lambda: self.query("SELECT 1") == "1")

    def query(self, sql):
        try:
            with urllib.request.urlopen(f"{self.clickhouse}/", data=sql.encode(), timeout=120) as answer:
                return answer.read().decode().strip()
        except urllib.error.HTTPError as error:
            sys.exit(f"{sql}: {error.read().decode()}")

    def nightly_backup(self):
        """As docker-compose.yml makes it every night."""
        # The engine of the tests has no zip.
        settings = {"UPDRAFT_CLICKHOUSE_URL": self.clickhouse, "BACKUPS": str(self.backups), "BACKUP_TO": f"File('{self.backups}/%s')", "BACKUP_FORM": ""}
        subprocess.run([ROOT / "ops/docker/clickhouse/nightly-backup.sh", "once"], env=os.environ | settings, check=True)

    def agrees(self, begun, ended, database="updraft"):
        """Whether log and history agree for a period, and what `verify` prints."""
        verified = self.processor("verify", "--from", text(begun), "--to", text(ended), env={"UPDRAFT_CLICKHOUSE_URL": f"{self.clickhouse}/{database}"}, check=False)
        return verified.returncode == 0, verified.stdout + verified.stderr

    def rows(self, database):
        return int(self.query(f"SELECT count() FROM {database}.positions FINAL"))


def set_group_back(group, when):
    """As `kafka-consumer-groups.sh --reset-offsets --to-datetime --all-topics`."""
    bootstrap = os.environ["UPDRAFT_KAFKA_BOOTSTRAP"]
    admin = AdminClient({"bootstrap.servers": bootstrap})
    committed = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])[group].result(30).topic_partitions
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": f"{group}-times"})
    milliseconds = int(when.timestamp() * 1000)
    found = consumer.offsets_for_times([TopicPartition(each.topic, each.partition, milliseconds) for each in committed], timeout=30)
    # Behind the last record there is no time: the end.
    earlier = [TopicPartition(each.topic, each.partition, each.offset) for each in found if each.offset >= 0]
    consumer.close()
    wait_for(f"{group} has no members", lambda: not admin.describe_consumer_groups([group])[group].result(30).members, 60)
    admin.alter_consumer_group_offsets([ConsumerGroupTopicPartitions(group, earlier)])[group].result(30)
    return len(earlier)


def group_of_historian():
    admin = AdminClient({"bootstrap.servers": os.environ["UPDRAFT_KAFKA_BOOTSTRAP"]})
    names = [group.group_id for group in admin.list_consumer_groups().result(30).valid]
    return next(name for name in names if name.startswith(PREFIX) and "historian" in name)


def trial(installation):
    begun = now() - datetime.timedelta(seconds=1)
    load = generate(installation.processes, "--pilots", "60", "--for", f"{LOAD_S}s")
    time.sleep(LOAD_S / 2)
    half = now()
    started = time.monotonic()
    backup = f"File('{installation.backups}/updraft-{half:%F}')"
    installation.nightly_backup()
    took = time.monotonic() - started
    size = sum(file.stat().st_size for file in installation.backups.rglob("*") if file.is_file())
    ok(f"backup of the history under load: {took:.1f} s, {size / 1e6:.1f} MB")
    load.wait(LOAD_S)
    ended = now() + datetime.timedelta(seconds=1)
    wait_for("log and history agree", lambda: installation.agrees(begun, ended)[0], 120)
    rows = installation.rows("updraft")
    if rows < 500:
        sys.exit(f"only {rows} positions are in the history")

    # The monthly trial: beside the original, compared for a period that both have. A block is 5 s old at most.
    safe = half - datetime.timedelta(seconds=15)
    started = time.monotonic()
    installation.query(f"RESTORE DATABASE updraft AS trial FROM {backup}")
    agrees, said = installation.agrees(begun, safe, "trial")
    if not agrees:
        sys.exit(f"the restored backup differs from the log:\n{said}")
    ok(f"trial restore: {installation.rows('trial')} of {rows} positions, and processor verify agrees up to the backup: {time.monotonic() - started:.1f} s")
    if installation.agrees(begun, ended, "trial")[0]:
        sys.exit("verify does not see that the backup is older than the log")
    ok("verify sees that the backup ends before the log does")
    installation.query("DROP DATABASE trial")

    lost = time.monotonic()
    installation.end("historian")
    installation.query("DROP DATABASE updraft")
    installation.query(f"RESTORE DATABASE updraft FROM {backup}")
    restored = installation.rows("updraft")
    installation.processor("migrate")
    group = group_of_historian()
    partitions = set_group_back(group, half - datetime.timedelta(minutes=1))
    installation.begin("historian")
    installation.await_ready("historian")
    wait_for("log and history agree again", lambda: installation.agrees(begun, ended)[0], 180)
    again = installation.rows("updraft")
    if again != rows:
        sys.exit(f"{rows} positions before, {again} after")
    ok(f"history lost and back: {restored} positions from the backup, {again - restored} from the log ({partitions} partitions set back): RPO 0, RTO {time.monotonic() - lost:.1f} s")


def accounts(folder):
    """A compacted topic, saved and restored into an empty one. The aircraft's here: accounts need an identity provider."""
    lost, topic = f"{PREFIX}fanet.state.aircraft.v1", f"{PREFIX}fanet.account.v1"
    files = [folder / "saved.jsonl", folder / "again.jsonl"]
    tool = [sys.executable, ROOT / "ops/topic-records.py"]
    subprocess.run([*tool, "save", lost, files[0]], check=True)
    refused = subprocess.run([*tool, "restore", lost, files[0]], capture_output=True, text=True)
    if refused.returncode == 0 or "has records" not in refused.stderr:
        sys.exit(f"records were added to a topic that had some: {refused.stderr}")
    subprocess.run([*tool, "restore", topic, files[0]], check=True)
    subprocess.run([*tool, "save", topic, files[1]], check=True)
    lines = [sorted(file.read_text().splitlines()) for file in files]
    if not lines[0] or lines[0] != lines[1]:
        sys.exit(f"{len(lines[0])} records were saved, and {len(lines[1])} are restored, or they differ")
    ok(f"{len(lines[0])} records of a compacted topic are saved and restored, byte for byte")


def restrictions(installation, folder):
    """A denied device, from the topic of privacy to the command that denies it again."""
    tool, file = [sys.executable, ROOT / "ops/topic-records.py"], folder / "privacy.jsonl"

    def commands():
        subprocess.run([*tool, "save", f"{PREFIX}fanet.private.privacy.v1", file], check=True)
        return subprocess.run([*tool, "restrictions", file], capture_output=True, text=True, check=True).stdout.splitlines()

    installation.processor("command", "deny", "ABC123", "--by", "trial")
    wait_for("the state of the denied device", commands, 60)
    expected = ["processor command deny ABC123 --by restore"]
    if commands() != expected:
        sys.exit(f"expected {expected}, found {commands()}")
    installation.processor(*expected[0].split()[1:])
    ok("a denied device is denied again by the commands of its backup")


def audit_trail(folder):
    """The audit trail, deleted by age: a file for each day, and all of them restored into an empty topic."""
    topic, again, days = f"{PREFIX}fanet.audit.v1", f"{PREFIX}fanet.restored.v1", folder / "days"
    bootstrap = {"bootstrap.servers": os.environ["UPDRAFT_KAFKA_BOOTSTRAP"]}
    days.mkdir()
    tool = [sys.executable, ROOT / "ops/topic-records.py"]

    def write(*ages):
        producer = Producer(bootstrap)
        for age in ages:
            for user in range(20):
                when = now() - datetime.timedelta(days=age)
                producer.produce(topic, key=f"user-{user}", value=f"{age} days ago", timestamp=int(when.timestamp() * 1000))
        producer.flush(30)

    write(3, 2, 0)
    subprocess.run([*tool, "save-days", topic, days], check=True)
    write(0, 1)
    subprocess.run([*tool, "save-days", topic, days], check=True)
    files = sorted(days.glob("audit-*.jsonl"))
    admin = AdminClient(bootstrap)
    admin.create_topics([NewTopic(again, num_partitions=6, replication_factor=1)])[again].result(30)
    subprocess.run([*tool, "restore", again, *files], check=True)
    whole = [folder / "trail.jsonl", folder / "trail-again.jsonl"]
    for name, file in zip((topic, again), whole):
        subprocess.run([*tool, "save", name, file], check=True)
    lines = [sorted(file.read_text().splitlines()) for file in whole]
    if len(lines[0]) < 100 or lines[0] != lines[1]:
        sys.exit(f"{len(lines[0])} records are in the audit trail, and {len(lines[1])} are restored, or they differ")
    ok(f"{len(lines[0])} records of the audit trail are saved in {len(files)} days and restored, byte for byte")


def schemas(folder):
    """The registry's schemas, exported and imported into an empty registry, with their ids."""
    tool = [sys.executable, ROOT / "ops/topic-records.py"]
    files = [folder / "schemas.zip", folder / "schemas-again.zip"]
    subprocess.run([*tool, "save-schemas", files[0]], check=True)
    refused = subprocess.run([*tool, "restore-schemas", files[0]], capture_output=True, text=True)
    if refused.returncode == 0 or "has schemas" not in refused.stderr:
        sys.exit(f"schemas were added to a registry that had some: {refused.stderr}")
    # Another registry, without the addresses of this run's services.
    environment = {name: value for name, value in os.environ.items() if not name.endswith(("_URL", "_BOOTSTRAP"))}
    script = '"$1" "$2" restore-schemas "$3" && "$1" "$2" save-schemas "$4"'
    subprocess.run([ROOT / "target/debug/stack", "registry", "--", "sh", "-c", script, "sh", *tool, *files], env=environment, check=True)
    ids = [ids_of(file) for file in files]
    if not ids[0] or ids[0] != ids[1]:
        sys.exit(f"the schemas had other ids before: {ids}")
    ok(f"{len(ids[0])} versions of schemas are saved and restored, with their ids")


def ids_of(file):
    """Of an export of Apicurio: the id of each subject's versions."""
    with zipfile.ZipFile(file) as archive:
        versions = [json.loads(archive.read(name)) for name in archive.namelist() if name.endswith(".ArtifactVersion.json")]
    return {(version["artifactId"], version["version"]): (version["globalId"], version["contentId"]) for version in versions}


def main():
    with processes() as running:
        installation = Installation(running)
        installation.processor("topics", "apply", "--partitions", "6")
        installation.processor("migrate")
        for name in RUN:
            installation.begin(name)
            installation.await_ready(name)
        ok(f"{len(RUN)} programs are ready")
        trial(installation)
        restrictions(installation, running.folder)
        for name in RUN:
            installation.end(name)
        accounts(running.folder)
        audit_trail(running.folder)
        schemas(running.folder)


if __name__ == "__main__":
    main()
