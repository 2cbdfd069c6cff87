"""Compares tables of the documents with the code and the schemas."""
import re
import subprocess

import documents
import measurements
from documents import ROOT, code_spans
from inventory import PROGRAMS, admin_port, catalogue, descriptors, subcommands
from violations import report


def check_commands():
    """The table in the README of a program lists exactly its commands."""
    for program in ("processor", "replay"):
        document = documents.read(f"{program}/README.md")
        rows = documents.tables(document, "command")
        listed = {span.split()[1] for row in rows for span in code_spans(row[0]) if span.startswith(f"{program} ")}
        if listed != set(subcommands(program)):
            report(document.path, f"the table lists {sorted(listed)}, {program} --help lists {sorted(subcommands(program))}")


def check_ports():
    """A row with a command and an admin port (91xx) has the default port of that command."""
    seen = 0
    for document in documents.all_documents():
        for number, line in document.prose:
            port = re.search(r"\b(91\d\d)\b", line)
            command = next((span for span in code_spans(line.split("|")[1]) if span.split()[0] in PROGRAMS), None) \
                if line.startswith("|") and line.count("|") > 2 else None
            if port and command and re.match(r"^[\w-]+( [\w-]+)?", command):
                parts = command.split()
                subs = subcommands(parts[0])
                name = " ".join(parts[:2]) if len(parts) > 1 and parts[1] in subs else parts[0]
                if subs and name == parts[0] and parts[0] == "processor":
                    continue
                expected = admin_port(name)
                seen += 1
                if expected != int(port.group(1)):
                    report(f"{document.path}:{number}", f"the admin port of {name} is {expected}, not {port.group(1)}")
    if seen < 10:
        report("ports", f"only {seen} rows have a command and its port: expected at least 10")


def check_message_indexes():
    where, seen = "docs/consume-the-topics.md", set()
    known_topics = catalogue()
    for row in documents.tables(documents.read(where), "topics"):
        message, written = row[1].strip("`"), row[2].strip("`")
        for name in code_spans(row[0]):
            seen.add(name)
            if known_topics[name]["message"] != f"updraft.v1.{message}":
                report(where, f"{name} has {known_topics[name]['message']}, not {message}")
        index = next(n for file in descriptors() for n, one in enumerate(file.message_type) if one.name == message)
        expected = "00" if index == 0 else f"02 {2 * index:02x}"
        if written != expected:
            report(where, f"{message} is message {index} of its file: `{expected}`, not `{written}`")
    # All but internal topics and topics that consumers may not read.
    kept_out = {"fanet.private.state.v1", "fanet.audit.v1"}
    readable = {name for name, topic in known_topics.items() if topic["message"] and not topic.get("internal")} - kept_out
    if seen != readable:
        report(where, f"message indexes: missing or unexpected topics {sorted(readable ^ seen)}")


def check_retention():
    """The retention of each topic that the page names."""
    where = "docs/consume-the-topics.md"
    known_topics = catalogue()
    rows = documents.tables(documents.read(where), "you want")
    listed = {name for row in rows for name in code_spans(row[1])}
    for row in rows:
        for name in code_spans(row[1]):
            kept = known_topics[name].get("retention")
            if kept and kept not in row[2]:
                report(where, f"{name} is kept for {kept}; the page says: {row[2]}")
            if not kept and "beginning" not in row[2]:
                report(where, f"{name} is compacted: expected 'beginning' in its row")
    text = (ROOT / where).read_text()
    for name in known_topics:
        if name not in listed and f"`{name}`" not in text:
            report(where, f"does not mention {name}")


def check_enums():
    """A table with the header `number | Enum` has the names and numbers of that enum of the schemas."""
    where = "docs/for-analysts.md"
    if not (ROOT / where).exists():
        return report(where, "does not exist")
    enums = {enum.name: enum for file in descriptors() for enum in file.enum_type}
    heads = {}
    name = None
    for number, line in documents.read(where).prose:
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        named = code_spans(line)[:1] if line.startswith("| number |") else []
        if named and named[0] in enums:
            name = named[0]
            heads[name] = {}
        elif not line.startswith("|"):
            name = None
        elif name and cells[0].isdigit():
            heads[name][int(cells[0])] = cells[1]
    for name, written in heads.items():
        prefix = re.sub(r"(?<!^)(?=[A-Z])", "_", name).upper() + "_"
        known = {value.number: value.name.removeprefix(prefix).replace("_", " ").lower() for value in enums[name].value if value.number}
        if written != known:
            report(where, f"{name} is {known}, the page has {written}")
    for name in ("AircraftKind", "GroundKind", "AlertKind", "AlertStatus", "AlertResolution", "SourceKind", "FlightPhase", "ObservationFlag"):
        if name not in heads:
            report(where, f"has no table for {name}")


def check_measurements():
    """A figure from `just bench` replaces only its own row."""
    page = (ROOT / "docs/measurements.md").read_text(encoding="utf-8")
    written = measurements.with_figures(page, {"bridge_frames_per_second": ("1", "frames/s"), "a_new_one": ("2", "us")}, "D", "C", "M")
    added = sorted(set(written.splitlines()) - set(page.splitlines()))
    removed = [line for line in page.splitlines() if line not in written.splitlines()]
    expected = ["| `a_new_one` | 2 | us | D | C | M |", "| `bridge_frames_per_second` | 1 | frames/s | D | C | M |"]
    if added != expected or len(removed) != 1 or "bridge_frames_per_second" not in removed[0]:
        report("tests/docs/measurements.py", f"added {added}, removed {removed}: expected one new row and one replaced row")


def check_measured_commits():
    """Each commit that the page of measurements names is in the history, so that a reader can check it out."""
    def git(*arguments):
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)

    # A source archive has no history, and a shallow clone, as most jobs of CI make it, has a part of it.
    if git("rev-parse", "--is-shallow-repository").stdout.strip() != "false":
        return
    where, first_lines = "docs/measurements.md", {}
    for number, line in documents.read(where).prose:
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        # A row of the table that `just bench` writes; "+" follows the commit of a changed tree.
        measured = [cells[4].rstrip("+")] if line.startswith("| `") and len(cells) == 6 else []
        for commit in measured + re.findall(r"\bcommit ([0-9a-f]{7,40})\b", line):
            first_lines.setdefault(commit, number)
    for commit, number in first_lines.items():
        if git("merge-base", "--is-ancestor", commit, "HEAD").returncode:
            report(f"{where}:{number}", f"commit {commit} is not in the history: measure again, or name the commit that replaced it")


def check_tables():
    check_commands()
    check_ports()
    check_message_indexes()
    check_retention()
    check_enums()
    check_measurements()
    check_measured_commits()
