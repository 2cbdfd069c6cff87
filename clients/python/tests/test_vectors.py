"""Runs the test vectors that all clients share against `Session`."""

import json
from pathlib import Path

import pytest

from updraft_client import AirPicture, Bounds, Circle, Connect, Disconnect, Kind, Send, Session, Subscription, format_address
from updraft_client.wire import ServerMessage

VECTORS = Path(__file__).resolve().parents[2] / "vectors/session.json"
CASES = json.loads(VECTORS.read_text())["cases"]
NAMES = {Connect: "connect", Send: "send", Disconnect: "disconnect"}
# The names of the vectors that differ in this client: of the vectors, then of the client.
FIELDS = {"kind": "aircraft_kind", "alert": "alert_kind"}


class VectorRunner:
    def __init__(self):
        # The longest of the possible delays, so that the times of the vectors hold.
        self.session = Session(AirPicture(), lambda: 1.0)
        self.now = 1_000_000.0
        self.effects = []

    def step(self, step):
        session, now = self.session, self.now
        match step["do"]:
            case "want":
                [(form, values)] = step["region"].items()
                region = Circle(**values) if form == "circle" else Bounds(**values)
                self.effects = session.want(Subscription(region, tuple(map(Kind, step["kinds"])), tuple(step["follow"]), fleet=step.get("fleet")), now)
            case "receive":
                self.effects = session.received(ServerMessage.FromString(bytes.fromhex(step["frame"])), now)
            case "tick":
                self.now += step["ms"] / 1000
                self.effects = session.tick(self.now)
            case "close":
                self.effects = session.closed(step["code"], now)
            case "rate":
                session.set_rate(step["rate"])
            case "pause":
                self.effects = session.pause()
            case "unpause":
                self.effects = session.unpause(now)
            case "expect":
                self.expect(step)
            case unknown:
                raise ValueError(f"unknown step {unknown!r}: expected want, receive, tick, close, rate, pause, unpause or expect")

    def expect(self, step):
        session, picture = self.session, self.session.picture
        if "status" in step:
            assert session.status == step["status"]
        if "effects" in step:
            assert [NAMES[type(effect)] for effect in self.effects] == step["effects"]
        if "query" in step:
            for name, value in step["query"].items():
                assert self.effects[0].query.get(name) == value
        if "rate" in step:
            assert self.effects[-1].message.subscribe.rate == step["rate"]
        if "fleet" in step:
            assert self.effects[-1].message.subscribe.fleet == step["fleet"]
        if "stale" in step:
            assert session.is_stale(self.now) == step["stale"]
        if "error" in step:
            assert session.last_error == step["error"]
        if "aircraft" in step:
            assert {format_address(device) for device in picture.aircraft} == set(step["aircraft"])
            for address, fields in step["aircraft"].items():
                found = picture.aircraft[int(address, 16)]
                for name, value in fields.items():
                    actual = self.now - found.at_s if name == "age_s" else getattr(found, FIELDS.get(name, name))
                    assert actual == (None if value is None else pytest.approx(value)) if not isinstance(value, str) else actual == value
        if "ground" in step:
            assert [format_address(device) for device in picture.ground] == step["ground"]
        for name in ("thermals", "alerts"):
            if name in step:
                assert list(getattr(picture, name)) == step[name]


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_vector(case):
    bench = VectorRunner()
    for step in case["steps"]:
        bench.step(step)
