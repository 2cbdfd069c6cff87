#!/usr/bin/env python3
"""Saves the records of topics in files, and writes them back: the backup of accounts, zones, restrictions of devices and the audit
trail, and of the schemas that they name.

    ops/topic-records.py backup FOLDER                  all of the backup, now
    ops/topic-records.py nightly FOLDER                 the same every night
    ops/topic-records.py save TOPIC FILE                all records of a topic
    ops/topic-records.py save-days TOPIC FOLDER         a topic that is deleted by age: a file for each day
    ops/topic-records.py restore TOPIC FILE...
    ops/topic-records.py restrictions FILE              the commands that hide and deny again what privacy-DATE.jsonl has as hidden and denied
    ops/topic-records.py save-schemas FILE
    ops/topic-records.py restore-schemas FILE

`backup` makes, of the topics with UPDRAFT_TOPIC_PREFIX:
- account-DATE.jsonl, zone-DATE.jsonl and privacy-DATE.jsonl, complete each night; the newest 30 stay;
- audit-DATE.jsonl, the records of each day (UTC): complete from the second night on. They stay 400 days, as in the topic. A file that has
  more records than the topic is not replaced: the topic has lost some, and the backup fails;
- schemas-DATE.zip, where UPDRAFT_SCHEMA_REGISTRY_URL is set: the schemas of the registry with their ids, as Apicurio exports them; the
  newest 30 stay;
- account.prom: when the last one was made of which nothing failed, to the node exporter.
`nightly` does it at 02:40 UTC (or later, where it was not running; the first of all at once), until it is stopped. A backup that failed is
tried again after ten minutes.

Each line is a record: partition, time in milliseconds, key, value and headers, in Base64. Values keep the ids of their schemas:
restore the schemas first. `restore` refuses a topic that has records, and another partition count; of the audit trail give it all
files at once (audit-*.jsonl). The states of privacy are not restored as records: their versions are places in the lost raw topic. It needs Python's confluent-kafka 2 or later (pip install confluent-kafka; Debian 12 has 1.7, which crashes on
tombstones). UPDRAFT_KAFKA_BOOTSTRAP names the brokers, UPDRAFT_KAFKA_CONFIG more settings of librdkafka, as for the programs.
"""
import base64
import contextlib
import datetime
import json
import os
import signal
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

try:
    from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Producer, TopicPartition, __version__
except ImportError:
    sys.exit("topic-records: Python's confluent_kafka is missing: pip install confluent-kafka")
# Earlier ones free a null value once too often: the interpreter aborts after the last record.
if int(__version__.split(".")[0]) < 2:
    sys.exit(f"topic-records: confluent_kafka {__version__} is too old, 2 or later is expected: pip install confluent-kafka")

TIMEOUT_S = 30
NIGHTLY_FROM = datetime.time(2, 40)
NIGHTLY_RETRY_S = 600
NIGHTLY_KEPT = 30
# As long as the records stay in the topic (schemas/topics.toml).
AUDIT_KEPT = datetime.timedelta(days=400)
DATE = "????-??-??"
METRICS = "account.prom"
# Restrictions among the fields of updraft.v1.PrivacyState (schemas/proto/updraft/v1/state.proto), and their commands.
RESTRICTIONS = {6: "deny", 7: "hide", 9: "hide-name"}


def settings():
    pairs = os.environ.get("UPDRAFT_KAFKA_CONFIG", "").replace("\n", ",").split(",")
    more = dict(pair.strip().split("=", 1) for pair in pairs if "=" in pair)
    return {"bootstrap.servers": os.environ.get("UPDRAFT_KAFKA_BOOTSTRAP", "localhost:9092"), **more}


def encoded(data):
    return None if data is None else base64.b64encode(data).decode()


def decoded(text):
    return None if text is None else base64.b64decode(text)


def partitions(client, topic):
    found = client.list_topics(topic, timeout=TIMEOUT_S).topics[topic]
    if found.error:
        sys.exit(f"topic-records: {topic}: {found.error}")
    return sorted(found.partitions)


def records(topic, since=None):
    """All records of now, or those from the first one of a time on, partition by partition in their order."""
    consumer = Consumer(settings() | {"group.id": "topic-records", "enable.auto.commit": False, "enable.partition.eof": True})
    begin = [TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in partitions(consumer, topic)]
    if since:
        # Where there is none, the end.
        begin = consumer.offsets_for_times([TopicPartition(topic, one.partition, int(since.timestamp() * 1000)) for one in begin], timeout=TIMEOUT_S)
        if failed := next((one.error for one in begin if one.error), None):
            sys.exit(f"topic-records: {topic}: {failed}")
    for one in begin:
        consumer.assign([one])
        while True:
            record = consumer.poll(TIMEOUT_S)
            if record is None:
                sys.exit(f"topic-records: {topic}: no answer within {TIMEOUT_S} s")
            if record.error():
                if record.error().code() == KafkaError._PARTITION_EOF:
                    break
                sys.exit(f"topic-records: {topic}: {record.error()}")
            yield record
    consumer.close()


