"""Parses our Markdown documents: code blocks and how they are checked, code spans, tables.

The info string of a block says how it is checked, after the language:

    sh run              executed, in one shell for the document, in order; must succeed
    sh run for=10s      executed for this time, then stopped; must print something
    sh run last         executed after all other documents
    sql run             executed in the history database; must succeed. `rows`: must return at least one row
    sql parse           parsed by ClickHouse, not executed
    LANGUAGE file=PATH  must equal that file, which a test executes
    python run          executed
    json, toml, xml, proto, text, rust    parsed where possible

Other blocks, particularly shell blocks, need a comment with the reason on the line before:

    <!-- not run: needs a Flink cluster -->

For all documents of a directory, its README.md has the comment once:

    <!-- not run in this folder: these commands change a running installation -->
"""
import re
import subprocess
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NOT_RUN = re.compile(r"^<!-- not run: (\S.*) -->$")
NOT_RUN_HERE = re.compile(r"^<!-- not run in this folder: (\S.*) -->$", re.M)
FENCE = re.compile(r"^( *)```(.*)$")


@dataclass
class Block:
    path: str
    line: int
    language: str
    options: list
    code: str
    reason: str  # why it is not executed; empty if it is executed or needs no reason

    @property
    def runs(self):
        return "run" in self.options

    def option(self, name):
        """The value of `name=value`."""
        return next((o.split("=", 1)[1] for o in self.options if o.startswith(f"{name}=")), None)

    @property
    def where(self):
        return f"{self.path}:{self.line}"


@dataclass
class Document:
    path: str
    text: str
    blocks: list = field(default_factory=list)
    prose: list = field(default_factory=list)  # (line number, line) outside of blocks


@cache
def files():
    """All files of the repository."""
    git = ["git", "ls-files", "-co", "--exclude-standard", "-z"]
    listed = subprocess.run(git, cwd=ROOT, capture_output=True, text=True)
    if listed.returncode == 0 and listed.stdout:
        return sorted(name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file())
    # A source archive.
    skipped = {"target", "node_modules", ".git"}
    found = (path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file())
    return sorted(str(path) for path in found if not skipped & set(path.parts))


def names():
    """The documents: every Markdown file."""
    return [name for name in files() if name.endswith(".md")]


def reason_of_folder(path):
    readme = (ROOT / path).parent / "README.md"
    found = NOT_RUN_HERE.search(readme.read_text(encoding="utf-8")) if readme.exists() else None
    return found.group(1) if found else ""


def read(path):
    text = (ROOT / path).read_text(encoding="utf-8")
    document, lines, at = Document(path, text), text.splitlines(), 0
    while at < len(lines):
        fence = FENCE.match(lines[at])
        if not fence:
            document.prose.append((at + 1, lines[at]))
            at += 1
            continue
        indent, info = fence.groups()
        end = next((n for n in range(at + 1, len(lines)) if lines[n].strip() == "```"), None)
        if end is None:
            raise SystemExit(f"{path}:{at + 1}: unclosed code block: expected a line with ```")
        before = lines[at - 1].strip() if at else ""
        reason = NOT_RUN.match(before)
        parts = info.split() or [""]
        code = "\n".join(line[len(indent):] for line in lines[at + 1 : end]) + "\n"
        reason = reason.group(1) if reason else "" if "run" in parts else reason_of_folder(path)
        document.blocks.append(Block(path, at + 1, parts[0], parts[1:], code, reason))
        at = end + 1
    return document


def all_documents():
    return [read(name) for name in names()]


def code_spans(line):
    """The code spans in a line of text."""
    return [span.strip() for span in re.findall(r"(?<!`)`([^`]+)`(?!`)", line)]


def tables(document, first_cell):
    """Rows, as lists of cells, of the tables whose header begins with `first_cell`."""
    rows, inside = [], False
    for _, line in document.prose:
        if not line.strip().startswith("|"):
            inside = False
            continue
        cells = [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]
        if cells[0] == first_cell:
            inside = True
        elif inside and not set(cells[0]) <= set("-: "):
            rows.append(cells)
    return rows
