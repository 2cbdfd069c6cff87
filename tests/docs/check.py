"""Checks that everything named in the documents exists: commands, options, recipes, settings, topics, metrics, ports, files,
links, enums.

    check.py PROGRAMS

PROGRAMS is the directory of our built programs.
"""
import json
import re
import shlex
import sys
import tomllib
import xml.etree.ElementTree
from functools import cache
from pathlib import Path

import documents
from documents import ROOT, code_spans
from inventory import (
    PROGRAMS, all_options, manifests, options_of, recipes, roots, sources, subcommands, targets, tests, topics,
)
from tables import check_tables
from violations import found, report

LANGUAGES = {"sh", "sql", "python", "rust", "json", "toml", "xml", "proto", "text", "ts"}
EXECUTABLE = {"sh", "sql", "python"}
# Options of other programs, and former options of ours.
OTHER_OPTIONS = {"--python_out", "--use-gl", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--profile", "--release", "--bins",
                 "--workspace", "--test", "--bench", "--help", "--until-end", "--from-beginning", "--example", "--examples",
                 "--database", "--features", "--config"}


# Blocks.


def check_block(block):
    if block.language not in LANGUAGES:
        return report(block.where, f"unknown language {block.language!r} of a code block: expected one of {', '.join(sorted(LANGUAGES))}")
    quoted = block.option("file")
    if quoted:
        if not (ROOT / quoted).exists() or (ROOT / quoted).read_text() != block.code:
            report(block.where, f"differs from {quoted}: copy the file into the block")
        if Path(quoted).name not in tests():
            report(block.where, f"no test executes {quoted}")
    elif block.language in EXECUTABLE and block.runs == bool(block.reason):
        report(block.where, "expected either `run` in the info string or `<!-- not run: REASON -->` on the line before")
    try:
        if block.language == "json":
            for part in re.split(r"\n(?=\{)", block.code.strip()):
                json.loads(part)
        elif block.language == "toml":
            tomllib.loads(block.code)
        elif block.language == "xml":
            xml.etree.ElementTree.fromstring(block.code)
        elif block.language == "python":
            compile(block.code, block.where, "exec")
        elif block.language == "proto" and not re.search(r"^message \w+ \{", block.code, re.M):
            report(block.where, "expected a message definition")
    except (ValueError, SyntaxError, xml.etree.ElementTree.ParseError) as error:
        report(block.where, f"invalid {block.language}: {error}")
    if block.language == "rust":
        library = (ROOT / block.path).parent / "src/lib.rs"
        if "../README.md" not in (library.read_text() if library.exists() else ""):
            report(block.where, "not compiled: include the document in the documentation of its crate")
    if block.language == "sh":
        for line in block.code.replace("\\\n", " ").splitlines():
            check_line(block.where, line)


def check_line(where, line):
    """Each command of a line of shell."""
    try:
        tokens = shlex.split(line, comments=True)
    except ValueError:
        return
    command = []
    for token in tokens + [";"]:
        if token in (";", "|", "||", "&&", "&", "do", "then"):
            check_command(where, command)
            command = []
        else:
            command.append(token)


def check_command(where, tokens):
    tokens = list(tokens)
    while tokens and (re.match(r"^[A-Z_]+=", tokens[0]) or tokens[0] in ("exec", "time", "timeout", "npx", "-y")):
        tokens.pop(0)
    if not tokens:
        return
    name, arguments = tokens[0], tokens[1:]
    if name in ("just", "rust-just"):
        recipe = next((token for token in arguments if not token.startswith("-")), None)
        if recipe and re.match(r"^[a-z]", recipe) and recipe not in recipes():
            report(where, f"just has no recipe {recipe}")
        if recipe == "demo":
            check_options(where, "updraft", "", arguments)
    elif name == "cargo":
        check_cargo(where, arguments)
    elif name in PROGRAMS:
        subs = subcommands(name)
        sub = next((token for token in arguments if token in subs), "")
        first = next((token for token in arguments if not token.startswith("-")), None)
        if subs and not sub and first and arguments[0] == first and re.match(r"^[a-z][a-z-]+$", first):
            report(where, f"{name} has no command {first}: expected one of {', '.join(subs)}")
        check_options(where, name, sub, arguments)


def check_options(where, program, subcommand, arguments):
    for token in arguments:
        option = token.split("=")[0].rstrip(",;:.)")
        if re.match(r"^--[a-z]", option) and option not in options_of(program, subcommand):
            report(where, f"{program} {subcommand} has no option {option}")


