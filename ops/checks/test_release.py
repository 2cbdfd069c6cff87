"""The gate of releases, in a repository made for it; and the bill of materials of this one."""
import importlib.util
import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import yaml

RELEASE = Path(__file__).resolve().parents[1] / "release"
CHANGELOG = "# Changelog\n\n## Unreleased\n\n- later\n\n## 1.2.3 (2026-06-01)\n\n- Faster.\n\n## 1.2.2\n\n- Slower.\n"


class Gate(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        shutil.copytree(RELEASE, self.folder / "ops/release")
        (self.folder / "CHANGELOG.md").write_text(CHANGELOG)
        self.version("1.2.3")
        self.git("init", "-q")
        self.git("add", "-A")
        self.git("-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "-qm", "x")

    def version(self, version):
        (self.folder / "Cargo.toml").write_text(f'[workspace.package]\nversion = "{version}"\n\n[workspace.dependencies]\nx = {{ version = "9.9.9" }}\n')

    def git(self, *arguments):
        subprocess.run(["git", "-C", self.folder, *arguments], check=True)

    def gate(self, tag):
        ran = subprocess.run([self.folder / "ops/release/gate.sh", tag], capture_output=True, text=True)
        return ran.returncode, ran.stdout + ran.stderr

    def test_a_sound_tag_passes(self):
        self.git("tag", "v1.2.2")
        self.git("tag", "v1.2.3")
        self.assertEqual(self.gate("v1.2.3"), (0, "release: v1.2.3 may be built\n"))

    def test_the_release_before_gives_its_schemas(self):
        older = self.folder / "older.binpb"
        (self.folder / "schemas").mkdir()
        for version, schemas in (("1.2.1", b"older"), ("1.2.2", b"old")):
            (self.folder / "schemas/descriptors.binpb").write_bytes(schemas)
            self.git("add", "-A")
            self.git("-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "-qm", version)
            self.git("tag", f"v{version}")
        ran = subprocess.run([self.folder / "ops/release/gate.sh", "v1.2.3", older], capture_output=True, text=True)
        self.assertEqual((ran.returncode, older.read_bytes()), (0, b"old"))

    def test_notes_are_those_of_the_version(self):
        ran = subprocess.run([self.folder / "ops/release/notes.sh", "v1.2.3"], capture_output=True, text=True)
        self.assertEqual(ran.stdout.strip(), "- Faster.")

    def test_other_tags_are_refused(self):
        self.assertIn("a tag is v and three numbers", self.gate("1.2.3")[1])
        self.assertIn("Cargo.toml has version 1.2.3", self.gate("v1.2.4")[1])
        self.version("1.2.4")
        self.assertIn("CHANGELOG.md says nothing of 1.2.4", self.gate("v1.2.4")[1])
        self.version("1.2.2")
        self.git("tag", "v1.10.0")
        self.assertEqual(self.gate("v1.2.2"), (1, "release: v1.2.2: v1.10.0 is newer\n"))


class Provision(unittest.TestCase):
    """The step before a rollout, with a program that records how it is called; `terraform-apply` runs it on a real Kafka."""

    MAIN = 'module "topics" {\n}\nmodule "access" {\n}\nmodule "clickhouse" {\n}\n'

    def provision(self, actions, main=MAIN):
        folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, folder)
        (folder / "main.tf").write_text(main)
        shown = json.dumps({"resource_changes": [{"address": "module.access.kafka_acl.topic", "change": {"actions": actions}}]})
        (folder / "terraform").write_text(f"""#!/bin/sh
echo "$*" | sed 's#/[^ ]*/tmp[^ ]*#PLAN#g' >>{folder}/calls
[ "$2" != show ] || echo '{shown}'
""")
        (folder / "terraform").chmod(0o755)
        environment = {"PATH": f"{folder}:/usr/bin:/bin"}
        ran = subprocess.run([RELEASE / "provision-topics.sh", folder], capture_output=True, text=True, env=environment)
        calls = folder / "calls"
        return ran.returncode, [call.split()[1] for call in calls.read_text().splitlines()] if calls.exists() else [], calls.read_text() if calls.exists() else "", ran.stderr

    def test_topics_and_rights_are_applied_and_nothing_else(self):
        code, commands, calls, _ = self.provision(["create"])
        self.assertEqual((code, commands), (0, ["init", "plan", "show", "apply"]))
        self.assertIn("-target=module.topics -target=module.access -out=", calls)
        self.assertNotIn("clickhouse", calls)

    def test_a_removal_stops_the_rollout(self):
        code, commands, _, said = self.provision(["delete", "create"])
        self.assertEqual((code, commands), (1, ["init", "plan", "show"]))
        self.assertIn("the plan removes module.access.kafka_acl.topic", said)

    def test_an_environment_without_topics_is_refused(self):
        code, commands, _, said = self.provision(["create"], "")
        self.assertEqual((code, commands), (1, []))
        self.assertIn("has none of the modules", said)

    def test_staging_provisions_before_it_rolls_out(self):
        workflow = yaml.safe_load((RELEASE.parents[1] / ".github/workflows/images.yml").read_text())
        runs = [step.get("run", "") for step in workflow["jobs"]["staging"]["steps"]]
        provisions = [at for at, run in enumerate(runs) if "ops/release/provision-topics.sh terraform/environments/production" in run]
        applies = [at for at, run in enumerate(runs) if "kubectl apply" in run]
        self.assertEqual((len(provisions), len(applies)), (1, 1))
        self.assertLess(provisions[0], applies[0])

    def test_staging_has_a_value_for_every_variable(self):
        folder = RELEASE.parents[1] / "terraform/environments/production"
        blocks = re.findall(r'^variable "(\w+)" \{\n(.*?)^\}', (folder / "variables.tf").read_text(), re.M | re.S)
        needed = {name for name, body in blocks if not re.search(r"^  default +=", body, re.M)}
        given = set(re.findall(r"^(\w+) +=", (folder / "staging.tfvars.example").read_text(), re.M))
        workflow = yaml.safe_load((RELEASE.parents[1] / ".github/workflows/images.yml").read_text())
        for step in workflow["jobs"]["staging"]["steps"]:
            given |= {name.removeprefix("TF_VAR_") for name in step.get("env", {}) if name.startswith("TF_VAR_")}
        self.assertEqual(needed - given, set())


class Weekly(unittest.TestCase):
    """What a change does not run, a week does."""

    ROOT = RELEASE.parents[1]

    def workflow(self, name):
        return yaml.safe_load((self.ROOT / f".github/workflows/{name}.yml").read_text())

    def test_every_job_is_a_recipe(self):
        recipes = {name for file in (self.ROOT / "ops/just").glob("*.just") for name in re.findall(r"^([\w-]+)[^\n:]*:(?!=)", file.read_text(), re.M)}
        for job in self.workflow("weekly")["jobs"]["check"]["strategy"]["matrix"]["include"]:
            self.assertLessEqual({job["recipe"], job.get("setup", job["recipe"])}, recipes)

    def test_every_check_by_hand_is_run_by_ci(self):
        table = (self.ROOT / "ops/README.md").read_text().partition("| command | minutes | proves |")[2].partition("\n- ")[0]
        by_hand = {name for row in re.findall(r"^  \| (`just .*?) \|", table, re.M) for name in re.findall(r"`just ([\w-]+)`", row)}
        weekly = {job["recipe"] for job in self.workflow("weekly")["jobs"]["check"]["strategy"]["matrix"]["include"]}
        every_change = {"compose-config", "workflows"}
        self.assertEqual(by_hand, weekly | every_change)
        runs = str(self.workflow("check")["jobs"])
        self.assertTrue("ops/checks/compose-config.sh" in runs and "rust-just workflows" in runs)


class Pack(unittest.TestCase):
    def test_runbooks_and_what_they_link_to_are_packed(self):
        with tempfile.TemporaryDirectory() as folder:
            copied = Path(folder) / "updraft"
            # Where the archive is written: a copy of what is in this repository, without its builds.
            files = subprocess.run(["git", "-C", RELEASE, "ls-files", "--full-name", "-z", ":/"], capture_output=True, text=True, check=True).stdout
            for file in filter(None, files.split("\0")):
                if (source := RELEASE.parents[1] / file).is_file():
                    (copied / file).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy2(source, copied / file)
            for command in (["init", "-q"], ["-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "-q", "--allow-empty", "-m", "x"]):
                subprocess.run(["git", "-C", copied, *command], check=True)
            programs = Path(folder) / "programs"
            programs.mkdir()
            for program in ("bridge", "processor", "pusher", "replay", "updraft"):
                (programs / program).write_text("#!/bin/sh\n")
            ran = subprocess.run([copied / "ops/release/pack.sh", "v1.2.3", "x86-64"], capture_output=True, text=True, env=os.environ | {"UPDRAFT_PROGRAMS": str(programs)})
            self.assertEqual(ran.returncode, 0, ran.stderr)
            subprocess.run(["tar", "-xzf", copied / "updraft-1.2.3-linux-x86-64.tar.gz", "-C", folder], check=True)
            runbooks = Path(folder) / "updraft-1.2.3-linux-x86-64/doc/runbooks"
            links = [(page, target) for page in runbooks.glob("*.md") for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())]
            self.assertGreater(len(links), 100)
            self.assertEqual([f"{page.name}: {target}" for page, target in links if not (page.parent / target).is_file()], [])


class BillOfMaterials(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        spec = importlib.util.spec_from_file_location("sbom", RELEASE / "sbom.py")
        sbom = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sbom)
        cls.bill = sbom.bill("x86_64-unknown-linux-gnu")
        cls.components = {one["purl"]: one for one in cls.bill["components"]}
        cls.names = {one["name"] for one in cls.bill["components"]}

    def test_programs_and_what_they_are_built_of_are_named(self):
        # Of each program, a C library behind a feature of the release, and of the map page.
        self.assertLessEqual({"bridge", "processor", "pusher", "replay", "standalone", "rdkafka-sys", "openssl-src", "maplibre-gl"}, self.names)

    def test_what_only_tests_need_is_left_out(self):
        self.assertFalse({"insta", "proptest", "updraft-tests", "playwright-core", "windows-sys"} & self.names)

    def test_every_component_has_licence_and_checksum(self):
        self.assertEqual([purl for purl, one in self.components.items() if not one["licenses"]], [])
        ours = {purl for purl, one in self.components.items() if "hashes" not in one}
        self.assertEqual({purl.partition("@")[2] for purl in ours}, {self.bill["metadata"]["component"]["version"]})

    def test_dependencies_name_components(self):
        known = {*self.components, self.bill["metadata"]["component"]["bom-ref"]}
        named = {ref for one in self.bill["dependencies"] for ref in [one["ref"], *one["dependsOn"]]}
        self.assertEqual(named, known)


if __name__ == "__main__":
    unittest.main()