def open_private(file, mode):
    """Names of users and whom they look at: for the owner alone."""
    return open(file, mode, opener=lambda path, flags: os.open(path, flags, 0o600))


def line_of(record):
    headers = [[name, encoded(value)] for name, value in record.headers() or []]
    line = {"partition": record.partition(), "time_ms": record.timestamp()[1], "key": encoded(record.key()), "value": encoded(record.value()), "headers": headers}
    return json.dumps(line) + "\n"


def save(topic, file):
    new, count = file.with_suffix(".new"), 0
    with open_private(new, "w") as out:
        for record in records(topic):
            out.write(line_of(record))
            count += 1
    new.replace(file)
    print(f"{count} records of {topic} are in {file}", flush=True)


def day_of(record):
    return datetime.datetime.fromtimestamp(record.timestamp()[1] / 1000, datetime.timezone.utc).date()


def date_of(file):
    return datetime.date.fromisoformat(file.stem[-10:])


def save_days(topic, folder, today):
    """Each record into the file of its day. The newest file ended within its day, and clocks of writers may be behind: that day and
    the one before it are saved again. A record that is ahead of its time is saved when its day comes.
    """
    name = topic.rpartition("fanet.")[2].partition(".")[0]
    there = {date_of(file): file for file in folder.glob(f"{name}-{DATE}.jsonl")}
    first = max(there) - datetime.timedelta(days=1) if there else datetime.date.min
    since = datetime.datetime.combine(first, datetime.time(), datetime.timezone.utc) if there else None
    for unfinished in folder.glob(f"{name}-{DATE}.new"):
        unfinished.unlink()
    counts, out = {}, None
    for record in records(topic, since):
        day = day_of(record)
        if not first <= day <= today:
            continue
        new = folder / f"{name}-{day}.new"
        # Partition by partition: a day's file is continued, never many are open.
        if out is None or out.name != str(new):
            if out:
                out.close()
            out = open_private(new, "a")
        out.write(line_of(record))
        counts[day] = counts.get(day, 0) + 1
    if out:
        out.close()
    for day in sorted(day for day in there if day >= first):
        with open(there[day]) as file:
            before = sum(1 for _ in file)
        if counts.get(day, 0) < before:
            sys.exit(f"topic-records: {topic} has {counts.get(day, 0)} records of {day}, and {there[day]} has {before}: the topic has lost records. Restore it, or move that file away")
    for day in counts:
        (folder / f"{name}-{day}.new").replace(folder / f"{name}-{day}.jsonl")
    print(f"{sum(counts.values())} records of {topic} are in {len(counts)} files in {folder}", flush=True)


def ask_registry(path, **request):
    """The answer of Apicurio's own interface, beside that which the programs use."""
    registry = os.environ.get("UPDRAFT_SCHEMA_REGISTRY_URL") or sys.exit("topic-records: UPDRAFT_SCHEMA_REGISTRY_URL is not set")
    url = registry.partition("/apis/")[0] + "/apis/registry/v3" + path
    try:
        with urllib.request.urlopen(urllib.request.Request(url, **request), timeout=TIMEOUT_S) as answer:
            return answer.read()
    except OSError as error:
        sys.exit(f"topic-records: {url}: {error}; expected Apicurio 3, another registry is backed up by its own means")


def save_schemas(file):
    exported, new = ask_registry("/admin/export", headers={"Accept": "application/zip"}), file.with_suffix(".new")
    if not exported.startswith(b"PK"):
        sys.exit(f"topic-records: the registry's export is no ZIP, it begins with {exported[:20]!r}")
    new.write_bytes(exported)
    new.replace(file)
    print(f"the registry's schemas are in {file}", flush=True)


def restore_schemas(file):
    if json.loads(ask_registry("/search/versions?limit=1"))["count"]:
        sys.exit("topic-records: the registry has schemas: restore into an empty one, before `processor topics apply`")
    ask_registry("/admin/import", method="POST", data=file.read_bytes(), headers={"Content-Type": "application/zip"})
    print(f"the schemas of {file} are in the registry, with their ids", flush=True)


def nightly(folder):
    # A stop is no failure of a step, which backup() would report.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            night(folder, datetime.datetime.now(datetime.timezone.utc))
            time.sleep(NIGHTLY_RETRY_S)


def night(folder, now):
    """Makes today's backup if it is time and there is none."""
    last = last_backup(folder)
    if last and (last.date() >= now.date() or now.time() < NIGHTLY_FROM):
        return
    try:
        backup(folder, now)
    except (SystemExit, Exception) as error:
        print(error, file=sys.stderr, flush=True)


def last_backup(folder):
    """When the last one was made of which nothing failed."""
    metrics = folder / METRICS
    return datetime.datetime.fromtimestamp(int(metrics.read_text().split()[-1]), datetime.timezone.utc) if metrics.exists() else None