def check_cargo(where, arguments):
    kinds = {"-p": lambda name: name in manifests(), "--test": lambda name: name in targets("test"),
             "--bench": lambda name: name in targets("bench"), "--example": lambda name: name in targets("example"),
             "--features": lambda name: any(name in manifest.get("features", {}) for _, manifest in manifests().values())}
    for option, value in zip(arguments, arguments[1:]):
        if option == "--":
            break
        if option in kinds and re.match(r"^[a-z]", value) and not kinds[option](value):
            report(where, f"cargo {option} {value}: does not exist")


# Text.


def slug(heading):
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
    return re.sub(r"[^\w\- ]", "", text).strip().replace(" ", "-")


@cache
def anchors(path):
    return frozenset(slug(line.lstrip("#")) for _, line in documents.read(path).prose if line.startswith("#"))


def check_links(document):
    for number, line in document.prose:
        for target in re.findall(r"\]\(([^)\s]+)\)", line):
            where = f"{document.path}:{number}"
            if re.match(r"^(https?:|mailto:)", target):
                continue
            path, _, anchor = target.partition("#")
            file = ((ROOT / document.path).parent / path).resolve() if path else ROOT / document.path
            # In the documentation of a crate a link can name an item.
            if re.match(r"^[A-Z]\w*::\w+$|^\w+(::\w+)+$", path):
                continue
            if not file.exists():
                report(where, f"links to {target}, which does not exist")
            elif anchor and file.suffix == ".md" and anchor not in anchors(str(file.relative_to(ROOT))):
                report(where, f"links to {target}: no such heading")


def check_path(where, document, span):
    """Checks a path, relative to the root, the document's directory, its `src`, or pusher/web."""
    here = (ROOT / document.path).parent
    if not re.match(r"^[\w.-]+(/[\w.*-]+)+/?$", span) or span.split("/")[0] not in roots() | {"src"}:
        return
    if span.startswith("target/") or "NNNN" in span:
        return
    bases = [ROOT, here, here / "src", ROOT / "pusher/web"]
    if not any(list(base.glob(span.rstrip("/"))) for base in bases):
        report(where, f"{span} does not exist")


def check_text(document):
    known_metrics = (ROOT / "docs/metrics.md").read_text()
    predecessor = document.path == "docs/coming-from-the-go-backend.md"
    for number, line in document.prose:
        where = f"{document.path}:{number}"
        if document.path.endswith("README.md") and re.search(r"\b20\d\d-[01]\d-[0-3]\d\b|\b[A-Z][a-z]+ 20\d\d\b", line):
            report(where, "contains a date: move dated figures to docs/measurements.md")
        for name in re.findall(r"\bUPDRAFT_[A-Z0-9_]*[A-Z0-9]\b", line):
            # A secret can also come from a file.
            if name not in sources() and name.removesuffix("_FILE") not in sources():
                report(where, f"{name} is not a setting")
        for name in re.findall(r"(?<![\w{])fanet\.[a-z-]+(?:\.[a-z-]+)*\.v\d+\b", line):
            if name not in topics():
                report(where, f"{name} is not a topic of schemas/topics.toml")
        for span in code_spans(line):
            check_path(where, document, span)
            metric = re.match(r"^((?:fanet|process)_[a-z0-9_]+)(\{.*\})?$", span)
            if metric and not predecessor and document.path != "docs/metrics.md":
                name = re.sub(r"_(count|sum|bucket)$", "", metric.group(1))
                if not any(f"`{known}`" in known_metrics for known in (name, metric.group(1))):
                    report(where, f"{name} is not in docs/metrics.md")
            # Decisions also name former options.
            if span.startswith("--") and not document.path.startswith("docs/decisions/") and re.match(r"^--[a-z]", span):
                option = re.split(r"[ =]", span)[0]
                if span not in OTHER_OPTIONS and option not in all_options() | OTHER_OPTIONS:
                    report(where, f"none of our programs has the option {option}")
            elif re.match(r"^(just|cargo|npx|[A-Z_]+=\S+ cargo|" + "|".join(PROGRAMS) + r") [a-z-]", span) and "…" not in span:
                check_line(where, span)


for document in documents.all_documents():
    for block in document.blocks:
        check_block(block)
    check_links(document)
    check_text(document)
check_tables()
if found:
    sys.exit("\n".join(found) + f"\n{len(found)} violations")
