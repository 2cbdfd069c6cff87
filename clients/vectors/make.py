"""
Makes the vectors that all clients are tested by: steps of a session, with the messages of the server as bytes.

    python clients/vectors/make.py            writes clients/vectors/session.json
    python clients/vectors/make.py --check    fails where that file, or the descriptors of the Python client, are not what this makes

Needs `protobuf`. A message is written in the readable form of Protobuf's JSON with the names of the schema; record ids are numbers,
partition * 2^48 + offset.
"""

import json
import sys
from pathlib import Path

from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

ROOT = Path(__file__).resolve().parents[2]
VECTORS = ROOT / "clients/vectors/session.json"
PACKAGED = ROOT / "clients/python/src/updraft_client/live.binpb"
WANTED = ("google/protobuf/descriptor.proto", "updraft/v1/common.proto", "updraft/v1/live.proto")

DEVICE = 0x110B90
HERE = {"circle": {"latitude_deg": 46.6, "longitude_deg": 8, "radius_km": 50}}
KINDS = [1, 2, 3, 6]


def descriptors():
    everything = descriptor_pb2.FileDescriptorSet.FromString((ROOT / "schemas/descriptors.binpb").read_bytes())
    found = {file.name: file for file in everything.file}
    if WANTED[0] not in found:
        own = descriptor_pb2.FileDescriptorProto()
        descriptor_pb2.DESCRIPTOR.CopyToProto(own)
        found[own.name] = own
    # Comments are no part of the contract, and most of the bytes.
    for file in found.values():
        file.ClearField("source_code_info")
    return descriptor_pb2.FileDescriptorSet(file=[found[name] for name in WANTED])


def aircraft(**some):
    return {"device": DEVICE, "latitude_e7": 466000000, "longitude_e7": 80000000, "kind_and_phase": 2 + 32 * 2, "version": 10, **some}


def ground(**some):
    return {"device": DEVICE, "latitude_e7": 466000000, "longitude_e7": 80000000, "ground_kind": 10, "version": 11, **some}


def want(region=HERE, follow=(), fleet=None):
    return {"do": "want", "region": region, "kinds": KINDS, "follow": list(follow), **({} if fleet is None else {"fleet": fleet})}


def receive(**message):
    return {"do": "receive", "message": message}


def welcome(epoch="e1", **some):
    return receive(welcome={"server_at_us": 0, "version": "1", "epoch": epoch, "heartbeat_interval_s": 30, **some})


def snapshot(request_id=0, live=True, cells=("u0",), **some):
    return receive(snapshot={"request_id": request_id, "page": some.pop("page", 0), "live": live, "cells": list(cells), **some})


def updates(removals=(), stale=None, **objects):
    return receive(updates={"objects": objects, "removals": list(removals), **({} if stale is None else {"stale": stale})})


def checkpoint(token="t1"):
    return receive(checkpoint={"resume": token})


def passing(ms):
    return {"do": "tick", "ms": ms}


def close(code):
    return {"do": "close", "code": code}


def expect(**some):
    return {"do": "expect", **some}


def connected(query):
    """The last step requested a connection with these parameters, and maybe others."""
    return expect(effects=["connect"], query=query)


LIVE = [want(), welcome(), snapshot(objects={"aircraft": [aircraft(name="Anna")]}), expect(status="live")]

