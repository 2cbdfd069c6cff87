"""
The messages of the protocol, from the descriptors that come with the package. A pool of its own keeps them apart from other programs'
copies of the same files, and no generated code ties the package to one version of protobuf.
"""

from importlib.resources import files
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

DESCRIPTORS = "live.binpb"


def _load() -> descriptor_pool.DescriptorPool:
    found = descriptor_pb2.FileDescriptorSet.FromString(files(__package__).joinpath(DESCRIPTORS).read_bytes())
    pool = descriptor_pool.DescriptorPool()
    for file in found.file:
        pool.Add(file)
    return pool


_POOL = _load()


def _message(name: str) -> Any:
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(f"updraft.v1.{name}"))


ServerMessage = _message("ServerMessage")
ClientMessage = _message("ClientMessage")
Subscribe = _message("Subscribe")
Objects = _message("Objects")


def optional(message: Any, field: str) -> Any:
    """The value of a field, or None where it is absent."""
    return getattr(message, field) if message.HasField(field) else None
