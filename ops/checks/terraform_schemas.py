#!/usr/bin/env python3
"""Records the schemas of the providers that terraform/ uses, so that files can be checked without the providers.

    terraform_schemas.py            writes terraform/provider-schemas.json
    terraform_schemas.py --check    exits 1 where the installed providers say something else

It needs OpenTofu or Terraform, and the providers: just terraform-setup. What no file uses is left out, descriptions too.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "terraform/provider-schemas.json"
# It has every provider.
ENVIRONMENT = "environments/production"
DROPPED = {"description", "description_kind"}


def used(kind):
    """The types that the files declare."""
    return {type_ for file in (ROOT / "terraform").rglob("*.tf") for type_ in re.findall(rf'^{kind} "(\w+)"', file.read_text(), re.M)}


def trimmed(value):
    if isinstance(value, dict):
        # An attribute may have the name of a description.
        return {key: trimmed(inner) for key, inner in value.items() if key not in DROPPED or isinstance(inner, dict)}
    return [trimmed(inner) for inner in value] if isinstance(value, list) else value


def schemas_of_providers(program):
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "terraform"
        shutil.copytree(ROOT / "terraform", copy, ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*"))
        # The state is not needed, and `providers schema` wants to open it.
        main = copy / ENVIRONMENT / "main.tf"
        main.write_text(re.sub(r'backend "\w+" {}', "", main.read_text()))
        for arguments in (["init", "-backend=false", "-input=false", "-no-color"], ["providers", "schema", "-json"]):
            ran = subprocess.run([program, f"-chdir={copy / ENVIRONMENT}", *arguments], capture_output=True, text=True)
            if ran.returncode:
                sys.exit(f"{program} {arguments[0]}: {ran.stdout}{ran.stderr}")
    return json.loads(ran.stdout)["provider_schemas"]


def record(program):
    kinds = {"resource_schemas": used("resource"), "data_source_schemas": used("data")}
    recorded = {}
    for address, said in sorted(schemas_of_providers(program).items()):
        # Terraform and OpenTofu name the same provider by their own registries.
        recorded["/".join(address.split("/")[1:])] = {
            "provider": trimmed(said["provider"]),
            **{kind: {name: trimmed(schema) for name, schema in sorted(said.get(kind, {}).items()) if name in wanted} for kind, wanted in kinds.items()},
        }
    return json.dumps({"provider_schemas": recorded}, indent=1, sort_keys=True) + "\n"


def main():
    program = os.environ.get("UPDRAFT_TOFU") or shutil.which("tofu") or shutil.which("terraform")
    if program is None:
        sys.exit("terraform_schemas: neither tofu nor terraform is here; build OpenTofu with: just terraform-setup")
    text = record(program)
    if "--check" not in sys.argv[1:]:
        TARGET.write_text(text)
    elif TARGET.read_text() != text:
        sys.exit("terraform_schemas: the providers' schemas are not those of terraform/provider-schemas.json; record them with: just terraform-schemas")
    else:
        print("ok    the recorded schemas are those of the providers")


if __name__ == "__main__":
    main()
