"""The socket around a session."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

from google.protobuf.message import DecodeError
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI
from websockets.typing import Subprotocol

from .objects import Kind, Tracked
from .picture import AirPicture, Key
from .session import Connect, Disconnect, Effect, Send, Session, Status
from .subscription import Rate, Subscription
from .wire import ServerMessage
from .zone_event import ZoneEvent

SUBPROTOCOL = Subprotocol("updraft.v1.proto")
PATH = "/ws/v1/updates"
TICK_S = 0.2
ABNORMAL = 1006
UNREADABLE = 1007
# Events that wait for a reader.
MAX_ZONE_EVENTS = 1000

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Change:
    """The newest state of an object; `value` is None where it is not shown any more."""

    kind: Kind
    key: Key
    value: Tracked | None


class Client:
    """
    One subscription that stays. `url`: of the server, `wss://example.org`, without the path of the endpoint.

        async with Client("wss://example.org", Subscription(Circle(46.6, 8.0, 50))) as client:
            async for change in client.changes():
                print(change)
    """

    def __init__(self, url: str, subscription: Subscription) -> None:
        # Per object the newest change alone: a reader that is slow misses steps and no state, and nothing grows without a bound.
        self._changed: dict[tuple[Kind, Key], Tracked | None] = {}
        self._changes = asyncio.Event()
        self.picture = AirPicture(self._observe)
        # The newest ones: of a reader that is slow the oldest are dropped.
        self._zone_events: deque[ZoneEvent] = deque(maxlen=MAX_ZONE_EVENTS)
        self._zone_changes = asyncio.Event()
        self.session = Session(self.picture, on_zone_event=self._keep_zone_event)
        self._url = url.rstrip("/") + PATH
        self._wanted = subscription
        self._socket: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None
        self._runner: asyncio.Task[None] | None = None

    @property
    def status(self) -> Status:
        return self.session.status

    async def __aenter__(self) -> Self:
        self._runner = asyncio.create_task(self._run(), name="updraft-client")
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._runner:
            self._runner.cancel()
            await asyncio.gather(self._runner, return_exceptions=True)
        await self._close()

    async def changes(self) -> AsyncIterator[Change]:
        """Each change of the air picture; of an object that changes faster than it is read, the newest. One reader at a time."""
        while True:
            while self._changed:
                kind, key = next(iter(self._changed))
                yield Change(kind, key, self._changed.pop((kind, key)))
            if not await self._runs_until(self._changes):
                return

    async def zone_events(self) -> AsyncIterator[ZoneEvent]:
        """Aircraft that enter and leave zones, where the subscription asks for them. One reader at a time."""
        while True:
            while self._zone_events:
                yield self._zone_events.popleft()
            if not await self._runs_until(self._zone_changes):
                return

    async def _runs_until(self, changes: asyncio.Event) -> bool:
        """Waits for changes. False: the client has ended before."""
        changes.clear()
        waiter = asyncio.create_task(changes.wait())
        try:
            done, _ = await asyncio.wait({waiter, *([self._runner] if self._runner else [])}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiter.cancel()
        if self._runner and self._runner in done:
            if not self._runner.cancelled():
                self._runner.result()  # Raises what ended it.
            return False
        return True

    def want(self, subscription: Subscription) -> None:
        """Changes what is subscribed to."""
        self._wanted = subscription

    def set_rate(self, rate: Rate) -> None:
        self.session.set_rate(rate)

    async def pause(self) -> None:
        """Closes the connection until `unpause`: what is known stays."""
        await self._do(self.session.pause())

    async def unpause(self) -> None:
        """Connects again after `pause`, and catches up."""
        await self._do(self.session.unpause(time.time()))

    def _keep_zone_event(self, event: ZoneEvent) -> None:
        self._zone_events.append(event)
        self._zone_changes.set()

    def _observe(self, kind: Kind, key: Key, value: Tracked | None) -> None:
        self._changed[kind, key] = value
        self._changes.set()

    async def _run(self) -> None:
        while True:
            await self._do(self.session.want(self._wanted, time.time()))
            await self._do(self.session.tick(time.time()))
            await asyncio.sleep(TICK_S)

    async def _do(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Connect(query):
                    await self._close()
                    self._reader = asyncio.create_task(self._read(f"{self._url}?{urlencode(query)}"), name="updraft-client-reader")
                case Send(message):
                    await self._send(message)
                case Disconnect():
                    await self._close()
                    self.session.closed(ABNORMAL, time.time())

    async def _read(self, url: str) -> None:
        code = ABNORMAL
        try:
            async with connect(url, subprotocols=[SUBPROTOCOL], max_size=None) as socket:
                self._socket = socket
                async for frame in socket:
                    if not isinstance(frame, bytes):
                        raise DecodeError("a text frame on the subprotocol of binary messages")
                    await self._do(self.session.received(ServerMessage.FromString(frame), time.time()))
                code = socket.close_code or ABNORMAL
        except ConnectionClosed as closed:
            code = closed.rcvd.code if closed.rcvd else ABNORMAL
        except DecodeError as error:
            _log.error("a message of the server could not be read (%s): the connection is closed and opened again", error)
            code = UNREADABLE
        except (OSError, InvalidHandshake, InvalidURI, TimeoutError) as error:
            _log.debug("no connection to %s: %s", self._url, error)
        except Exception:
            # The connection is opened again after a minute; without this line the session would count it as open.
            _log.exception("the connection to %s failed unexpectedly", self._url)
            code = UNREADABLE
        self._socket = self._reader = None
        await self._do(self.session.closed(code, time.time()))

    async def _send(self, message: Any) -> None:
        if self._socket is None:
            return
        try:
            await self._socket.send(message.SerializeToString())
        except ConnectionClosed:
            # The reader reports the end of the connection.
            pass

    async def _close(self) -> None:
        reader, self._reader, self._socket = self._reader, None, None
        if reader and reader is not asyncio.current_task():
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)