def backup(folder, now):
    """Saves today's files, and removes those that are too old."""
    prefix, failures = os.environ.get("UPDRAFT_TOPIC_PREFIX", ""), []
    steps = [
        (save, f"{prefix}fanet.account.v1", folder / f"account-{now:%F}.jsonl"),
        (save, f"{prefix}fanet.zone.v1", folder / f"zone-{now:%F}.jsonl"),
        (save, f"{prefix}fanet.private.privacy.v1", folder / f"privacy-{now:%F}.jsonl"),
        (save_days, f"{prefix}fanet.audit.v1", folder, now.date()),
    ]
    if os.environ.get("UPDRAFT_SCHEMA_REGISTRY_URL"):
        steps.append((save_schemas, folder / f"schemas-{now:%F}.zip"))
    for unfinished in folder.glob("*.new"):
        unfinished.unlink()
    for step, *arguments in steps:
        # One that fails is no reason to be without the others.
        try:
            step(*arguments)
        except (SystemExit, Exception) as error:
            failures.append(str(error))
    if failures:
        sys.exit("\n".join([*failures, f"topic-records: the backup of {now:%F} is not complete"]))
    new = folder / f"{METRICS}.new"
    new.write_text(f'updraft_backup_seconds{{what="accounts"}} {now.timestamp():.0f}\n')
    new.replace(folder / METRICS)
    for old in too_old(folder, now.date()):
        old.unlink()
        print(f"{old} is removed", flush=True)


def too_old(folder, today):
    for pattern in (f"account-{DATE}.jsonl", f"zone-{DATE}.jsonl", f"privacy-{DATE}.jsonl", f"schemas-{DATE}.zip"):
        # Names sort as their dates.
        yield from sorted(folder.glob(pattern))[:-NIGHTLY_KEPT]
    yield from (file for file in sorted(folder.glob(f"audit-{DATE}.jsonl")) if date_of(file) < today - AUDIT_KEPT)


def lines_of(files):
    for file in files:
        with open(file) as opened:
            yield from map(json.loads, opened)


def restore(topic, *files):
    if next(records(topic), None) is not None:
        sys.exit(f"topic-records: {topic} has records: restore into an empty topic")
    count, failures = 0, []
    producer = Producer(settings() | {"acks": "all", "enable.idempotence": True})
    there = partitions(producer, topic)
    if beyond := {line["partition"] for line in lines_of(files)} - set(there):
        sys.exit(f"topic-records: {topic} has {len(there)} partitions, and the file has records of partition {max(beyond)}")
    for line in lines_of(files):
        headers = [(name, decoded(value)) for name, value in line["headers"]]
        while True:
            try:
                producer.produce(topic, key=decoded(line["key"]), value=decoded(line["value"]), partition=line["partition"], timestamp=line["time_ms"], headers=headers,
                                 on_delivery=lambda error, _: failures.append(error) if error else None)
                break
            except BufferError:
                # Its queue is full.
                producer.poll(1)
        producer.poll(0)
        count += 1
    if producer.flush(TIMEOUT_S) or failures:
        sys.exit(f"topic-records: not all records are written: {failures[:1] or 'no answer'}")
    print(f"{count} records are in {topic}")


def varint(data, at):
    """The number that begins at a byte, and where the next one begins."""
    value = shift = 0
    while True:
        byte = data[at]
        value, shift, at = value | (byte & 0x7F) << shift, shift + 7, at + 1
        if byte < 0x80:
            return value, at


def fields_set(record):
    """The numbers of the fields that are not 0, of a message of numbers alone, behind its schema's id."""
    count, at = varint(record, 5)
    # The indexes of the message in its file: zigzag, and 0 stands for the first one.
    for _ in range(count >> 1):
        _, at = varint(record, at)
    while at < len(record):
        tag, at = varint(record, at)
        if tag & 7:
            raise ValueError(f"field {tag >> 3} is no number")
        value, at = varint(record, at)
        if value:
            yield tag >> 3


def restrictions(file):
    """Prints a command for each restriction of the newest states."""
    newest = {decoded(line["key"]): decoded(line["value"]) for line in lines_of([file])}
    for device, record in sorted(newest.items()):
        try:
            found = sorted(RESTRICTIONS.keys() & set(fields_set(record or bytes(6))))
        except (IndexError, ValueError) as error:
            sys.exit(f"topic-records: {file}: {device!r}: {error}; expected a record of fanet.private.privacy.v1")
        for field in found:
            print(f"processor command {RESTRICTIONS[field]} {device.decode()} --by restore")


def main():
    command, *arguments = sys.argv[1:] or [""]
    now, paths = datetime.datetime.now(datetime.timezone.utc), [Path(argument) for argument in arguments]
    match command, len(arguments):
        case "backup", 1:
            backup(paths[0], now)
        case "nightly", 1:
            nightly(paths[0])
        case "save", 2:
            save(arguments[0], paths[1])
        case "save-days", 2:
            save_days(arguments[0], paths[1], now.date())
        case "restore", count if count >= 2:
            restore(arguments[0], *paths[1:])
        case "restrictions", 1:
            restrictions(paths[0])
        case "save-schemas", 1:
            save_schemas(paths[0])
        case "restore-schemas", 1:
            restore_schemas(paths[0])
        case _:
            print(__doc__, file=sys.stderr)
            sys.exit(64)


if __name__ == "__main__":
    main()
