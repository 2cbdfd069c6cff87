#!/usr/bin/env python3
"""Prints the fixes of an IGC file (standard input) as JSON lines, as aerofiles reads them."""

import io
import json
import math
import sys

import aerofiles.igc

parsed = aerofiles.igc.Reader().read(io.TextIOWrapper(sys.stdin.buffer, encoding="ascii"))
for record, (errors, *_) in parsed.items():
    assert not errors, (record, errors)
for fix in parsed["fix_records"][1]:
    beyond = lambda degrees, digits: degrees + math.copysign(digits / 6_000_000, degrees)
    print(json.dumps({
        "at_s": fix["datetime"].timestamp() + fix["TDS"] / 1000,
        "latitude_deg": beyond(fix["lat"], fix["LAD"]),
        "longitude_deg": beyond(fix["lon"], fix["LOD"]),
        "altitude_m": fix["gps_alt"],
    }))
