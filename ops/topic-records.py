#!/usr/bin/env python3
"""Saves the records of a compacted topic in a file, and writes them back: the backup of accounts, keys and sessions.

    ops/topic-records.py save fanet.account.v1 account-2026-06-01.jsonl
    ops/topic-records.py restore fanet.account.v1 account-2026-06-01.jsonl
    ops/topic-records.py nightly fanet.account.v1 FOLDER

`nightly` saves every night at 02:40 UTC (or later, where it was not running; the first of all at once) as account-DATE.jsonl, until it
is stopped; the newest 30 stay, and what failed is tried again after ten minutes. account.prom says when the newest was made, to the node exporter.
Each line is a record: partition, time in milliseconds, key, value and headers, in Base64. Values keep the ids of their schemas:
restore the registry's storage first. `restore` refuses a topic that has records, and another partition count. It needs
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


def nightly(topic, folder):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    while True:
        night(topic, folder, datetime.datetime.now(datetime.timezone.utc))
        time.sleep(NIGHTLY_RETRY_S)


def night(topic, folder, now, save=save):
    """Saves today's file if it is time and not there, and removes the oldest beyond those that stay."""
    saved, file = sorted(folder.glob(SAVED)), folder / f"account-{now:%F}.jsonl"
    if file in saved or (saved and now.time() < NIGHTLY_FROM):
        return
    try:
        save(topic, file)
    except (SystemExit, Exception) as error:
        print(f"topic-records: {file} was not made: {error}", file=sys.stderr, flush=True)
        return
    metrics = folder / "account.prom.new"
    metrics.write_text(f'updraft_backup_seconds{{what="accounts"}} {now.timestamp():.0f}\n')
    metrics.rename(folder / "account.prom")
    # Names sort as their dates.
    for old in sorted(folder.glob(SAVED))[:-NIGHTLY_KEPT]:
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
    commands = {"save": save, "restore": restore, "nightly": nightly}
    if len(sys.argv) != 4 or sys.argv[1] not in commands:
        print(__doc__, file=sys.stderr)
        sys.exit(64)
    commands[sys.argv[1]](sys.argv[2], Path(sys.argv[3]))


if __name__ == "__main__":
    main()
