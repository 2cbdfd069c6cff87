"""python watch.py ws://localhost:8090 LATITUDE LONGITUDE RADIUS_KM [DEVICE...]

Needs websockets and protobuf, and the classes made of the contract:

    python -m grpc_tools.protoc -I schemas/proto --python_out=examples/clients/python \
        updraft/v1/common.proto updraft/v1/live.proto
"""

import asyncio
import json
import random
import sys
from urllib.parse import urlencode

import websockets
from picture import Picture
from updraft.v1 import live_pb2

# From the fastest to the slowest: a line that was too slow gets the next.
RATES = ("live", "1s", "5s", "30s")
# Our own fault: coming back would only repeat it.
REPAIR = (1002, 1003, 1007, 1009, 4002, 4004)


def tell(event):
    print(json.dumps(event), flush=True)


class Client:
    """One subscription that stays: it connects, comes back by itself, and goes on where it was."""

    def __init__(self, url, region, follow):
        self.url, self.region, self.follow = url, region, follow
        self.picture = Picture(tell, follow)
        self.resume = self.epoch = self.resumed = None
        self.rate = self.failures = 0

    async def run(self):
        while True:
            code = await self.connection()
            wait = None if code in REPAIR else self.wait(code)
            self.failures += 1
            tell({"event": "closed", "code": code, "wait_s": wait})
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
            # Pings keep the line alive from both sides: the library answers the server's, and sends its own.
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
            tell({"event": "welcome", "epoch": self.epoch})
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
                tell({"event": "stale", "stale": message.updates.stale})
        elif which == "present":
            self.picture.present(message.present)
        elif which == "checkpoint":
            self.resume = message.checkpoint.resume
            tell({"event": "checkpoint"})
        elif which == "error":
            tell({"event": "error", "code": message.error.code})

    async def live(self, socket, snapshot):
        self.failures = 0
        # The address has no room for followed devices: they are asked for here, after a resume again.
        if snapshot.request_id == 0 and self.follow:
            subscribe = live_pb2.Subscribe(follow_devices=self.follow)
            await socket.send(live_pb2.ClientMessage(request_id=1, subscribe=subscribe).SerializeToString())
        tell({"event": "live", "resumed": self.resumed, "objects": len(self.picture.objects)})

    def wait(self, code):
        """Seconds to stay away."""
        if code == 4003:
            return 60.0
        if code == 4001:
            self.rate = min(self.rate + 1, len(RATES) - 1)
        if self.failures == 0 and code == 4000:
            return 0.0
        if self.failures == 0 and code == 1001:
            return random.uniform(0, 5)
        # Doubled up to half a minute, and never all at the same time.
        return min(30.0, 0.5 * 2**self.failures) * random.uniform(0.5, 1)


if __name__ == "__main__":
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    url, lat, lon, radius, *devices = sys.argv[1:]
    region = {"lat": lat, "lon": lon, "radius": radius}
    try:
        asyncio.run(Client(url, region, [int(device, 16) for device in devices]).run())
    except KeyboardInterrupt:
        pass
