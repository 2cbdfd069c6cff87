#!/usr/bin/env python3
"""Prints the bill of materials (SBOM) of the release programs, as CycloneDX 1.6 JSON:

    ops/release/sbom.py x86_64-unknown-linux-gnu

It names every crate that is compiled into a program or used to build one, with the features of the release, and every npm package of
the map page: version, licence, checksum, and what needs what. The same commit gives the same text. It needs cargo.
"""
import base64
import json
import subprocess
import sys
import tomllib
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# As ops/docker/build-programs.sh builds them.
PROGRAMS = ("bridge", "processor", "pusher", "replay", "standalone")
FEATURES = "bridge/kafka-tls,processor/kafka-tls,pusher/kafka-tls"
PAGE = "pusher/web/package-lock.json"


def metadata(target):
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform", target, "--features", FEATURES]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    if ran.returncode:
        sys.exit(f"sbom: {ran.stderr}")
    return json.loads(ran.stdout)


def checksums():
    """Of crates from a registry, by name and version."""
    locked = tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]
    return {(one["name"], one["version"]): one["checksum"] for one in locked if "checksum" in one}


def edges(node):
    """What a crate needs to run or to be built; not what its tests need."""
    return [dep["pkg"] for dep in node["deps"] if any(kind["kind"] in (None, "build") for kind in dep["dep_kinds"])]


def reached(roots, nodes):
    found, waiting = set(), list(roots)
    while waiting:
        package = waiting.pop()
        if package not in found:
            found.add(package)
            waiting += edges(nodes[package])
    return found


def licence(text):
    """Older crates separate alternatives with a slash."""
    return [{"expression": text.replace("/", " OR ")}] if text else []


def crates(target):
    """Components and dependencies, by purl."""
    said, hashes = metadata(target), checksums()
    packages = {one["id"]: one for one in said["packages"]}
    nodes = {one["id"]: one for one in said["resolve"]["nodes"]}
    members = {packages[id]["name"]: id for id in said["workspace_members"]}
    roots = [members[program] for program in PROGRAMS]
    purls = {id: f"pkg:cargo/{packages[id]['name']}@{packages[id]['version']}" for id in reached(roots, nodes)}
    components, needs = {}, {}
    for id, purl in purls.items():
        one = packages[id]
        kind = "application" if id in roots else "library"
        components[purl] = {"type": kind, "bom-ref": purl, "name": one["name"], "version": one["version"], "purl": purl, "licenses": licence(one["license"])}
        if checksum := hashes.get((one["name"], one["version"])):
            components[purl]["hashes"] = [{"alg": "SHA-256", "content": checksum}]
        needs[purl] = sorted({purls[other] for other in edges(nodes[id])})
    return components, needs, [purls[root] for root in roots]


def page():
    """The npm packages that are bundled into the map page."""
    for path, one in json.loads((ROOT / PAGE).read_text())["packages"].items():
        if path.startswith("node_modules/") and not one.get("dev") and not one.get("link"):
            name = path.rpartition("node_modules/")[2]
            purl = f"pkg:npm/{name.replace('@', '%40')}@{one['version']}"
            algorithm, _, digest = one["integrity"].partition("-")
            hashes = [{"alg": algorithm.upper().replace("SHA", "SHA-"), "content": base64.b64decode(digest).hex()}]
            yield {"type": "library", "bom-ref": purl, "name": name, "version": one["version"], "purl": purl, "licenses": licence(one.get("license")), "hashes": hashes}


def bill(target):
    components, needs, programs = crates(target)
    pusher = next(purl for purl in programs if purl.startswith("pkg:cargo/pusher@"))
    for one in page():
        components[one["bom-ref"]] = one
        needs[pusher] = sorted({*needs[pusher], one["bom-ref"]})
    version = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]
    release = f"pkg:generic/updraft@{version}"
    needs[release] = sorted(programs)
    body = {
        "metadata": {
            "timestamp": subprocess.run(["git", "log", "-1", "--format=%cI"], capture_output=True, text=True, cwd=ROOT, check=True).stdout.strip(),
            "component": {"type": "application", "bom-ref": release, "name": "updraft", "version": version, "purl": release, "licenses": licence("MIT OR Apache-2.0")},
            "properties": [{"name": "target", "value": target}],
        },
        "components": [components[purl] for purl in sorted(components)],
        "dependencies": [{"ref": purl, "dependsOn": needs.get(purl, [])} for purl in sorted({*components, release})],
    }
    serial = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(body, sort_keys=True))
    return {"bomFormat": "CycloneDX", "specVersion": "1.6", "serialNumber": f"urn:uuid:{serial}", "version": 1, **body}


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    print(json.dumps(bill(sys.argv[1]), indent=1))
