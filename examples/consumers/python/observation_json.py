#!/usr/bin/env python3
"""Observations as JSON, for programs that cannot read Protobuf in the Confluent wire format.

    from observation_json import observation_json    a value of fanet.observation.v1 (bytes) as one JSON object

As a program it is an executable function of ClickHouse: for each line with a value in hexadecimal digits it writes a line
with the JSON object, or an empty one where the value is no observation. Needs the classes that protoc makes of
common.proto and observation.proto (docs/for-analysts.md).
"""

import json
import sys

from google.protobuf import json_format
from google.protobuf.message import DecodeError

from updraft.v1.observation_pb2 import Observation
from wire import read


def observation_json(value):
    """Names are those of the schema; ids are decimal text, since JSON's numbers are too short for them."""
    observation = read(Observation, value)
    return json.dumps(json_format.MessageToDict(observation, preserving_proto_field_name=True))


def main():
    for line in sys.stdin:
        try:
            said = observation_json(bytes.fromhex(line))
        except (ValueError, DecodeError) as error:
            print(f"no observation: {error}", file=sys.stderr)
            said = ""
        # In ClickHouse's TabSeparated a backslash is written twice.
        print(said.replace("\\", "\\\\"), flush=True)


if __name__ == "__main__":
    main()
