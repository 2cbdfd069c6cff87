#!/usr/bin/env python3
"""Makes catalogue.json of schemas/topics.toml and schemas/proto, since Terraform reads JSON and no TOML.

    catalogue.py            writes terraform/catalogue.json
    catalogue.py --check    exits 1 where that file is not what the sources say
"""
import json
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TARGET = Path(__file__).resolve().parent / "catalogue.json"
PROTO = ROOT / "schemas/proto"
SOURCES = ROOT / "schemas/src/descriptors.rs"
HOURS = {"h": 1, "days": 24}


def retention_ms(text):
    count, unit = text.split(" ")
    return str(int(count) * HOURS[unit] * 3_600_000)


def settings_of(topic, groups):
    """As `schemas::catalogue` resolves them."""
    settings = dict(groups[topic["settings"]], **{"cleanup.policy": topic["cleanup"]})
    if "retention" in topic:
        settings["retention.ms"] = retention_ms(topic["retention"])
    return dict(sorted(settings.items()))


def declared(text):
    """The messages that a proto file declares at its top level."""
    return re.findall(r"^message (\w+)", text, re.M)


def schema_files():
    """Every proto file with what it imports, imported ones first."""
    texts = {str(file.relative_to(PROTO)): file.read_text() for file in sorted(PROTO.rglob("*.proto"))}
    # In the order in which the programs register them: another order is another version of a schema to the registry.
    order = re.findall(r'source!\("([^"]+)"', SOURCES.read_text())
    imports = {name: sorted(re.findall(r'^import "(updraft/[^"]+)";', text, re.M), key=order.index) for name, text in texts.items()}
    package = {name: re.search(r"^package ([\w.]+);", text, re.M).group(1) for name, text in texts.items()}
    files = {f"{package[name]}.{message}": name for name, text in texts.items() for message in declared(text)}
    return imports, files


def depth(name, imports):
    return 1 + max((depth(other, imports) for other in imports[name]), default=-1)


def catalogue():
    toml = tomllib.loads((ROOT / "schemas/topics.toml").read_text())
    imports, files = schema_files()
    topics = {}
    for topic in toml["topic"]:
        topics[topic["name"]] = {
            "about": topic["about"],
            "partitions": topic["partitions"],
            "scales": topic.get("scales", False),
            "settings": settings_of(topic, toml["settings"]),
            "schema": files[topic["message"]] if topic["message"] else None,
            "owner": topic["owner"],
            "writers": [topic["owner"], *topic.get("writers", [])],
            "readers": topic["readers"],
        }
    used = {topic["schema"] for topic in topics.values() if topic["schema"]}
    needed = set()
    while used - needed:
        needed |= used
        used |= {other for name in used for other in imports[name]}
    schemas = {name: {"imports": imports[name], "depth": depth(name, imports)} for name in sorted(needed)}
    return {"topics": topics, "schemas": schemas}


text = json.dumps(catalogue(), indent=2) + "\n"
if "--check" in sys.argv[1:]:
    if not TARGET.exists() or TARGET.read_text() != text:
        sys.exit("terraform/catalogue.json is not what schemas/topics.toml says; write it again: terraform/catalogue.py")
else:
    TARGET.write_text(text)
