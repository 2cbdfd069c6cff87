"""The Confluent wire format: which message of a schema a record has, and where it begins."""


def varint(value, at):
    """A zigzag varint and where the next byte is."""
    number, shift = 0, 0
    while True:
        byte = value[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return (number >> 1) ^ -(number & 1), at


def read(message, value):
    """A record's value as a `message` (a class that protoc made). The Confluent wire format has a zero byte, four bytes with the
    schema's id in the registry, the message indexes, then the message itself. The indexes are zigzag varints: how many, then
    each; a count of 0 stands for the one index 0, the first message of its .proto file."""
    if len(value) < 6 or value[0] != 0:
        raise ValueError("not in the Confluent wire format")
    count, at = varint(value, 5)
    indexes = []
    for _ in range(count):
        found, at = varint(value, at)
        indexes.append(found)
    type = message.DESCRIPTOR
    expected = list(type.file.message_types_by_name).index(type.name)
    if (indexes or [0]) != [expected]:
        raise ValueError(f"message {indexes} of its schema, where {expected} ({type.name}) was expected")
    return message.FromString(value[at:])
