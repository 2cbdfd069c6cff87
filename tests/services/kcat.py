#!/usr/bin/env python3
"""Prints the records of a topic as JSON lines, decoded with the schemas of the registry.

Independent of Updraft's code, so that it sees what any client sees: the consumer is confluent-kafka, and the schemas are
fetched from the registry and compiled here.
"""

import argparse
import base64
import json
import os
import struct
import sys
import tempfile
import urllib.parse
import urllib.request
import uuid

from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, KafkaError, KafkaException, TopicPartition
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from grpc_tools import protoc

TIMEOUT_S = 10


class Registry:
    """Schemas by id, fetched once and compiled to message classes."""

    def __init__(self, url):
        self.url = url.rstrip("/")
        self.files = {}

    def decode(self, framed):
        """The message in Confluent framing: magic byte 0, schema id, message indexes, message."""
        if len(framed) < 6 or framed[0] != 0:
            raise ValueError("not in the Confluent wire format")
        (schema_id,) = struct.unpack(">I", framed[1:5])
        indexes, at = message_indexes(framed, 5)
        message = self.message_class(schema_id, indexes)()
        message.ParseFromString(framed[at:])
        return message

    def message_class(self, schema_id, indexes):
        if schema_id not in self.files:
            self.files[schema_id] = self.compile(self.get(f"/schemas/ids/{schema_id}"))
        pool, file = self.files[schema_id]
        message = file.message_type[indexes[0]]
        name = f"{file.package}.{message.name}".lstrip(".")
        for index in indexes[1:]:
            message = message.nested_type[index]
            name += f".{message.name}"
        return message_factory.GetMessageClass(pool.FindMessageTypeByName(name))

    def compile(self, schema):
        with tempfile.TemporaryDirectory() as directory:
            main = "schema.proto"
            self.write(directory, main, schema)
            out = os.path.join(directory, "descriptors")
            include = os.path.join(os.path.dirname(protoc.__file__), "_proto")
            arguments = ["protoc", f"-I{directory}", f"-I{include}", "--include_imports", f"--descriptor_set_out={out}"]
            if protoc.main([*arguments, main]) != 0:
                raise ValueError("the registry's schema does not compile")
            with open(out, "rb") as file:
                descriptors = descriptor_pb2.FileDescriptorSet.FromString(file.read())
        pool = descriptor_pool.DescriptorPool()
        # Imported files come first: ours is the last.
        for file in descriptors.file:
            pool.Add(file)
        return pool, descriptors.file[-1]

    def write(self, directory, name, schema):
        path = os.path.join(directory, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(schema["schema"])
        for reference in schema.get("references") or []:
            subject = urllib.parse.quote(reference["subject"], safe="")
            version = self.get(f"/subjects/{subject}/versions/{reference['version']}")
            self.write(directory, reference["name"], version)

    def get(self, path):
        with urllib.request.urlopen(self.url + path, timeout=TIMEOUT_S) as answer:
            return json.load(answer)


def message_indexes(data, at):
    """Zigzag varints, count first; the single byte 0 stands for [0]."""
    count, at = zigzag(data, at)
    if count == 0:
        return [0], at
    indexes = []
    for _ in range(count):
        index, at = zigzag(data, at)
        indexes.append(index)
    return indexes, at


def zigzag(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), at


def text(data):
    try:
        return data.decode()
    except UnicodeDecodeError:
        return "base64:" + base64.b64encode(data).decode()


def shown(record, registry):
    line = {
        "topic": record.topic(),
        "partition": record.partition(),
        "offset": record.offset(),
        "timestamp_ms": record.timestamp()[1],
        "key": None if record.key() is None else text(record.key()),
        "headers": {name: text(value or b"") for name, value in record.headers() or []},
    }
    if record.value() is None:
        return {**line, "tombstone": True}
    try:
        message = registry.decode(record.value())
        value = json_format.MessageToDict(message, preserving_proto_field_name=True)
        return {**line, "message": message.DESCRIPTOR.full_name, "value": value}
    except Exception as error:  # print a record that cannot be decoded, too
        return {**line, "undecoded": text(record.value()), "why": str(error)}


def options():
    parser = argparse.ArgumentParser(prog="kcat", description=__doc__.splitlines()[0])
    environment = os.environ.get
    parser.add_argument("topic")
    parser.add_argument("--from-beginning", action="store_true", help="start with the oldest record instead of the next one")
    parser.add_argument("--count", type=int, help="end after this number of records")
    parser.add_argument("--until-end", action="store_true", help="end at the end of every partition")
    parser.add_argument("--timeout", type=float, help="fail after this number of seconds without a record")
    kafka = environment("KAFKA_BOOTSTRAP") or environment("UPDRAFT_KAFKA_BOOTSTRAP") or "localhost:9092"
    registry = environment("SCHEMA_REGISTRY_URL") or environment("UPDRAFT_SCHEMA_REGISTRY_URL") or "http://localhost:8081"
    parser.add_argument("--bootstrap", default=kafka, help="default: KAFKA_BOOTSTRAP, then %(default)s")
    parser.add_argument("--registry", default=registry, help="default: SCHEMA_REGISTRY_URL, then %(default)s")
    return parser.parse_args()


def assign(consumer, topic, from_beginning):
    metadata = consumer.list_topics(topic, timeout=TIMEOUT_S).topics[topic]
    if metadata.error is not None:
        raise KafkaException(metadata.error)
    start = OFFSET_BEGINNING if from_beginning else OFFSET_END
    partitions = [TopicPartition(topic, partition, start) for partition in metadata.partitions]
    consumer.assign(partitions)
    return {partition.partition for partition in partitions}


def run(chosen):
    registry = Registry(chosen.registry)
    # Further settings of librdkafka, as for the programs: TLS, passwords.
    further = os.environ.get("UPDRAFT_KAFKA_CONFIG", "")
    consumer = Consumer({
        **dict(setting.split("=", 1) for setting in further.split(",") if setting),
        "bootstrap.servers": chosen.bootstrap,
        "group.id": f"kcat-{uuid.uuid4()}",
        "enable.auto.commit": False,
        "enable.partition.eof": chosen.until_end,
    })
    try:
        unfinished = assign(consumer, chosen.topic, chosen.from_beginning)
        count = 0
        while (chosen.count is None or count < chosen.count) and (unfinished or not chosen.until_end):
            record = consumer.poll(chosen.timeout or 3600)
            if record is None:
                if chosen.timeout:
                    sys.exit(f"kcat: {count} records, then none for {chosen.timeout} s")
                continue
            if record.error() is None:
                print(json.dumps(shown(record, registry), ensure_ascii=False), flush=True)
                count += 1
            elif record.error().code() == KafkaError._PARTITION_EOF:
                unfinished.discard(record.partition())
            else:
                raise KafkaException(record.error())
    finally:
        consumer.close()


if __name__ == "__main__":
    try:
        run(options())
    except KafkaException as error:
        sys.exit(f"kcat: {error.args[0].str()}")
    except (KeyboardInterrupt, BrokenPipeError):
        pass
