"""Client of the live protocol of Updraft: it connects, keeps the air picture of a region, and comes back by itself."""

from .address import format_address, parse_address
from .client import Change, Client
from .objects import Aircraft, Alert, Ground, Kind, Landmark, Receiver, Station, Thermal, Tracked
from .picture import AirPicture
from .session import Connect, Disconnect, Effect, Send, Session, Status
from .subscription import Bounds, Circle, Rate, Subscription
from .zone_event import ZoneEvent

__all__ = [
    "AirPicture", "Aircraft", "Alert", "Bounds", "Change", "Circle", "Client", "Connect", "Disconnect", "Effect", "Ground", "Kind", "Landmark",
    "Rate", "Receiver", "Send", "Session", "Station", "Status", "Subscription", "Thermal", "Tracked", "ZoneEvent", "format_address", "parse_address",
]
