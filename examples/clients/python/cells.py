"""Geohash cells: the cell of a position."""

ALPHABET = "0123456789bcdefghjkmnpqrstuvwxyz"


def cell_of(latitude, longitude, precision):
    """The geohash of a position, with `precision` characters."""
    ranges = [[-180.0, 180.0], [-90.0, 90.0]]
    cell, index = "", 0
    for bit in range(precision * 5):
        # Bits of longitude and latitude take turns.
        axis = bit % 2
        low, high = ranges[axis]
        middle = (low + high) / 2
        upper = (longitude, latitude)[axis] >= middle
        ranges[axis] = [middle, high] if upper else [low, middle]
        index = index * 2 + upper
        if bit % 5 == 4:
            cell, index = cell + ALPHABET[index], 0
    return cell


def covers(cells, latitude, longitude):
    """True where one of the cells (a set, of any precision) contains the position."""
    finest = cell_of(latitude, longitude, 6)
    return any(finest[:precision] in cells for precision in range(1, 7))
