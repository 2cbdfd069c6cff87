"""The names of the programs' settings, from their sources: what is not among them would be refused at the start."""
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("bridge/src", "processor/src", "pusher/src", "standalone/src", "replay/src", "crates/runtime/src", "crates/streams/src", "crates/history/src")


def names():
    found = set()
    for source in SOURCES:
        for file in (ROOT / source).rglob("*.rs"):
            found |= set(re.findall(r'env = "(UPDRAFT_[A-Z0-9_]+)"', file.read_text()))
    return found


def unknown(given):
    """Every setting may come from a file, too."""
    known = names()
    return sorted(name for name in given if name.startswith("UPDRAFT_") and name not in known and name.removesuffix("_FILE") not in known)
