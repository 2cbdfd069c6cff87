#!/usr/bin/env python3
"""Saves the records of a compacted topic in a file, and writes them back: the backup of accounts, and of the schemas that
they name.

    ops/topic-records.py save fanet.account.v1 account-2026-06-01.jsonl
    ops/topic-records.py restore fanet.account.v1 account-2026-06-01.jsonl
    ops/topic-records.py nightly fanet.account.v1 FOLDER
    ops/topic-records.py save-schemas FILE
    ops/topic-records.py restore-schemas FILE

`nightly` saves every night at 02:40 UTC (or later, where it was not running; the first of all at once) as account-DATE.jsonl, until it
is stopped; the newest 30 stay, and what failed is tried again after ten minutes. account.prom says when the newest was made, to the node exporter.
Schemas are those of the registry at UPDRAFT_SCHEMA_REGISTRY_URL with their ids, as Apicurio exports them (a ZIP); `nightly` saves
them as schemas-DATE.zip beside the accounts, where that variable is set.
Each line is a record: partition, time in milliseconds, key, value and headers, in Base64. Values keep the ids of their schemas:
restore the schemas first. `restore` refuses a topic that has records, and another partition count. It needs
Python's confluent-kafka 2 or later (pip install confluent-kafka; Debian 12 has 1.7, which crashes on tombstones). UPDRAFT_KAFKA_BOOTSTRAP names the brokers, UPDRAFT_KAFKA_CONFIG more settings
of librdkafka, as for the programs.
"""
import base64
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
SAVED = "account-????-??-??.jsonl"
SAVED_SCHEMAS = "schemas-????-??-??.zip"


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


def records(topic):
    """All records of now, partition by partition in their order."""
    consumer = Consumer(settings() | {"group.id": "topic-records", "enable.auto.commit": False, "enable.partition.eof": True})
    for partition in partitions(consumer, topic):
        consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING)])
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


def save(topic, file):
    new, count = file.with_suffix(".new"), 0
    # Hashes of keys and the names of users: for the owner alone.
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        for record in records(topic):
            headers = [[name, encoded(value)] for name, value in record.headers() or []]
            line = {"partition": record.partition(), "time_ms": record.timestamp()[1], "key": encoded(record.key()), "value": encoded(record.value()), "headers": headers}
            out.write(json.dumps(line) + "\n")
            count += 1
    new.replace(file)
    print(f"{count} records of {topic} are in {file}", flush=True)


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


def nightly(topic, folder):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    while True:
        night(topic, folder, datetime.datetime.now(datetime.timezone.utc))
        time.sleep(NIGHTLY_RETRY_S)


def night(topic, folder, now, save=save, save_schemas=save_schemas):
    """Saves today's files if it is time and they are not there, and removes the oldest beyond those that stay."""
    saved, file = sorted(folder.glob(SAVED)), folder / f"account-{now:%F}.jsonl"
    if file in saved or (saved and now.time() < NIGHTLY_FROM):
        return
    try:
        if os.environ.get("UPDRAFT_SCHEMA_REGISTRY_URL"):
            save_schemas(folder / f"schemas-{now:%F}.zip")
        # Last: with it the night is done.
        save(topic, file)
    except (SystemExit, Exception) as error:
        print(f"topic-records: {file} was not made: {error}", file=sys.stderr, flush=True)
        return
    metrics = folder / "account.prom.new"
    metrics.write_text(f'updraft_backup_seconds{{what="accounts"}} {now.timestamp():.0f}\n')
    metrics.rename(folder / "account.prom")
    # Names sort as their dates.
    for old in sorted(folder.glob(SAVED))[:-NIGHTLY_KEPT] + sorted(folder.glob(SAVED_SCHEMAS))[:-NIGHTLY_KEPT]:
        old.unlink()
        print(f"{old} is removed: the newest {NIGHTLY_KEPT} stay", flush=True)


def restore(topic, file):
    if next(records(topic), None) is not None:
        sys.exit(f"topic-records: {topic} has records: restore into an empty topic")
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    failures = []
    producer = Producer(settings() | {"acks": "all", "enable.idempotence": True})
    there = partitions(producer, topic)
    beyond = {line["partition"] for line in lines} - set(there)
    if beyond:
        sys.exit(f"topic-records: {topic} has {len(there)} partitions, and the file has records of partition {max(beyond)}")
    for line in lines:
        headers = [(name, decoded(value)) for name, value in line["headers"]]
        producer.produce(topic, key=decoded(line["key"]), value=decoded(line["value"]), partition=line["partition"], timestamp=line["time_ms"], headers=headers,
                         on_delivery=lambda error, _: failures.append(error) if error else None)
        producer.poll(0)
    if producer.flush(TIMEOUT_S) or failures:
        sys.exit(f"topic-records: not all records are written: {failures[:1] or 'no answer'}")
    print(f"{len(lines)} records are in {topic}")


def main():
    command, *arguments = sys.argv[1:] or [""]
    of_topic = {"save": save, "restore": restore, "nightly": nightly}
    of_registry = {"save-schemas": save_schemas, "restore-schemas": restore_schemas}
    if command in of_topic and len(arguments) == 2:
        of_topic[command](arguments[0], Path(arguments[1]))
    elif command in of_registry and len(arguments) == 1:
        of_registry[command](Path(arguments[0]))
    else:
        print(__doc__, file=sys.stderr)
        sys.exit(64)


if __name__ == "__main__":
    main()
