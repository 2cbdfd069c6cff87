#!/usr/bin/env python3
"""Copies what decides the dependencies of the programs, and nothing of their sources:

    ops/docker/stub-sources.py FROM TO

TO gets Cargo.toml and Cargo.lock of the workspace, the manifest of every member, and for each of its libraries, programs and build
scripts a source that does nothing. It is the same as long as no manifest changes, so that a layer of an image that is built from it
stays in the cache. `members.txt` has the names of the members, for build-programs.sh, which is copied too.
"""
import re
import shutil
import sys
import tomllib
from pathlib import Path

COPIED = ("Cargo.toml", "Cargo.lock", "ops/docker/build-programs.sh")
COMMENT = "//! Stands in for the sources while the dependencies are built.\n"
# A program that was not built again from its sources fails at once.
PROGRAM = COMMENT + "fn main() {\n    std::process::exit(1);\n}\n"
BUILD_SCRIPT = COMMENT + "fn main() {}\n"


def sources(folder, manifest):
    """The files of a member that Cargo expects, with what stands in for each."""
    for path, text in (("src/lib.rs", COMMENT), ("src/main.rs", PROGRAM), ("build.rs", BUILD_SCRIPT)):
        if (folder / path).is_file():
            yield path, text
    for kind, place in (("bin", "src/bin"), ("bench", "benches"), ("example", "examples"), ("test", "tests")):
        for target in manifest.get(kind, []):
            named = [target["path"]] if "path" in target else [f"{place}/{target['name']}.rs", f"{place}/{target['name']}/main.rs"]
            found = [path for path in named if (folder / path).is_file()]
            if not found and kind == "bin":
                # src/main.rs, which is there already.
                continue
            if not found:
                sys.exit(f"stub-sources: {folder}: {kind} {target['name']}: none of {', '.join(named)} is there")
            yield found[0], PROGRAM
    if "path" in manifest.get("lib", {}):
        yield manifest["lib"]["path"], COMMENT


def copy(root, to):
    members = tomllib.loads((root / "Cargo.toml").read_text())["workspace"]["members"]
    names = []
    for path in COPIED:
        (to / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / path, to / path)
    for member in members:
        folder = root / member
        manifest = tomllib.loads((folder / "Cargo.toml").read_text())
        names.append(manifest["package"]["name"])
        if not re.fullmatch(r"[\w-]+", names[-1]):
            sys.exit(f"stub-sources: {member}: unexpected name {names[-1]!r}")
        (to / member).mkdir(parents=True, exist_ok=True)
        shutil.copy(folder / "Cargo.toml", to / member / "Cargo.toml")
        for path, text in sources(folder, manifest):
            (to / member / path).parent.mkdir(parents=True, exist_ok=True)
            (to / member / path).write_text(text)
    (to / "members.txt").write_text("".join(f"{name}\n" for name in names))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    copy(Path(sys.argv[1]), Path(sys.argv[2]))