VECTORS_OF = {
    "the first connection asks in its address": [
        want(), connected({"lat": "46.60000", "lon": "8.00000", "radius": "50", "kinds": "aircraft,ground,thermal,alert"}),
        expect(status="connecting"), welcome(), expect(status="loading", effects=["send"]),
    ],
    "it is live after the last page": [
        want(), welcome(), snapshot(live=False, objects={"aircraft": [aircraft()]}), expect(status="loading"),
        snapshot(page=1, cells=[], objects={"aircraft": [aircraft(device=5)]}), expect(status="live", aircraft={"110B90": {}, "000005": {}}),
    ],
    "values come in units that people read": [
        *LIVE, updates(aircraft=[aircraft(version=11, altitude_m=-2, speed_dkmh=381, climb_cmps=-120, course_deg=235, kind_and_phase=7 + 32 * 3 + 1024 * 15, age_ds=25)]),
        expect(aircraft={"110B90": {"version": 11, "latitude_deg": 46.6, "longitude_deg": 8.0, "altitude_m": -2, "speed_kmh": 38.1, "climb_mps": -1.2,
                                    "course_deg": 235, "kind": 7, "phase": 3, "alert": 15, "name": "Anna", "age_s": 2.5}}),
    ],
    "an absent field is not known, and a zero is": [
        *LIVE, updates(aircraft=[aircraft(version=11, climb_cmps=0)]), expect(aircraft={"110B90": {"climb_mps": 0, "altitude_m": None}}),
    ],
    "an older version is ignored, the same again is taken": [
        *LIVE, updates(aircraft=[aircraft(version=9, altitude_m=900)]), expect(aircraft={"110B90": {"version": 10, "altitude_m": None}}),
        updates(aircraft=[aircraft(version=10, altitude_m=1000)]), expect(aircraft={"110B90": {"version": 10, "altitude_m": 1000}}),
    ],
    "a removed object is revived by a higher version alone": [
        *LIVE, updates(removals=[{"object_kind": 1, "device": DEVICE, "version": 12}]), expect(aircraft={}),
        updates(aircraft=[aircraft(version=12)]), expect(aircraft={}),
        updates(aircraft=[aircraft(version=13)]), expect(aircraft={"110B90": {"version": 13}}),
    ],
    "a removal that is older than the state is ignored": [
        *LIVE, updates(removals=[{"object_kind": 1, "device": DEVICE, "version": 9}]), expect(aircraft={"110B90": {}}),
    ],
    "an object that leaves the region is dropped, and comes back": [
        *LIVE, updates(aircraft=[aircraft(version=11, latitude_e7=100000000, longitude_e7=100000000)]), expect(aircraft={}),
        updates(aircraft=[aircraft(version=12)]), expect(aircraft={"110B90": {"version": 12}}),
    ],
    "a followed device is kept outside of the region": [
        want(follow=[DEVICE]), welcome(), snapshot(), passing(400), expect(effects=["send"]),
        snapshot(request_id=2, objects={"aircraft": [aircraft(latitude_e7=100000000, longitude_e7=100000000)]}), expect(aircraft={"110B90": {}}),
        want(), expect(aircraft={}),
    ],
    "the devices of a fleet are kept wherever they are, until it ends": [
        *LIVE, want(fleet="red"), passing(400), expect(effects=["send"], fleet="red"),
        snapshot(request_id=2, fleet={"fleet_id": "red", "devices": [5, 6]}, objects={"aircraft": [aircraft(device=5, latitude_e7=100000000, longitude_e7=100000000)]}),
        expect(aircraft={"110B90": {}, "000005": {}}),
        receive(updates={"fleet": {"fleet_id": "red", "devices": [6]}, "objects": {"aircraft": [aircraft(device=6, latitude_e7=100000000, longitude_e7=100000000)]}}),
        expect(aircraft={"110B90": {}, "000006": {}}),
        receive(error={"code": "fleet_ended", "message": "it has ended"}), expect(aircraft={"110B90": {}}, error="it has ended"),
        passing(5000), expect(effects=["send"], fleet=""), want(), passing(400), expect(effects=[]),
    ],
    "a device that lands is a ground object and no aircraft": [
        *LIVE, updates(ground=[ground()], removals=[{"object_kind": 1, "device": DEVICE, "version": 11}]), expect(aircraft={}, ground=["110B90"]),
        updates(aircraft=[aircraft(version=10)]), expect(aircraft={}, ground=["110B90"]),
        updates(aircraft=[aircraft(version=12)]), expect(aircraft={"110B90": {}}, ground=[]),
    ],
    "ids of records are exact where a double is not": [
        *LIVE, updates(thermals=[{"thermal_id": (65535 << 48) + (1 << 48) - 1, "latitude_e7": 466000000, "longitude_e7": 80000000, "version": 1}],
                       alerts=[{"alert_id": (17 << 48) + 123456, "device": DEVICE, "alert_kind": 9, "status": 1, "version": 1}]),
        expect(thermals=["65535-281474976710655"], alerts=["17-123456"]),
        updates(removals=[{"object_kind": 6, "record_id": (17 << 48) + 123456, "version": 2}]), expect(alerts=[]),
    ],
    "a landmark is shown until its removal": [
        *LIVE, updates(landmarks=[{"landmark_id": (17 << 48) + 5, "device": DEVICE, "latitude_e7": 466000000, "longitude_e7": 80000000,
                                   "layer": 2, "shape": 2, "latitudes_e7": [466100000], "longitudes_e7": [80100000], "text": "Wires", "version": 1}]),
        expect(landmarks=["17-5"]),
        updates(removals=[{"object_kind": 7, "record_id": (17 << 48) + 5, "version": 2}]), expect(landmarks=[]),
    ],
    "a broken connection is resumed, and what was removed meanwhile is dropped": [
        *LIVE, updates(aircraft=[aircraft(device=5, version=20)]), checkpoint(), close(1006), expect(status="waiting"),
        passing(499), expect(effects=[]), passing(1), connected({"resume": "t1"}),
        welcome(), snapshot(resumed=True, objects={"aircraft": [aircraft(version=30)]}), expect(aircraft={"110B90": {"version": 30, "name": "Anna"}, "000005": {}}),
        receive(present={"aircraft_devices": [DEVICE]}), expect(aircraft={"110B90": {}}),
    ],
    "a token that was of no use is forgotten with everything": [
        *LIVE, checkpoint(), close(1006), passing(500), connected({"resume": "t1"}), welcome(), snapshot(resumed=False), expect(aircraft={}, status="live"),
        close(1006), passing(500), connected({"resume": None}),
    ],
    "another epoch is another world": [
        *LIVE, close(1006), passing(500), welcome(epoch="e2"), expect(aircraft={}),
    ],
    "each close code has its own wait": [
        *LIVE, close(1001), passing(4999), expect(effects=[]), passing(1), connected({}),
        welcome(), snapshot(), close(4003), passing(59999), expect(effects=[]), passing(1), connected({}),
        welcome(), snapshot(), close(4000), passing(200), connected({}),
    ],
    "attempts that fail wait longer each time": [
        want(), close(1006), passing(500), connected({}), close(1006), passing(999), expect(effects=[]), passing(1), connected({}),
        close(1006), passing(1999), expect(effects=[]), passing(1), connected({}), welcome(), close(1006), passing(500), connected({}),
    ],
    "a line that was too slow gets a slower rate": [
        *LIVE, close(4001), passing(500), connected({"rate": "1s"}), welcome(), snapshot(), close(4001), passing(500), connected({"rate": "5s"}),
    ],
    "the rate changes on the open connection": [
        *LIVE, {"do": "rate", "rate": "30s"}, passing(400), expect(effects=["send"], rate=4), passing(400), expect(effects=[]),
    ],
    "a pause closes, keeps the picture, and ends with the token": [
        *LIVE, checkpoint(), {"do": "pause"}, expect(effects=["disconnect"], status="paused"), close(1006), passing(3600000),
        expect(effects=[], status="paused", aircraft={"110B90": {}}), {"do": "unpause"}, connected({"resume": "t1"}),
    ],
    "a silent server is left": [
        *LIVE, passing(30000), expect(effects=["send"]), passing(30001), expect(effects=["disconnect"]),
    ],
    "a server without fresh data says so": [
        *LIVE, expect(stale=False), updates(stale=True), expect(stale=True), updates(), expect(stale=True), updates(stale=False), expect(stale=False),
        passing(15001), expect(stale=True),
    ],
    "a refusal is reported and not repeated": [
        *LIVE, want(follow=[1]), passing(400), expect(effects=["send"]),
        receive(error={"request_id": 2, "code": "too_many_devices", "message": "too many"}), expect(error="too many"), passing(5000), expect(effects=[]),
    ],
    "fields of a later version are ignored": [*LIVE, {"do": "receive", "frame": "32020805a20603616263"}, expect(status="live")],
}


