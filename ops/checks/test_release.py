"""The gate of releases, in a repository made for it."""
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

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


if __name__ == "__main__":
    unittest.main()
