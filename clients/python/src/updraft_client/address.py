"""Addresses of devices and ids of records as text."""

import re


def format_address(device: int) -> str:
    """Six upper-case hex digits, manufacturer first: `110B90`."""
    return f"{device:06X}"


def parse_address(text: str) -> int:
    """
    The device of six hex digits.

    :raises ValueError: the text is something else.
    """
    if not re.fullmatch("[0-9A-Fa-f]{6}", text):
        raise ValueError(f"invalid device address {text!r}: expected six hex digits, for example 110B90")
    return int(text, 16)


def format_record_id(record_id: int) -> str:
    """Partition and offset: `17-123456`."""
    return f"{record_id >> 48}-{record_id & (1 << 48) - 1}"
