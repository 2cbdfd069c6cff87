"""The layer of the dependencies, and the commands that build programs, with a Cargo that records how it is called."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import unittest
from pathlib import Path

import compose
import yaml

ROOT = compose.ROOT
DOCKER = ROOT / "ops/docker"
RELEASE = ROOT / ".github/workflows/release.yml"
PROGRAMS = ("bridge", "processor", "pusher", "replay", "updraft")


def contents(folder):
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


class Folder(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)

    def stubs(self, root, name="stubs"):
        subprocess.run([sys.executable, DOCKER / "stub-sources.py", root, self.folder / name], check=True)
        return self.folder / name


class Stubs(Folder):
    def repository(self):
        """The Rust sources and manifests of this repository, to change them."""
        copied = self.folder / "repository"
        files = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z", "*.rs", "*Cargo.toml", "Cargo.lock", "ops/docker"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for file in filter(None, files.split("\0")):
            if (ROOT / file).is_file():
                (copied / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / file, copied / file)
        return copied

    def test_sources_do_not_change_them_and_manifests_do(self):
        root = self.repository()
        before = contents(self.stubs(root))
        for source in ("bridge/src/main.rs", "crates/fanet/src/lib.rs", "pusher/build.rs"):
            with (root / source).open("a") as file:
                file.write("// changed\n")
        (root / "crates/fanet/src/new.rs").write_text("//! New.\n")
        self.assertEqual(contents(self.stubs(root, "again")), before)
        for manifest in ("Cargo.lock", "crates/geo/Cargo.toml"):
            with (root / manifest).open("a") as file:
                file.write("\n# changed\n")
            after = contents(self.stubs(root, f"after {Path(manifest).name}"))
            self.assertNotEqual(after, before)
            before = after

    def test_nothing_of_the_sources_is_in_them(self):
        made = contents(self.stubs(ROOT))
        rust = {path: text.decode() for path, text in made.items() if path.endswith(".rs")}
        self.assertGreater(len(rust), 30)
        self.assertLessEqual(len(set(rust.values())), 3)
        self.assertTrue(all("Stands in for the sources" in text for text in rust.values()))
        others = {path for path in made if not path.endswith((".rs", "Cargo.toml"))}
        self.assertEqual(others, {"Cargo.lock", "members.txt", "ops/docker/build-programs.sh"})

    def test_cargo_reads_the_same_packages_from_them(self):
        """Programs, libraries, build scripts, features and dependencies, as Cargo itself finds them."""
        made = {name: self.metadata(root) for name, root in (("stubs", self.stubs(ROOT)), ("sources", ROOT))}
        self.assertEqual(made["stubs"], made["sources"])
        self.assertGreater(len(made["stubs"]), 300)

    def metadata(self, root):
        ran = subprocess.run(["cargo", "metadata", "--format-version", "1", "--locked"], cwd=root, capture_output=True, text=True)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        found = {}
        for package in json.loads(ran.stdout)["packages"]:
            built = [(target["kind"], target["name"]) for target in package["targets"] if target["kind"][0] in ("lib", "bin", "custom-build")]
            needs = [{key: value for key, value in one.items() if key != "path"} for one in package["dependencies"]]
            found[package["name"], package["version"]] = (sorted(built), package["features"], sorted(needs, key=json.dumps))
        return found

    def test_a_member_has_its_name_alone(self):
        """`cargo clean -p NAME` is refused where two packages have the name."""
        packages = [one["name"] for one in tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]]
        members = (self.stubs(ROOT) / "members.txt").read_text().split()
        self.assertEqual([name for name in members if packages.count(name) != 1], [])


class Commands(Folder):
    def run_script(self, what, root, answer="echo {program} 1.2.3"):
        tools = self.folder / "tools"
        tools.mkdir()
        (tools / "cargo").write_text(f"#!/bin/sh\necho \"$*\" >>{self.folder}/calls\n")
        (tools / "cargo").chmod(0o755)
        (root / "target/release").mkdir(parents=True)
        for program in PROGRAMS:
            (root / "target/release" / program).write_text(f"#!/bin/sh\n{answer.format(program=program)}\n")
            (root / "target/release" / program).chmod(0o755)
        ran = subprocess.run([root / "ops/docker/build-programs.sh", what], capture_output=True, text=True, env=os.environ | {"PATH": f"{tools}:{os.environ['PATH']}"})
        calls = self.folder / "calls"
        return ran, calls.read_text().splitlines() if calls.exists() else []

    def test_what_stood_in_for_our_crates_is_removed(self):
        stubs = self.stubs(ROOT)
        ran, calls = self.run_script("dependencies", stubs)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertEqual([call.split()[0] for call in calls], ["build", "clean"])
        members = (stubs / "members.txt").read_text().split()
        self.assertEqual(calls[1].split()[3:], [word for name in members for word in ("-p", name)])
        self.assertTrue(set(PROGRAMS) - {"updraft"} < set(members))

    def test_programs_are_those_of_the_bill_of_materials(self):
        sbom = (ROOT / "ops/release/sbom.py").read_text()
        programs, features = re.search(r"^PROGRAMS = \((.*)\)", sbom, re.M).group(1), re.search(r'^FEATURES = "(.*)"', sbom, re.M).group(1)
        ran, calls = self.run_script("programs", self.stubs(ROOT))
        self.assertEqual(ran.returncode, 0, ran.stderr)
        words = calls[0].split()
        self.assertEqual([word for before, word in zip(words, words[1:]) if before == "-p"], re.findall(r"[a-z]+", programs))
        self.assertEqual(words[words.index("--features") + 1], features)
        self.assertEqual(len(calls), 1)

    def test_a_stand_in_that_was_not_built_again_is_found(self):
        ran, _ = self.run_script("programs", self.stubs(ROOT), "exit 1")
        self.assertEqual(ran.returncode, 1)
        self.assertIn("bridge does not say its version", ran.stderr)


class Files(unittest.TestCase):
    def test_a_layer_of_dependencies_with_sources_is_found(self):
        text = (DOCKER / "Dockerfile").read_text()
        self.assertEqual(list(compose.dockerfile(text)), [])
        for old, new in (
            ("COPY --from=manifests /manifests ./\n", "COPY . .\n"),
            ("COPY --from=manifests /manifests ./\n", "COPY --from=manifests /manifests ./\nARG REVISION\n"),
            ("RUN ops/docker/build-programs.sh dependencies", "RUN --mount=type=cache,target=/src/target ops/docker/build-programs.sh dependencies"),
        ):
            self.assertIn(old, text)
            self.assertIn("the layer of the dependencies begins with the manifests alone", "\n".join(compose.dockerfile(text.replace(old, new))))
        self.assertIn("not built on a layer", "\n".join(compose.dockerfile(text.replace("FROM dependencies AS programs", "FROM rust:1.95-bookworm AS programs"))))

    def test_the_programs_of_a_release_are_run_with_the_libraries_of_the_image(self):
        build = yaml.safe_load(RELEASE.read_text())["jobs"]["build"]
        runs = [step.get("run", "") for step in build["steps"]]
        at = [next(number for number, run in enumerate(runs) if text in run) for text in ("build-programs.sh programs", "runtime-check.sh", "ops/release/pack.sh")]
        self.assertEqual(at, sorted(at))
        dockerfile = (DOCKER / "Dockerfile").read_text()
        # Built on the system whose libraries are checked.
        self.assertIn(f"FROM {build['container']} AS dependencies\n", dockerfile)
        self.assertIn('RUN for program in bridge processor pusher replay updraft; do "$program" --version', dockerfile.split(" AS all\n")[1])


if __name__ == "__main__":
    unittest.main()
