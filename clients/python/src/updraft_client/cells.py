"""Geohash cells: which of them a position is in."""

from collections.abc import Iterable

ALPHABET = "0123456789bcdefghjkmnpqrstuvwxyz"
MAX_PRECISION = 6


def cell_of(latitude_deg: float, longitude_deg: float, precision: int) -> str:
    """The geohash of a position, with `precision` characters."""
    ranges = [[-180.0, 180.0], [-90.0, 90.0]]
    values = (longitude_deg, latitude_deg)
    cell, index = "", 0
    for bit in range(precision * 5):
        # Bits of longitude and latitude take turns.
        axis = bit % 2
        low, high = ranges[axis]
        middle = (low + high) / 2
        upper = values[axis] >= middle
        ranges[axis] = [middle, high] if upper else [low, middle]
        index = index * 2 + upper
        if bit % 5 == 4:
            cell, index = cell + ALPHABET[index], 0
    return cell


class CellSet:
    """The cells of a subscription: a union of geohash cells of mixed precision."""

    def __init__(self, cells: Iterable[str]) -> None:
        self._cells = frozenset(cells)
        self._precisions = sorted({len(cell) for cell in self._cells})

    def contains(self, latitude_deg: float, longitude_deg: float) -> bool:
        """Longitude 180 is the same meridian as -180: a position on it is in the cells of both sides."""
        return self._has(latitude_deg, longitude_deg) or (abs(longitude_deg) == 180 and self._has(latitude_deg, -longitude_deg))

    def _has(self, latitude_deg: float, longitude_deg: float) -> bool:
        finest = cell_of(latitude_deg, longitude_deg, max(self._precisions, default=MAX_PRECISION))
        return any(finest[:precision] in self._cells for precision in self._precisions)
