"""The client's side of the protocol as a state machine: it touches no socket and reads no clock. Times are seconds."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

from .objects import Arrival
from .picture import AirPicture
from .subscription import RATES, Rate, Subscription, interval_s
from .wire import ClientMessage, optional
from .zone_event import ZoneEvent, zone_event

Status = Literal["idle", "connecting", "loading", "live", "waiting", "paused"]

BASE_S, CAP_S = 0.5, 20.0
MINUTE_S = 60.0
GOING_AWAY, SILENT, SLOW, TOO_MANY = 1001, 4000, 4001, 4003
# The server could not read what this client sent: coming back at once would only repeat that.
MISUNDERSTOOD = (1002, 1003, 1007, 1009, 4002)
# A server sends something every 5 s, or as often as changes come; after so much longer what is known counts as stale.
QUIET_S = 15.0
# A refusal that ends by itself is asked about again after this time, and up to as much again.
ASK_AGAIN_S = 5.0
# Refusals of what the same subscription may get some seconds later.
PASSING = ("too_many_subscribes", "fleet_unavailable")
# The fleet was removed, or the credentials are of no member any more.
FLEET_ENDED = "fleet_ended"
DEFAULT_HEARTBEAT_S = 30.0
DEFAULT_SUBSCRIBES_PER_MINUTE = 30


@dataclass(frozen=True, slots=True)
class Connect:
    """Open a connection with this query."""

    query: dict[str, str]


@dataclass(frozen=True, slots=True)
class Send:
    message: Any


@dataclass(frozen=True, slots=True)
class Disconnect:
    """Close the connection."""


Effect = Connect | Send | Disconnect


def backoff_s(attempt: int, chance: Callable[[], float]) -> float:
    """How long to wait before attempt number `attempt` (from 0): full jitter, a random time up to a ceiling that doubles."""
    return chance() * min(CAP_S, BASE_S * 2 ** min(attempt, 16))


def stay_away_s(code: int, attempt: int, chance: Callable[[], float]) -> float:
    """How long to stay away after a close code. `attempt`: how many have failed in a row."""
    if attempt > 0:
        return max(backoff_s(attempt, chance), MINUTE_S if code in MISUNDERSTOOD else 0)
    if code == GOING_AWAY:
        return chance() * 5
    if code == SILENT:
        return chance() * 0.2
    if code == TOO_MANY or code in MISUNDERSTOOD:
        return MINUTE_S
    return backoff_s(attempt, chance)


class Session:
    """Takes what happens and answers what to do. `chance`: a random number from 0 to 1."""

    def __init__(
        self, picture: AirPicture, chance: Callable[[], float] = random.random, on_zone_event: Callable[[ZoneEvent], None] = lambda _: None,
    ) -> None:
        self.picture = picture
        self._on_zone_event = on_zone_event
        self.status: Status = "idle"
        self.last_error: str | None = None
        """What the server last refused, and why."""
        self._chance = chance
        self._connection = 0
        self._attempt = 0
        self._retry_at = float("inf")
        self._received_at: float | None = None
        self._silent_since = 0.0
        self._ping_at = float("inf")
        self._heartbeat_s = DEFAULT_HEARTBEAT_S
        self._subscribes_per_minute = DEFAULT_SUBSCRIBES_PER_MINUTE
        self._epoch: str | None = None
        self._server_stale = False
        self._line_rate = self._chosen_rate = self._asked_rate = 0
        self._wanted: Subscription | None = None
        self._asking: Subscription | None = None
        self._confirmed: Subscription | None = None
        # By request id; 0 is the one of the address.
        self._asked: dict[int, Subscription] = {}
        self._request_id = 0
        self._subscribes: list[float] = []
        # A token continues the subscription that it was given for, and no other.
        self._resume: tuple[str, Subscription] | None = None
        self._resuming = False
        # A fleet was named on this connection.
        self._had_fleet = False
        # One that the server does not give on this connection: with it, it would refuse the region too.
        self._refused_fleet: str | None = None
        # Nothing is requested before this time.
        self._not_before = 0.0

    @property
    def rate(self) -> Rate:
        """How often changes come at most: the slower one of what was chosen and of what the line could take."""
        return RATES[max(self._line_rate, self._chosen_rate)]

    def is_stale(self, now: float) -> bool:
        """True when what is known gets older and nothing renews it."""
        return self._server_stale or (self._received_at is not None and now - self._received_at > QUIET_S + interval_s(self.rate))

    def want(self, subscription: Subscription, now: float) -> list[Effect]:
        """Changes what is subscribed to. The first time it connects."""
        if subscription == self._wanted:
            return []
        self._wanted = subscription
        self.picture.set_followed(subscription.follow)
        return self._connect(now) if self.status == "idle" else []

    def set_rate(self, rate: Rate) -> None:
        """Chooses a rate class; an open connection changes to it at its next turn."""
        self._chosen_rate = RATES.index(rate)

    def pause(self) -> list[Effect]:
        """Closes the connection until `unpause`. What is known stays, and so does the resume token."""
        if self.status in ("paused", "idle"):
            return []
        connected = self.status != "waiting"
        self.status, self._retry_at = "paused", float("inf")
        return [Disconnect()] if connected else []

    def unpause(self, now: float) -> list[Effect]:
        """Connects again and catches up from the resume token."""
        return self._connect(now) if self.status == "paused" else []

    def hurry(self, now: float) -> list[Effect]:
        """The network is back: there is no reason to wait longer."""
        if self.status == "waiting":
            self._retry_at = now
        return self.tick(now)

    def received(self, message: Any, now: float) -> list[Effect]:
        """Takes a `ServerMessage`."""
        self._received_at = self._silent_since = now
        match message.WhichOneof("message"):
            case "welcome":
                return self._welcomed(message.welcome, now)
            case "snapshot":
                self._snapshot(message.snapshot, now)
            case "updates":
                self._updated(message.updates, now)
            case "present":
                self.picture.keep_present(message.present, self._connection, self._confirmed.follow if self._confirmed else ())
            case "zone_events":
                for event in message.zone_events.events:
                    self._on_zone_event(zone_event(event))
            case "checkpoint" if self._confirmed:
                self._resume = (message.checkpoint.resume, self._confirmed)
            case "error":
                # A refused subscription is requested again when it changes, or after a while where the refusal ends by itself; without its
                # fleet at once.
                refused = self._asked.pop(message.error.request_id, None) if message.error.HasField("request_id") else None
                self.last_error = message.error.message
                is_of_fleet = message.error.code.startswith("fleet_") and refused is not None and not self._asked
                if message.error.code == FLEET_ENDED or is_of_fleet:
                    self.picture.set_fleet(None)
                if message.error.code in PASSING:
                    if refused is self._asking:
                        self._asking = None
                    self._not_before = now + ASK_AGAIN_S * (1 + self._chance())
                elif message.error.code.startswith("fleet_"):
                    of = refused or self._asking
                    self._refused_fleet = of.fleet if of else None
        return []

    def closed(self, code: int, now: float) -> list[Effect]:
        """The connection is closed, with the code of its close frame (1006: without one)."""
        if code == SLOW:
            self._line_rate = min(RATES.index(self.rate) + 1, len(RATES) - 1)
        if self._resuming and self.status == "connecting":
            self._resume = None
        self._ping_at = float("inf")
        self._asked.clear()
        if self.status == "paused":
            return []
        self.status = "waiting"
        self._retry_at = now + stay_away_s(code, self._attempt, self._chance)
        self._attempt += 1
        return []

    def tick(self, now: float) -> list[Effect]:
        """To be called a few times per second."""
        if self.status == "waiting":
            return self._connect(now) if now >= self._retry_at else []
        if self.status in ("idle", "paused"):
            return []
        if now - self._silent_since > 2 * self._heartbeat_s:
            self._silent_since = now
            return [Disconnect()]
        return self._ping(now) + self._subscribe(now)

    def _connect(self, now: float) -> list[Effect]:
        if self._wanted is None:
            return []
        token, subscription = self._resume or (None, self._wanted)
        self.status = "connecting"
        self._connection += 1
        self._silent_since, self._retry_at = now, float("inf")
        self._resuming = token is not None
        # The address carries neither followed devices nor a fleet, without which there would be no connection where it is not allowed any
        # more: a subscription with some is requested again after the connection opens.
        self._asking = self._asked[0] = replace(subscription, follow=(), fleet=None)
        self._had_fleet, self._refused_fleet = False, None
        self._asked_rate = RATES.index(self.rate)
        return [Connect(subscription.query(self.rate, token))]

    def _welcomed(self, welcome: Any, now: float) -> list[Effect]:
        self.status = "loading"
        self._attempt = 0
        self._heartbeat_s = welcome.heartbeat_interval_s or DEFAULT_HEARTBEAT_S
        self._subscribes_per_minute = welcome.limits.max_subscribes_per_minute or DEFAULT_SUBSCRIBES_PER_MINUTE
        self._server_stale = False
        if self._epoch not in (None, welcome.epoch):
            self.picture.clear()
        self._epoch = welcome.epoch
        self._ping_at = now
        return self._ping(now)

    def _snapshot(self, snapshot: Any, now: float) -> None:
        subscription = self._asked.get(snapshot.request_id)
        if snapshot.page == 0:
            resumed = optional(snapshot, "resumed")
            if snapshot.request_id == 0 and (not self._resuming or resumed is False):
                self.picture.clear()
            # The token says that the client has what is dropped here: of another region, or of kinds that are not wanted any more.
            if resumed is False or snapshot.request_id != 0:
                self._resume = None
            # Before the cells, so that what stays is not dropped between them.
            is_unwanted = self._wanted is None or self._wanted.fleet is None
            if snapshot.HasField("fleet") or snapshot.request_id != 0 or is_unwanted:
                self.picture.set_fleet(snapshot.fleet.devices if snapshot.HasField("fleet") else None)
            if snapshot.cells:
                self.picture.set_cells(snapshot.cells)
            if subscription:
                self.picture.set_kinds(subscription.kinds)
        self.picture.put(snapshot.objects, Arrival(now, self._connection))
        if snapshot.live:
            self._asked.pop(snapshot.request_id, None)
            if subscription:
                self._confirmed = subscription
            self.status = "live"

    def _updated(self, batch: Any, now: float) -> None:
        if batch.HasField("fleet"):
            self.picture.set_fleet(batch.fleet.devices)
        self.picture.put(batch.objects, Arrival(now, self._connection))
        for removal in batch.removals:
            self.picture.remove(removal)
        stale = optional(batch, "stale")
        self._server_stale = self._server_stale if stale is None else stale

    def _ping(self, now: float) -> list[Effect]:
        if now < self._ping_at:
            return []
        self._ping_at = now + self._heartbeat_s
        self._request_id += 1
        message = ClientMessage(request_id=self._request_id)
        message.ping.SetInParent()
        return [Send(message)]

    def _subscribe(self, now: float) -> list[Effect]:
        wanted = self._wanted
        if wanted is None or self.status == "connecting" or 0 in self._asked or now < self._not_before:
            return []
        if self._refused_fleet is not None and wanted.fleet == self._refused_fleet:
            wanted = replace(wanted, fleet=None)
        if self._asking == wanted and self._asked_rate == RATES.index(self.rate):
            return []
        self._subscribes = [at for at in self._subscribes if now - at < MINUTE_S]
        if len(self._subscribes) >= self._subscribes_per_minute:
            return []
        self._subscribes.append(now)
        self._asking, self._asked_rate, self.last_error = wanted, RATES.index(self.rate), None
        self._request_id += 1
        self._asked[self._request_id] = wanted
        subscribe = wanted.message(self.rate, had_fleet=self._had_fleet)
        self._had_fleet = wanted.fleet is not None
        return [Send(ClientMessage(request_id=self._request_id, subscribe=subscribe))]
