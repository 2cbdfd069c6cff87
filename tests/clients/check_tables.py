#!/usr/bin/env python3
"""Reads a table in all its formats with pandas (openpyxl, pyarrow), and compares the data frames with the written rows.

usage: check_tables.py DIRECTORY KEY

The directory has table.{csv,xlsx,parquet} and expected.json: the columns in their order, each with its type, and the rows, by
column. KEY is the column to sort by.
"""

import json
import os
import sys

import openpyxl
import pandas
import pyarrow.parquet


def main(directory, key):
    path = lambda form: os.path.join(directory, f"table.{form}")
    with open(os.path.join(directory, "expected.json"), encoding="utf-8") as file:
        expected = json.load(file)
    expected["columns"] = dict(expected["columns"])
    columns = list(expected["columns"])
    texts = {name: str for name, kind in expected["columns"].items() if kind == "text"}
    frames = {
        "csv": read_csv(path("csv"), texts),
        "xlsx": read_xlsx(path("xlsx"), expected["columns"]),
        "parquet": read_parquet(path("parquet"), expected["columns"]),
    }
    for form, frame in frames.items():
        assert list(frame.columns) == columns, (form, list(frame.columns))
        assert len(frame) == len(expected["rows"]), f"{form}: {len(frame)} rows"
        frame = frame.sort_values(key).reset_index(drop=True)
        rows = sorted(expected["rows"], key=lambda row: row[key])
        for at, row in enumerate(rows):
            for name in columns:
                same(form, name, frame.iloc[at][name], row.get(name), expected["columns"][name])
        print(f"{form}: {len(frame)} rows as written")


def same(form, name, found, wanted, kind):
    where = f"{form}, {name}: expected {wanted!r}, found {found!r}"
    if wanted is None:
        assert pandas.isna(found), where
    elif kind == "time":
        at_ms = round(pandas.Timestamp(found).timestamp() * 1000)
        assert abs(at_ms - wanted) <= (1 if form == "xlsx" else 0), where
    elif kind == "text" and form == "csv" and wanted[:1] in "=+-@\t\r\n":
        assert found == "'" + wanted, where
    elif kind == "number":
        assert abs(float(found) - wanted) < 1e-9, where
    else:
        assert found == wanted, where


def read_csv(path, texts):
    with open(path, "rb") as file:
        raw = file.read()
    raw.decode("utf-8")
    assert raw.endswith(b"\r\n"), "RFC 4180"
    return parsed_times(pandas.read_csv(path, dtype=texts))


def parsed_times(frame):
    for name in frame.columns:
        if name.endswith("_utc"):
            assert all(isinstance(value, str) and value.endswith("Z") for value in frame[name]), "ISO 8601 in UTC"
            frame[name] = pandas.to_datetime(frame[name], utc=True)
    return frame


def read_xlsx(path, columns):
    sheet = openpyxl.load_workbook(path).active
    wanted = {"text": "s", "number": "n", "integer": "n", "flag": "b", "time": "d"}
    kinds = list(columns.values())
    for cells in sheet.iter_rows(min_row=2):
        for cell, kind in zip(cells, kinds):
            # An empty cell has type n and no value; no cell is a formula.
            assert cell.value is None or cell.data_type == wanted[kind], (cell.coordinate, cell.data_type, cell.value)
    texts = {name: str for name, kind in columns.items() if kind == "text"}
    return pandas.read_excel(path, dtype=texts)


def read_parquet(path, columns):
    schema = pyarrow.parquet.read_schema(path)
    wanted = {"text": "string", "number": "double", "integer": "int64", "flag": "bool", "time": "timestamp[ms, tz=UTC]"}
    for name, kind in columns.items():
        assert str(schema.field(name).type) == wanted[kind], (name, schema.field(name).type)
    metadata = pyarrow.parquet.read_metadata(path).metadata or {}
    for name in columns:
        if name.endswith(("_deg", "_m", "_kmh", "_mps")):
            assert f"unit.{name}".encode() in metadata, f"{name} has no unit in the metadata"
    return pandas.read_parquet(path)


if __name__ == "__main__":
    main(*sys.argv[1:])
