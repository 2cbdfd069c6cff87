"""Inventory of names: commands and options of programs, recipes, packages, topics, settings, schemas.

`folder` has our built programs: their --help lists the commands and options.
"""
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

from google.protobuf import descriptor_pb2

from documents import ROOT, files

PROGRAMS = ("bridge", "processor", "pusher", "replay", "updraft")
folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "target/debug"


@cache
def help_of(program, subcommand=""):
    command = [str(folder / program), *([subcommand] if subcommand else []), "--help"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    if done.returncode:
        sys.exit(f"{command}: {done.stderr}")
    return done.stdout


@cache
def subcommands(program):
    listed = re.search(r"^Commands:\n(.*?)(?:\n\n|\Z)", help_of(program), re.M | re.S)
    names = re.findall(r"^  ([a-z-]+)(?:  |$)", listed.group(1), re.M) if listed else []
    return tuple(name for name in names if name != "help")


@cache
def options_of(program, subcommand=""):
    # A subcommand also accepts the options of the program.
    texts = help_of(program) + (help_of(program, subcommand) if subcommand else "")
    return frozenset(re.findall(r"^ +(?:-\w, )?(--[a-z][a-z0-9-]*)", texts, re.M))


@cache
def all_options():
    return frozenset().union(*(options_of(program, sub) for program in PROGRAMS for sub in ("", *subcommands(program))))


@cache
def recipes():
    just = [ROOT / "Justfile", *(ROOT / "ops/just").glob("*.just")]
    head = re.compile(r"^([a-z][\w-]*)(?: [^:]*)?:(?!=)", re.M)
    return frozenset(name for file in just for name in head.findall(file.read_text()))


@cache
def manifests():
    """Directory and manifest of each package, by name."""
    found = {}
    for file in (ROOT / name for name in files() if name.endswith("Cargo.toml")):
        manifest = tomllib.loads(file.read_text())
        if "package" in manifest:
            found[manifest["package"]["name"]] = (file.parent, manifest)
    return found


@cache
def targets(kind):
    """Names of tests, benches or examples of all packages."""
    names = set()
    for directory, manifest in manifests().values():
        names |= {target["name"] for target in manifest.get(kind, []) if "name" in target}
        folder_name = {"test": "tests", "bench": "benches", "example": "examples", "bin": "src/bin"}[kind]
        for path in (directory / folder_name).glob("*"):
            names |= {path.stem} if path.suffix == ".rs" or (path / "main.rs").exists() else set()
    return names


@cache
def catalogue():
    """The topics by name."""
    return {topic["name"]: topic for topic in tomllib.loads((ROOT / "schemas/topics.toml").read_text())["topic"]}


def topics():
    return catalogue().keys()


@cache
def sources():
    """The text of all source files, for names of settings."""
    wanted = (".rs", ".py", ".sh", ".toml", ".just", ".yml", ".yaml", ".mjs", ".ts", "Justfile")
    return "\n".join((ROOT / file).read_text(errors="replace") for file in files() if file.endswith(wanted))


@cache
def tests():
    """The text of the tests."""
    kept = (name for name in files() if name.startswith("tests/") and name.endswith((".rs", ".py")))
    return "\n".join((ROOT / name).read_text() for name in kept)


@cache
def descriptors():
    every = descriptor_pb2.FileDescriptorSet()
    every.ParseFromString((ROOT / "schemas/descriptors.binpb").read_bytes())
    return [file for file in every.file if file.package == "updraft.v1"]


@cache
def admin_port(command):
    """The default admin port from the program's `admin_port`; None if the command has none."""
    program, _, subcommand = command.partition(" ")
    folder = ROOT / ("standalone" if program == "updraft" else program) / "src"
    sources = [folder / "config.rs", folder / "config/command_line.rs"]
    code = next(text for path in sources if path.exists() and "fn admin_port" in (text := path.read_text()))
    code = code.split("fn admin_port", 1)[1].split("\n    }", 1)[0]
    variant = f"Self::{subcommand.capitalize()} => " if subcommand and program == "processor" else ""
    found = re.search(rf"{variant}(91\d\d)", code)
    return int(found.group(1)) if found else None


@cache
def roots():
    return frozenset(path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith("."))
