"""The client over a real socket, against a server that speaks the protocol."""

import asyncio
import contextlib
from dataclasses import replace

import pytest
from websockets.asyncio.server import serve

from updraft_client import Circle, Client, Kind, Subscription, format_address, parse_address
from updraft_client.cells import CellSet, cell_of
from updraft_client.wire import ServerMessage

HERE = Subscription(Circle(46.6, 8.0, 50), (Kind.AIRCRAFT,))
DEVICE = 0x110B90


def message(**fields):
    return ServerMessage(**fields).SerializeToString()


def state(version, altitude_m):
    aircraft = {"device": DEVICE, "latitude_e7": 466_000_000, "longitude_e7": 80_000_000, "kind_and_phase": 66, "version": version, "altitude_m": altitude_m}
    return {"aircraft": [aircraft]}


class Server:
    """Sends a snapshot, then what a test says; keeps the address of each connection."""

    def __init__(self):
        self.paths = []
        self.sockets = []

    async def handle(self, socket):
        self.paths.append(socket.request.path)
        self.sockets.append(socket)
        await socket.send(message(welcome={"epoch": "e1", "heartbeat_interval_s": 30}))
        await socket.send(message(snapshot={"page": 0, "live": True, "cells": ["u0"], "objects": state(1, 1000)}))
        await socket.send(message(checkpoint={"resume": "t1"}))
        await socket.wait_closed()


@contextlib.asynccontextmanager
async def server():
    handler = Server()
    async with serve(handler.handle, "127.0.0.1", 0, subprotocols=["updraft.v1.proto"]) as listening:
        handler.url = f"ws://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        yield handler


async def until(is_true, deadline_s=10):
    async with asyncio.timeout(deadline_s):
        while not is_true():
            await asyncio.sleep(0.01)


async def reads_changes():
    async with server() as there, Client(there.url, HERE) as client:
        changes = client.changes()
        first = await asyncio.wait_for(anext(changes), 10)
        assert (first.kind, first.key, first.value.altitude_m) == (Kind.AIRCRAFT, DEVICE, 1000)
        await there.sockets[0].send(message(updates={"objects": state(2, 1100)}))
        assert (await asyncio.wait_for(anext(changes), 10)).value.altitude_m == 1100
        await there.sockets[0].send(message(updates={"removals": [{"object_kind": 1, "device": DEVICE, "version": 3}]}))
        assert (await asyncio.wait_for(anext(changes), 10)).value is None
        assert there.paths[0].startswith("/ws/v1/updates?lat=46.60000&lon=8.00000&radius=50&kinds=aircraft")


async def reads_zone_events():
    asked = replace(HERE, zone_events=True)
    async with server() as there, Client(there.url, asked) as client:
        await until(lambda: client.status == "live")
        assert "zone_events=true" in there.paths[0]
        event = {"event_id": "1-2/alps/bern", "device": DEVICE, "event_at_us": 5_000_000, "event_kind": 1, "set": "alps", "latitude_e7": 465_000_000}
        await there.sockets[0].send(message(zone_events={"events": [event, event | {"event_kind": 2}]}))
        events = client.zone_events()
        first, second = [await asyncio.wait_for(anext(events), 10) for _ in range(2)]
        assert (first.event_id, first.address, first.at_s, first.latitude_deg, first.altitude_m) == ("1-2/alps/bern", "110B90", 5.0, 46.5, None)
        assert (first.entered, second.entered) == (True, False)


async def comes_back():
    async with server() as there, Client(there.url, HERE) as client:
        await until(lambda: client.session.status == "live" and client.session._resume)
        await there.sockets[0].close(1001)
        await until(lambda: len(there.paths) == 2)
        assert "resume=t1" in there.paths[1]
        await client.pause()
        assert (client.status, len(client.picture.aircraft)) == ("paused", 1)
        await client.unpause()
        await until(lambda: client.status == "live" and len(there.paths) == 3)


async def leaves_nonsense():
    async with server() as there, Client(there.url, HERE) as client:
        await until(lambda: client.status == "live")
        await there.sockets[0].send(b"\x0a\xff")
        await until(lambda: client.status == "waiting")


def test_changes_are_read():
    asyncio.run(reads_changes())


def test_zone_events_are_read():
    asyncio.run(reads_zone_events())


def test_comes_back_and_pauses():
    asyncio.run(comes_back())


def test_unreadable_message_ends_the_connection():
    asyncio.run(leaves_nonsense())


def test_addresses():
    assert format_address(DEVICE) == "110B90" and parse_address("110b90") == DEVICE
    with pytest.raises(ValueError, match="expected six hex digits"):
        parse_address("110B9")


def test_cells_agree_with_published_geohashes():
    assert cell_of(57.64911, 10.40744, 11) == "u4pruydqqvj"
    assert CellSet([cell_of(-17, 179.9, 3)]).contains(-17, -180)
    assert not CellSet([]).contains(46, 8)
