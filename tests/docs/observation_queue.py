"""Reads observations into ClickHouse as examples/consumers/clickhouse does, with its function and records from Kafka.

    observation_queue.py BOOTSTRAP DIRECTORY

The engine runs in this process. Its Kafka tables do not read in the background: here the queue is an ordinary table, filled with
the records from Kafka. The engine's parser parses each statement of the file.
"""
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

from chdb.state.sqlitelike import Connection
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples/consumers"
TOPIC = "fanet.observation.v1"


def records(bootstrap):
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "observation-queue", "enable.auto.commit": False})
    partitions = consumer.list_topics(TOPIC, timeout=20).topics[TOPIC].partitions
    consumer.assign([TopicPartition(TOPIC, partition, OFFSET_BEGINNING) for partition in partitions])
    values = []
    while found := consumer.consume(500, timeout=5):
        values += [record.value() for record in found if record.error() is None]
    consumer.close()
    return values


def main(bootstrap, directory):
    scripts, bin_dir = Path(directory) / "user_scripts", Path(directory) / "bin"
    for folder in (scripts, bin_dir):
        folder.mkdir(parents=True)
    for name in ("wire.py", "observation_json.py"):
        shutil.copy(EXAMPLES / "python" / name, scripts)
    protos = [str(ROOT / f"schemas/proto/updraft/v1/{name}.proto") for name in ("common", "observation")]
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", f"-I{ROOT}/schemas/proto", f"--python_out={scripts}", *protos], check=True)
    # The script starts python3: make it the Python that has the packages.
    python3 = bin_dir / "python3"
    python3.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python3.chmod(python3.stat().st_mode | stat.S_IXUSR)
    os.environ["PATH"] = f"{bin_dir}:{os.environ['PATH']}"
    function = EXAMPLES / "clickhouse/updraft_function.xml"
    engine = Connection(f"{directory}/data?user_scripts_path={scripts}/&user_defined_executable_functions_config={function}")
    engine.query("CREATE DATABASE analytics")
    engine.query("USE analytics")
    statements = [part for part in (EXAMPLES / "clickhouse/observations.sql").read_text().split(";\n") if part.strip()]
    for statement in statements:
        engine.query(f"EXPLAIN AST {statement}")
    engine.query("CREATE TABLE observation_queue (value String) ENGINE = Memory")
    for statement in statements[1:]:
        engine.query(statement)
    values = records(bootstrap)
    rows = ", ".join(f"(unhex('{value.hex()}'))" for value in values + [b"rubbish"])
    engine.query(f"INSERT INTO observation_queue VALUES {rows}")
    answer = str(engine.query("SELECT count(), countIf(device > 0), uniqExact(observation_id), min(event_at) > '2020-01-01' FROM observations"))
    wanted = len(values)
    print(f"{wanted} records, in ClickHouse: {answer.strip()}")
    assert values and answer.split(",")[0].strip() == str(wanted), "expected one row per observation, and none of invalid records"
    assert answer.split(",")[1:] == [str(wanted), str(wanted), "1\n"], answer


main(*sys.argv[1:])