def main():
    files = descriptors()
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    server_message = message_factory.GetMessageClass(pool.FindMessageTypeByName("updraft.v1.ServerMessage"))
    for steps in VECTORS_OF.values():
        for step in steps:
            if "message" in step:
                step["frame"] = json_format.ParseDict(step["message"], server_message(), descriptor_pool=pool).SerializeToString(deterministic=True).hex()
    about = "Made by make.py. Steps of a session whose random numbers are 1; the clock stands still but for `tick`, which passes so many ms."
    cases = [{"name": name, "steps": [{key: value for key, value in step.items() if key != "message"} for step in steps]} for name, steps in VECTORS_OF.items()]
    text = "{\n" + f'  "about": {json.dumps(about)},\n  "cases": [\n' + ",\n".join(
        f'    {{"name": {json.dumps(case["name"])}, "steps": [\n' + ",\n".join(f"      {json.dumps(step)}" for step in case["steps"]) + "\n    ]}" for case in cases
    ) + "\n  ]\n}\n"
    made = {VECTORS: text.encode(), PACKAGED: files.SerializeToString(deterministic=True)}
    if sys.argv[1:] == ["--check"]:
        old = [str(path.relative_to(ROOT)) for path, content in made.items() if not path.exists() or path.read_bytes() != content]
        sys.exit(f"not as clients/vectors/make.py makes them: {', '.join(old)}; run it without --check" if old else None)
    for path, content in made.items():
        path.write_bytes(content)


main()
