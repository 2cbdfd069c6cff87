"""Writes figures into docs/measurements.md: reads lines `bench: NAME VALUE UNIT` from standard input and prints them.

A measured figure replaces its row, with the date, the commit and the machine; other rows stay. Without figures the page is not
written.

    just bench | measurements.py [--page FILE]
"""
import argparse
import datetime
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BEGIN, END = "<!-- bench: written by just bench -->\n", "<!-- /bench -->\n"
HEAD = "| figure | value | unit | date | commit | machine |\n| --- | --- | --- | --- | --- | --- |\n"
LINE = re.compile(r"^bench: (\S+) (\S+) (\S.*)$")


def commit():
    done = subprocess.run(["git", "describe", "--always", "--dirty=+"], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def machine():
    cpus, memory, model = "", "", ""
    try:
        text = Path("/proc/cpuinfo").read_text()
        cpus = str(len(re.findall(r"^processor\s*:", text, re.M)))
        found = re.search(r"^model name\s*:\s*(.*)$", text, re.M)
        model = re.sub(r"\s+", " ", found.group(1)) if found else ""
        total = re.search(r"^MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text(), re.M)
        memory = f", {round(int(total.group(1)) / 1e6)} GB" if total else ""
    except OSError:
        pass
    return f"{cpus or '?'} cores{memory}{', ' + model if model else ''}"


def with_figures(page, figures, date, commit, machine):
    """The page with the figures: rows sorted by name."""
    before, rest = page.split(BEGIN)
    table, after = rest.split(END)
    rows = {}
    for line in table.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[0].startswith("`"):
            rows[cells[0].strip("`")] = cells[1:]
    for name, (value, unit) in figures.items():
        rows[name] = [value, unit, date, commit, machine]
    lines = "".join(f"| `{name}` | {' | '.join(cells)} |\n" for name, cells in sorted(rows.items()))
    return f"{before}{BEGIN}{HEAD}{lines}{END}{after}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--page", type=Path, default=ROOT / "docs/measurements.md")
    options = parser.parse_args()
    figures = {}
    for line in sys.stdin:
        print(line, end="", flush=True)
        found = LINE.match(line)
        if found:
            figures[found.group(1)] = found.groups()[1:]
    if figures:
        today = datetime.datetime.now(datetime.UTC).date().isoformat()
        page = with_figures(options.page.read_text(encoding="utf-8"), figures, today, commit(), machine())
        options.page.write_text(page, encoding="utf-8")
        print(f"{len(figures)} figures written into {options.page}", file=sys.stderr)


if __name__ == "__main__":
    main()
