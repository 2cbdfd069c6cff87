"""python examples/clients/python/watch.py ws://localhost:8090 LATITUDE LONGITUDE RADIUS_KM [DEVICE...]

Needs packages, and the classes made of the contract; at the root of the repository:

    pip install websockets protobuf grpcio-tools
    python -m grpc_tools.protoc -Ischemas/proto --python_out=examples/clients/python \
        schemas/proto/updraft/v1/common.proto schemas/proto/updraft/v1/live.proto
"""

import asyncio
import json
import random
import sys
from urllib.parse import urlencode

import websockets
from picture import Picture
from updraft.v1 import live_pb2

# From the fastest to the slowest: after a slow connection the next one is used.
RATES = ("live", "1s", "5s", "30s")
# Errors of the client: reconnecting would only repeat them.
FATAL_CODES = (1002, 1003, 1007, 1009, 4002, 4004)


def report(event):
    print(json.dumps(event), flush=True)


class Client:
    """A persistent subscription: it connects, reconnects by itself, and continues where it was."""

    def __init__(self, url, region, follow):
        self.url, self.region, self.follow = url, region, follow
        self.picture = Picture(report, follow)
        self.resume = self.epoch = self.resumed = None
        self.rate = self.failures = 0

    async def run(self):
        while True:
            code = await self.connection()
            wait = None if code in FATAL_CODES else self.wait(code)
            self.failures += 1
            report({"event": "closed", "code": code, "wait_s": wait})
            if wait is None:
                sys.exit(1)
            await asyncio.sleep(wait)

    async def connection(self):
        """Reads one connection to its end, and returns its close code (1006: it broke)."""
        query = {**self.region, "rate": RATES[self.rate]}
        # A token continues the subscription that it was given for: the same region, the same kinds.
        if self.resume:
            query["resume"] = self.resume
        url = f"{self.url}/ws/v1/updates?{urlencode(query)}"
        try:
            # Pings keep the connection alive from both sides: the library answers the server's, and sends its own.
            async with websockets.connect(url, subprotocols=["updraft.v1.proto"], max_size=None) as socket:
                async for frame in socket:
                    await self.take(socket, live_pb2.ServerMessage.FromString(frame))
                return socket.close_code or 1006
        except websockets.ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006
        except (OSError, websockets.InvalidHandshake, TimeoutError):
            return 1006

    async def take(self, socket, message):
        which = message.WhichOneof("message")
        if which == "welcome":
            if self.epoch not in (None, message.welcome.epoch):
                self.picture.clear()
            self.epoch = message.welcome.epoch
            report({"event": "welcome", "epoch": self.epoch})
        elif which == "snapshot":
            snapshot = message.snapshot
            if snapshot.page == 0:
                self.resumed = snapshot.resumed if snapshot.HasField("resumed") else None
                if self.resumed is False:
                    self.resume = None
            self.picture.snapshot(snapshot)
            if snapshot.live:
                await self.live(socket, snapshot)
        elif which == "updates":
            self.picture.updates(message.updates)
            if message.updates.HasField("stale"):
                report({"event": "stale", "stale": message.updates.stale})
        elif which == "present":
            self.picture.present(message.present)
        elif which == "checkpoint":
            self.resume = message.checkpoint.resume
            report({"event": "checkpoint"})
        elif which == "error":
            report({"event": "error", "code": message.error.code})

    async def live(self, socket, snapshot):
        self.failures = 0
        # The URL has no parameter for followed devices: subscribe to them here, also after a resume.
        if snapshot.request_id == 0 and self.follow:
            subscribe = live_pb2.Subscribe(follow_devices=self.follow)
            await socket.send(live_pb2.ClientMessage(request_id=1, subscribe=subscribe).SerializeToString())
        report({"event": "live", "resumed": self.resumed, "objects": len(self.picture.objects)})

    def wait(self, code):
        """Seconds until the reconnect."""
        if code == 4003:
            return 60.0
        if code == 4001:
            self.rate = min(self.rate + 1, len(RATES) - 1)
        if self.failures == 0 and code == 4000:
            return 0.0
        if self.failures == 0 and code == 1001:
            return random.uniform(0, 5)
        # Full jitter: a random time up to a ceiling that doubles to half a minute.
        return min(30.0, 0.5 * 2**self.failures) * random.random()


if __name__ == "__main__":
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    url, lat, lon, radius, *devices = sys.argv[1:]
    region = {"lat": lat, "lon": lon, "radius": radius}
    try:
        asyncio.run(Client(url, region, [int(device, 16) for device in devices]).run())
    except KeyboardInterrupt:
        pass
