"""The log as the checks read it, apart from our programs."""
import subprocess
import sys

from confluent_kafka import Consumer, TopicPartition
from processes import ROOT

PROTOS = ("common", "live", "raw")


def compile_protos(folder):
    """Makes `updraft.v1` importable."""
    files = [f"updraft/v1/{name}.proto" for name in PROTOS]
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", "-I", ROOT / "schemas/proto", f"--python_out={folder}", *files], check=True)
    sys.path.insert(0, str(folder))


def records(bootstrap, topic):
    """All records of now."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "checks", "enable.auto.commit": False, "enable.partition.eof": True})
    partitions = list(consumer.list_topics(topic, timeout=10).topics[topic].partitions)
    consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
    ended = set()
    while len(ended) < len(partitions):
        record = consumer.poll(10)
        if record is None:
            sys.exit(f"{topic} does not end")
        if record.error():
            ended.add(record.partition())
        else:
            yield record
    consumer.close()


def frames(bootstrap, topic):
    """The frames of a raw topic, as hexadecimal digits of the MQTT messages."""
    from updraft.v1 import raw_pb2

    # The Confluent wire format: a magic byte, the schema's number, and one byte for the first message of its file.
    values = (raw_pb2.RawRecord.FromString(record.value()[6:]) for record in records(bootstrap, topic))
    return {value.mqtt_frame.hex() for value in values if value.HasField("mqtt_frame")}
