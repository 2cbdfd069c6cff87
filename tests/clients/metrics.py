"""Generates docs/metrics.md from the sources: each `metrics.register("name", "help", ...)` with the type of its field.

    metrics.py            prints the page
    metrics.py --check A  checks that the page has each metric of file A, an output of /metrics, with its kind, its labels and what it
                          is about, and that A has each metric of every program
"""
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Title and source directory: the metrics of all programs, and those of each program.
PROGRAMS = (("every program", "crates/runtime"), ("bridge", "bridge"), ("processor", "processor"),
            ("updraft, beside those of the programs in it", "standalone"), ("pusher", "pusher"))
# Consumer groups, whose names are part of their metrics' names; the receivers group writes no Redis.
GROUPS = ("processor", "receivers", "thermals")
# A name is a literal, or the result of a closure that is defined earlier in the file.
REGISTER = re.compile(r'(?:(\w+):\s*)?(?:[\w.]+\s*\.\s*)?\bregister(_process)?\(\s*("|&name\(")([a-z0-9_]+)"\)?,\s*((?:"(?:[^"\\]|\\.|\\\n)*"))', re.S)


# Tests in the file itself; separate test files are skipped by name.
TESTS = re.compile(r"#\[cfg\(test\)\]\s*mod \w+ \{")


def text_of(literal):
    """A Rust string literal as text; a backslash at the end of a line joins."""
    return re.sub(r"\\\n\s*", "", literal[1:-1]).replace('\\"', '"').rstrip(".")


def type_of(field, source, aliases):
    found = re.search(rf"^\s*(?:pub(?:\([a-z]+\))? )?{field}: ([^\n=;\"]+),$", source, re.M) if field else None
    kind = found.group(1) if found else ""
    for _ in range(3):
        kind = re.sub(r"\b(\w+)\b", lambda name: aliases.get(name.group(1), name.group(1)), kind, count=1)
    return kind


def names_of(standard, how, name, before):
    """The full names, without the suffix of counters."""
    if how == '"':
        return [f"process_{name}" if standard else f"fanet_{name}"]
    between = re.findall(r'format!\("\{group\}_(\w*)\{what\}"\)', before)[-1]
    return [f"fanet_{group}_{between}{name}" for group in GROUPS if (group, between) != ("receivers", "redis_")]


def labels_of(kind, source, everything):
    """The labels of a family: the fields of its struct in the same file, or else in the program."""
    family = re.match(r"Family<(\w+)", kind)
    if not family:
        return []
    declared = re.compile(rf"struct {family.group(1)} \{{(.*?)\n\}}", re.S)
    found = declared.search(source) or declared.search(everything)
    return re.findall(r"^\s*(?:pub(?:\([a-z]+\))? )?(\w+): ", found.group(1), re.M) if found else []


def metrics(program):
    files = sorted(file for file in (ROOT / program / "src").rglob("*.rs") if file.stem != "tests")
    sources = [file.read_text() for file in files]
    everything = "\n".join(sources)
    for source in sources:
        aliases = dict(re.findall(r"^(?:pub\(crate\) )?type (\w+) = ([^;]+);", source, re.M))
        for found in REGISTER.finditer(TESTS.split(source)[0]):
            field, standard, how, name, literal = found.groups()
            # Rarely the struct is in another file.
            kind = type_of(field, source, aliases) or type_of(field, everything, aliases)
            form = next((form for form in ("Histogram", "Gauge", "Counter") if form in kind), None)
            if form is None:
                sys.exit(f"metrics.py: {program}: unknown type of {name} ({field}: {kind!r}): expected a counter, gauge or histogram")
            for full in names_of(standard, how, name, source[: found.start()]):
                full += "_total" if form == "Counter" else ""
                yield full, form.lower(), labels_of(kind, source, everything), text_of(literal)


def page():
    lines = [
        "# Metrics",
        "",
        "Metrics of the programs, at `/metrics` of their admin ports. Made from the code by `tests/clients/metrics.py`;",
        "`UPDATE_METRICS=1 cargo test -p updraft-tests --test clients metrics` writes it.",
    ]
    for title, program in PROGRAMS:
        lines += ["", f"## {title}", "", "| name | kind | labels | what |", "| --- | --- | --- | --- |"]
        rows = sorted(set((name, kind, ", ".join(f"`{label}`" for label in labels), about) for name, kind, labels, about in metrics(program)))
        lines += [f"| `{name}` | {kind} | {labels} | {about} |" for name, kind, labels, about in rows]
    return "\n".join(lines) + "\n"


def problems(text):
    """What is wrong with what a program exports."""
    rows = re.findall(r"^\| `((?:fanet|process)_\w+)` \| (\w+) \| ([^|]*) \| (.*) \|$", page(), re.M)
    on_page = {name: (kind, set(re.findall(r"`(\w+)`", labels)), about) for name, kind, labels, about in rows}
    kinds = dict(re.findall(r"^# TYPE (\w+) (\w+)$", text, re.M))
    labels = {}
    for name, pairs in re.findall(r"^(\w+)\{([^}]*)\}", text, re.M):
        labels.setdefault(name, set()).update(re.findall(r'(\w+)="', pairs))
    exported = dict(re.findall(r"^# HELP (\w+) (.*)$", text, re.M))
    for name, about in sorted(exported.items()):
        full = name if name in on_page else f"{name}_total"
        if full not in on_page:
            yield f"{name} is not on the page"
            continue
        if about.rstrip(".") != on_page[full][2]:
            yield f"{full} is about {about!r}, and on the page about {on_page[full][2]!r}"
        if kinds.get(name) != on_page[full][0]:
            yield f"{full} is a {kinds.get(name)}, and on the page a {on_page[full][0]}"
        # A metric that nothing was counted for yet has no series.
        of_series = labels.get(full, set()) | labels.get(f"{full}_bucket", {"le"}) - {"le"}
        if of_series and of_series != on_page[full][1]:
            yield f"{full} has the labels {sorted(of_series)}, and on the page {sorted(on_page[full][1])}"
    for name, *_ in metrics("crates/runtime"):
        # Traces are counted where they are sent, certificates where a setting names one.
        if name.removesuffix("_total") not in exported and not name.startswith(("fanet_trace_", "fanet_certificate_")):
            yield f"{name} is not exported, though every program should"


if len(sys.argv) > 2:
    found = list(problems(Path(sys.argv[2]).read_text()))
    sys.exit("metrics.py: " + "; ".join(found) if found else 0)
print(page(), end="")
