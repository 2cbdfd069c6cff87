"""A check that finds nothing proves something only where it finds what is planted."""
import shutil
import tempfile
import unittest
from pathlib import Path

import terraform

ACCESS = "modules/kafka-access/main.tf"
DEV = "environments/dev/main.tf"


class Planted(unittest.TestCase):
    def problems(self, file="", old="", new=""):
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "terraform"
            shutil.copytree(terraform.ROOT / "terraform", copy, ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*"))
            if file:
                text = (copy / file).read_text()
                self.assertIn(old, text)
                (copy / file).write_text(text.replace(old, new, 1))
            return "\n".join(terraform.check(copy)[0])

    def test_as_it_is_nothing_is_found(self):
        self.assertEqual(self.problems(), "")

    def test_unknown_attributes_are_found(self):
        self.assertIn("knows no acl_hosts", self.problems(ACCESS, "acl_host ", "acl_hosts "))

    def test_missing_attributes_are_found(self):
        self.assertIn("acl_principal is required", self.problems(ACCESS, "acl_principal ", "# acl_principal "))

    def test_unknown_attributes_of_providers_are_found(self):
        self.assertIn("provider kafka: the provider knows no tls", self.problems(DEV, "tls_enabled", "tls"))

    def test_rules_without_a_test_are_found(self):
        self.assertIn("variable prefix: no test expects", self.problems("modules/kafka-topics/tests/topics.tftest.hcl", "[var.prefix]", "[var.partitions]"))

    def test_unprotected_topics_are_found(self):
        self.assertIn("prevent_destroy is not set", self.problems("modules/kafka-topics/main.tf", "prevent_destroy = true", "prevent_destroy = false"))

    def test_undeclared_variables_are_found(self):
        self.assertIn("var.hosts is not declared", self.problems(ACCESS, "var.host\n", "var.hosts\n"))

    def test_missing_arguments_of_modules_are_found(self):
        self.assertIn("module topics: partitions is required", self.problems(DEV, "  partitions         = var.partitions\n", ""))

    def test_unknown_arguments_of_modules_are_found(self):
        self.assertIn("module topics: it takes no copies", self.problems(DEV, "replication_factor = 1", "replication_factor = 1\n  copies = 1"))

    def test_unknown_outputs_are_found(self):
        self.assertIn("has no output setting", self.problems("environments/dev/outputs.tf", "module.topics.settings", "module.topics.setting"))


if __name__ == "__main__":
    unittest.main()
