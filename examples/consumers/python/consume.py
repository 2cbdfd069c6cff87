#!/usr/bin/env python3
"""Prints the newest state of every public aircraft (or weather station) as JSON lines, and goes on with every change.

At the root of the repository:

    pip install confluent-kafka protobuf grpcio-tools
    python -m grpc_tools.protoc -Ischemas/proto --python_out=examples/consumers/python \
        schemas/proto/updraft/v1/common.proto schemas/proto/updraft/v1/state.proto
    python examples/consumers/python/consume.py --bootstrap localhost:9092 [--topic fanet.state.station.v1] [--until-end]

State topics are compacted. A reader starts at the beginning, keeps the state with the highest version for each key, and
drops the key at a tombstone; late writes of an older version are ignored.
"""

import argparse
import json
import uuid

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

from updraft.v1 import common_pb2, state_pb2
from wire import read


def version_of(record, state):
    """Of a state it is in the value, of a tombstone in a header."""
    if state is not None:
        return state.version
    return int(dict(record.headers() or []).get("version", b"0"))


class Newest:
    """The newest state of each key. `message`: the class of the topic's states; `shown`: a state as what is printed."""

    def __init__(self, message, shown):
        self.message, self.shown = message, shown
        self.states = {}
        self.versions = {}

    def apply(self, record):
        """Takes a record; returns what is now known of its device, or None where the record was an old one."""
        device = record.key().decode()
        state = None
        if record.value() is not None:
            state = read(self.message, record.value())
        version = version_of(record, state)
        if version < self.versions.get(device, 0):
            return None
        self.versions[device] = version
        if state is None:
            self.states.pop(device, None)
            return {"device": device, "gone": True}
        self.states[device] = state
        return self.shown(device, state)


def shown_aircraft(device, state):
    kind = common_pb2.AircraftKind.Name(state.aircraft_kind).removeprefix("AIRCRAFT_KIND_").lower()
    line = {
        "device": device,
        "version": state.version,
        "kind": kind,
        "latitude_deg": state.position.latitude_deg,
        "longitude_deg": state.position.longitude_deg,
    }
    # What was not transmitted is absent, never zero.
    if state.position.HasField("altitude_m"):
        line["altitude_m"] = state.position.altitude_m
    if state.HasField("climb_mps"):
        line["climb_mps"] = state.climb_mps
    return line


def shown_station(device, state):
    line = {"device": device, "version": state.version}
    for name in ("temperature_c", "wind_from_deg", "wind_speed_kmh", "wind_gust_kmh"):
        if state.HasField(name):
            line[name] = getattr(state, name)
    return line


# By the end of the topic's name: an installation may put a prefix before it.
STATES = {
    "fanet.state.aircraft.v1": (state_pb2.AircraftState, shown_aircraft),
    "fanet.state.station.v1": (state_pb2.StationState, shown_station),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bootstrap", default="localhost:9092")
    parser.add_argument("--topic", default="fanet.state.aircraft.v1")
    parser.add_argument("--until-end", action="store_true", help="print what is there, and end")
    options = parser.parse_args()
    consumer = Consumer({
        "bootstrap.servers": options.bootstrap,
        # No offsets are kept: a reader of states starts at the beginning every time.
        "group.id": f"example-{uuid.uuid4()}",
        "enable.auto.commit": False,
        "enable.partition.eof": True,
    })
    partitions = consumer.list_topics(options.topic, timeout=10).topics[options.topic].partitions
    consumer.assign([TopicPartition(options.topic, number, OFFSET_BEGINNING) for number in partitions])
    behind = set(partitions)
    newest = Newest(*next(what for name, what in STATES.items() if options.topic.endswith(name)))
    try:
        while behind or not options.until_end:
            record = consumer.poll(1.0)
            if record is None:
                continue
            if record.error() is not None:
                if record.error().code() != KafkaError._PARTITION_EOF:
                    raise KafkaException(record.error())
                behind.discard(record.partition())
                if not behind and not options.until_end:
                    print_all(newest)
                continue
            change = newest.apply(record)
            if change is not None and not behind:
                print(json.dumps(change), flush=True)
        print_all(newest)
    finally:
        consumer.close()


def print_all(newest):
    for device in sorted(newest.states):
        print(json.dumps(newest.shown(device, newest.states[device])), flush=True)


if __name__ == "__main__":
    main()
