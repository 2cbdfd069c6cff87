"""The secrets of docker-compose.prod.yml as their script makes them: all of them, and again after one was removed."""
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path
from xml.etree import ElementTree

import compose
import yaml

SCRIPT = compose.ROOT / "ops/docker/make-secrets.sh"
# Debian's package, which the setup unpacks.
PASSWD = Path(os.environ.get("UPDRAFT_CACHE", "/nonexistent")) / "debian/root/usr/bin"
# An account that is not root's, where it can run what the script needs: what the setup brings is below root's home.
TOOLS = [shutil.which(name) or "" for name in ("jq", "openssl")]
NOBODY = 65534 if os.geteuid() == 0 and all(tool.startswith(("/usr/", "/bin/")) for tool in TOOLS) else None


class Secrets(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # The script as a user who is not root has it, who cannot look below root's home.
        cls.ops = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.ops.cleanup)
        ops = Path(cls.ops.name)
        for folder in ("docker", "redis", "clickhouse", "monitoring/alertmanager"):
            shutil.copytree(compose.ROOT / "ops" / folder, ops / folder)
        if (PASSWD / "mosquitto_passwd").exists():
            shutil.copy(PASSWD / "mosquitto_passwd", ops)
        cls.folder = ops / "secrets"
        cls.folder.mkdir()
        ops.chmod(0o755)
        if NOBODY:
            os.chown(cls.folder, NOBODY, NOBODY)
        cls.said = cls.make()

    @classmethod
    def make(cls):
        environment = {"PATH": f"{os.environ['PATH']}:{cls.ops.name}", "UPDRAFT_HOST": "map.example.org"}
        ran = subprocess.run([f"{cls.ops.name}/docker/make-secrets.sh", cls.folder], capture_output=True, text=True, env=environment, user=NOBODY, timeout=120)
        if ran.returncode:
            raise AssertionError(ran.stdout + ran.stderr)
        return ran.stdout

    def test_all_that_production_mounts_is_made(self):
        production = compose.load("docker-compose.prod.yml")
        mounted = {Path(said["file"]).name for said in production["secrets"].values()}
        mounted |= {Path(volume["source"]).name for service in production["services"].values() for volume in (service or {}).get("volumes") or [] if isinstance(volume, dict) and "UPDRAFT_SECRETS" in volume["source"]}
        self.assertEqual(mounted - {file.name for file in self.folder.iterdir()}, set())

    def test_clickhouse_has_an_administrator_for_its_own_machine_alone(self):
        users = ElementTree.parse(self.folder / "clickhouse_users.xml").getroot().find("users")
        networks = {user.tag: [ip.text for ip in user.findall("networks/ip")] for user in users if "remove" not in user.attrib}
        self.assertEqual(networks.pop("updraft_admin"), ["127.0.0.1", "::1"])
        self.assertEqual(set(networks), {"updraft_owner", "updraft_historian", "updraft_reader", "updraft_backup"})
        password = (self.folder / "clickhouse_admin").read_text()
        self.assertEqual(users.find("updraft_admin/password_sha256_hex").text, hashlib.sha256(password.encode()).hexdigest())

    def test_what_a_person_has_to_fill_in_is_said(self):
        for name in ("pagerduty_key", "slack_url", "smtp_password", "alertmanager.yml"):
            self.assertIn(f"{name}: ", self.said)
        self.assertEqual(json.loads((self.folder / "certificates.json").read_text()), [{"targets": ["mqtt:8883", "map.example.org:443"]}])
        self.assertIn("pager", {receiver["name"] for receiver in yaml.safe_load((self.folder / "alertmanager.yml").read_text())["receivers"]})

    def test_a_removed_certificate_is_made_again_where_it_is_a_part_too(self):
        before = {name: (self.folder / name).read_text() for name in ("kafka.pem", "admin.pem", "redis_users.acl", "pusher.crt")}
        for name in ("kafka.crt", "admin.crt"):
            (self.folder / name).unlink()
        self.make()
        for name in ("kafka", "admin"):
            self.assertIn((self.folder / f"{name}.crt").read_text(), (self.folder / f"{name}.pem").read_text())
            self.assertNotEqual((self.folder / f"{name}.pem").read_text(), before[f"{name}.pem"])
        self.assertEqual({name: (self.folder / name).read_text() for name in ("redis_users.acl", "pusher.crt")}, {name: before[name] for name in ("redis_users.acl", "pusher.crt")})

    def test_why_a_certificate_cannot_be_made_is_said(self):
        (self.folder / "topics.crt").unlink()
        key = (self.folder / "ca.key").read_text()
        self.addCleanup(self.restore, key)
        (self.folder / "ca.key").chmod(0o600)
        (self.folder / "ca.key").write_text("no key")
        with self.assertRaisesRegex(AssertionError, "(?i)key"):
            self.make()

    def restore(self, key):
        (self.folder / "ca.key").write_text(key)
        self.make()


if __name__ == "__main__":
    unittest.main()
