#!/usr/bin/env python3
"""Reads a track in all its formats with third-party libraries; prints the number of positions of each format.

usage: read_tracks.py DIRECTORY

The directory has track.{gpx,kml,igc,geojson,csv,json} of one flight, downloaded one after the other: a later one may have more
positions. check_tracks.py compares positions; this script only checks that each downloaded file is complete.
"""

import csv
import json
import os
import sys

import aerofiles.igc
import gpxpy
from lxml import etree

KML = {"k": "http://www.opengis.net/kml/2.2", "gx": "http://www.google.com/kml/ext/2.2"}


def read_gpx(path):
    with open(path, encoding="utf-8") as file:
        return [(at.latitude, at.longitude) for track in gpxpy.parse(file).tracks for part in track.segments for at in part.points]


def read_kml(path):
    document = etree.parse(path)
    lines = [position.split(",") for line in document.iterfind(".//k:coordinates", KML) for position in line.text.split()]
    return [(float(position[1]), float(position[0])) for position in lines]


def read_igc(path):
    with open(path, encoding="ascii") as file:
        parsed = aerofiles.igc.Reader().read(file)
    for record, (errors, *_) in parsed.items():
        assert not errors, (record, errors)
    return [(fix["lat"], fix["lon"]) for fix in parsed["fix_records"][1]]


def read_geojson(path):
    with open(path, encoding="utf-8") as file:
        collection = json.load(file)
    positions = []
    for feature in collection["features"]:
        geometry = feature["geometry"]
        positions += {"Point": lambda at: [at], "LineString": lambda line: line}[geometry["type"]](geometry["coordinates"])
    return [(position[1], position[0]) for position in positions]


def read_csv(path):
    with open(path, encoding="utf-8", newline="") as file:
        return [(float(row["latitude_deg"]), float(row["longitude_deg"])) for row in csv.DictReader(file, strict=True)]


def read_json(path):
    with open(path, encoding="utf-8") as file:
        track = json.load(file)
    return [(at["latitude_deg"], at["longitude_deg"]) for segment in track["segments"] for at in segment["points"]]


def main(directory):
    starts = []
    for read in (read_gpx, read_kml, read_igc, read_geojson, read_csv, read_json):
        form = read.__name__.removeprefix("read_")
        positions = read(os.path.join(directory, f"track.{form}"))
        assert len(positions) > 1, f"{form}: {len(positions)} positions"
        assert all(-90 <= lat <= 90 and -180 <= lon <= 180 for lat, lon in positions), form
        starts.append(positions[0])
        print(f"{form}: {len(positions)} positions")
    # A tolerance of 100 m: the coarsest format has 2 m.
    same = all(abs(found - wanted) < 0.001 for start in starts for found, wanted in zip(start, starts[0]))
    assert same, f"expected the same first position in all formats: {starts}"


main(sys.argv[1])
