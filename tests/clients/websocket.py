"""A third-party map client: prints each message of the server as a JSON line.

    websocket.py URL [--json]

For the binary subprotocol it decodes with classes that grpcio-tools generates from schemas/proto at start, independent of the
server's code. The first line is {"subprotocol": ...}; the last, when the server closes, {"closed": code}.
"""
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

import websockets
from google.protobuf.json_format import MessageToDict

PROTO = Path(__file__).resolve().parents[2] / "schemas" / "proto"


def server_message():
    """The ServerMessage class, compiled from the sources."""
    from grpc_tools import protoc

    files = [f"updraft/v1/{name}.proto" for name in ("common", "live")]
    # Protobuf's own files, which `python -m grpc_tools.protoc` finds without an option.
    own = Path(protoc.__file__).parent / "_proto"
    with tempfile.TemporaryDirectory(prefix="updraft-proto-") as out:
        if protoc.main(["protoc", f"-I{PROTO}", f"-I{own}", f"--python_out={out}", *files]) != 0:
            sys.exit("websocket.py: schemas/proto does not compile")
        sys.path.insert(0, out)
        from updraft.v1 import live_pb2

        return live_pb2.ServerMessage


def report(line):
    print(json.dumps(line), flush=True)


async def main(url, text):
    message_type = None if text else server_message()
    wanted = "updraft.v1.json" if text else "updraft.v1.proto"
    async with websockets.connect(url, subprotocols=[wanted], max_size=None) as socket:
        report({"subprotocol": socket.subprotocol})
        try:
            async for frame in socket:
                if text:
                    assert isinstance(frame, str), "expected JSON in a text frame"
                    message = json.loads(frame)
                else:
                    assert isinstance(frame, bytes), "expected Protobuf in a binary frame"
                    message = MessageToDict(message_type.FromString(frame), preserving_proto_field_name=True)
                report({"received_at_us": time.time_ns() // 1000, **message})
        except websockets.ConnectionClosed as closed:
            report({"closed": closed.code})


asyncio.run(main(sys.argv[1], "--json" in sys.argv[2:]))
