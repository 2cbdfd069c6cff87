"""
read_table.py FILE.csv FILE.xlsx: reads both formats of a table that the map page wrote, and fails if they differ or an address
is not text.
"""

import csv
import datetime
import re
import sys

import openpyxl


def cell(value, text):
    """A cell of the workbook in the format of the CSV."""
    if value is None:
        return ""
    if isinstance(value, datetime.datetime):
        # A spreadsheet stores times in days: round the seconds.
        return (value + datetime.timedelta(milliseconds=500)).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, str):
        return value
    digits = len(text.partition(".")[2])
    return f"{value:.{digits}f}"


csv_path, xlsx_path = sys.argv[1:]
with open(csv_path, encoding="utf-8", newline="") as file:
    rows = list(csv.reader(file))
sheet = openpyxl.load_workbook(xlsx_path).active
book = list(sheet.iter_rows(values_only=True))
assert len(rows) == len(book) > 1, (len(rows), len(book))
head = list(book[0])
assert rows[0] == head, (rows[0], head)
at = head.index("Address")
for texts, values in zip(rows[1:], book[1:], strict=True):
    assert isinstance(values[at], str) and re.fullmatch("[0-9A-F]{6}", values[at]), values
    written = [cell(value, text) for value, text in zip(values, texts, strict=True)]
    # Only in CSV, text that looks like a formula begins with an apostrophe.
    assert [text.removeprefix("'") for text in texts] == [text.removeprefix("'") for text in written], (texts, written)
print(f"{len(rows) - 1} rows, {len(head)} columns")
