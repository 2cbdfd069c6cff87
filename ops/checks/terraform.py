"""Checks the Terraform files where the providers cannot be had: against their recorded schemas (provider-schemas.json), and
modules against each other. `terraform validate` and `terraform test` say more, where terraform and its registry are.

    terraform.py [FOLDER]    prints what is wrong and exits 1
"""
import json
import re
import sys
from pathlib import Path

import hcl2

ROOT = Path(__file__).resolve().parents[2]
# Arguments that Terraform has in every resource.
META = {"for_each", "count", "depends_on", "provider", "lifecycle", "provisioner"}
# Resources with data that cannot be restored.
PROTECTED = {"kafka_topic", "clickhousedbops_database", "kubernetes_namespace_v1"}


def bare(name):
    return name.strip('"')


def plain(block):
    return {bare(name): value for name, value in block.items() if not name.startswith("__")}


def blocks(parsed, kind):
    """Every block of a kind as its labels and its body."""
    for entry in parsed.get(kind, []):
        yield from labelled(entry, ())


def labelled(entry, labels):
    if "__is_block__" in entry:
        yield labels, plain(entry)
        return
    for label, body in entry.items():
        if isinstance(body, dict):
            yield from labelled(body, (*labels, bare(label)))


class Folder:
    """One root or module: its files as one."""

    def __init__(self, path):
        self.path = path
        self.texts = {file: file.read_text() for file in sorted(path.glob("*.tf"))}
        self.parsed = [hcl2.loads(text) for text in self.texts.values()]
        self.variables = {labels[0]: body for labels, body in self.all("variable")}
        self.outputs = {labels[0]: body for labels, body in self.all("output")}
        self.modules = {labels[0]: body for labels, body in self.all("module")}
        self.locals = {name for _, body in self.all("locals") for name in body}
        self.resources = {labels: body for labels, body in self.all("resource")}
        self.data = {labels: body for labels, body in self.all("data")}
        self.providers = self.all("provider")

    def all(self, kind):
        return [found for parsed in self.parsed for found in blocks(parsed, kind)]

    def expressions(self):
        """The text without comments and without what error messages say."""
        return "\n".join(re.sub(r"^\s*#.*$", "", text, flags=re.M) for text in self.texts.values())


def check_body(where, body, block, meta=frozenset()):
    """A block of a file against its recorded schema."""
    attributes, inner = block.get("attributes", {}), block.get("block_types", {})
    for name, value in body.items():
        if name in meta:
            continue
        if name in inner:
            for nested in value if isinstance(value, list) else [value]:
                yield from check_body(f"{where}.{name}", plain(nested), inner[name]["block"])
        elif name not in attributes:
            yield f"{where}: the provider knows no {name}"
        elif not {"required", "optional"} & set(attributes[name]):
            yield f"{where}: {name} is the provider's to say"
        elif attributes[name].get("deprecated"):
            yield f"{where}: the provider has deprecated {name}"
    for name, attribute in attributes.items():
        if attribute.get("required") and name not in body:
            yield f"{where}: {name} is required"
    for name, nested in inner.items():
        if nested.get("min_items") and name not in body:
            yield f"{where}: a block {name} is required"


class Schemas:
    """The recorded schemas of the providers, in the form of `terraform providers schema -json`."""

    def __init__(self, file):
        recorded = json.loads(file.read_text())["provider_schemas"]
        self.providers = {address.rsplit("/", 1)[1]: found["provider"]["block"] for address, found in recorded.items()}
        self.kinds = {
            kind: {type_: schema["block"] for found in recorded.values() for type_, schema in found.get(f"{name}_schemas", {}).items()}
            for kind, name in (("resource", "resource"), ("data", "data_source"))
        }


def check_resources(folder, schemas):
    for kind, found in (("resource", folder.resources), ("data", folder.data)):
        for (type_, name), body in found.items():
            block = schemas.kinds[kind].get(type_)
            if block is None:
                yield f"{type_}.{name}: not among the recorded {kind} schemas"
                continue
            yield from check_body(f"{type_}.{name}", body, block, META)
            if kind == "resource" and type_ in PROTECTED and "'prevent_destroy': True" not in str(body.get("lifecycle")):
                yield f"{type_}.{name}: holds data, and prevent_destroy is not set"


def check_providers(folder, schemas):
    for (name,), body in folder.providers:
        if name in schemas.providers:
            yield from check_body(f"provider {name}", body, schemas.providers[name], {"alias"})
        else:
            yield f"provider {name}: not among the recorded schemas"


def check_tests(folder):
    """Every rule for a variable has a test in which it refuses a value."""
    tests = list(folder.path.glob("tests/*.tftest.hcl"))
    if not tests:
        yield "has no tests"
    refused = set(re.findall(r"\bvar\.(\w+)", " ".join(re.findall(r"expect_failures\s*=\s*\[([^\]]*)\]", "\n".join(test.read_text() for test in tests)))))
    for name, said in folder.variables.items():
        if "validation" in said and name not in refused:
            yield f"variable {name}: no test expects that a value is refused"
    for name in sorted(refused - set(folder.variables)):
        yield f"a test expects that var.{name} is refused, which is not declared"


def check_references(folder):
    text = folder.expressions()
    for name in sorted(set(re.findall(r"\bvar\.(\w+)", text)) - set(folder.variables)):
        yield f"var.{name} is not declared"
    for name in sorted(set(folder.variables) - set(re.findall(r"\bvar\.(\w+)", text))):
        yield f"var.{name} is not used"
    for name in sorted(set(re.findall(r"\blocal\.(\w+)", text)) - folder.locals):
        yield f"local.{name} is not declared"
    for name in sorted(folder.locals - set(re.findall(r"\blocal\.(\w+)", text))):
        yield f"local.{name} is not used"
    for kind, body in [("variable", folder.variables), ("output", folder.outputs)]:
        for name, said in body.items():
            if "description" not in said:
                yield f"{kind} {name} has no description"
            if kind == "variable" and "type" not in said:
                yield f"variable {name} has no type"
    for type_, name in re.findall(r"(?<![\w.])((?:kafka|restapi|clickhousedbops|kubernetes)_\w+)\.(\w+)", text):
        if (type_, name) not in folder.resources and (type_, name) not in folder.data:
            yield f"{type_}.{name} is not declared"


def check_modules(folder, loaded):
    text = folder.expressions()
    for name, body in folder.modules.items():
        source = (folder.path / bare(body["source"])).resolve()
        module = loaded.get(source)
        if module is None:
            yield f"module {name}: there is no {source}"
            continue
        given = set(body) - {"source", "providers", "depends_on", "for_each", "count"}
        for extra in sorted(given - set(module.variables)):
            yield f"module {name}: it takes no {extra}"
        required = {variable for variable, said in module.variables.items() if "default" not in said}
        for missing in sorted(required - given):
            yield f"module {name}: {missing} is required"
        for output in sorted(set(re.findall(rf"\bmodule\.{name}\.(\w+)", text))):
            if output not in module.outputs and not any(type_ == output for type_, _ in module.resources):
                yield f"module {name} has no output {output}"


def check(terraform):
    schemas = Schemas(terraform / "provider-schemas.json")
    paths = sorted({file.parent for file in terraform.rglob("*.tf") if ".terraform" not in file.parts})
    loaded = {path.resolve(): Folder(path) for path in paths}
    problems = []
    for path, folder in loaded.items():
        where = path.relative_to(terraform.resolve())
        for problem in [
            *check_resources(folder, schemas),
            *check_providers(folder, schemas),
            *check_references(folder),
            *check_modules(folder, loaded),
            *check_tests(folder),
        ]:
            problems.append(f"terraform/{where}: {problem}")
    return problems, len(loaded)


if __name__ == "__main__":
    found, folders = check(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "terraform")
    if found or not folders:
        sys.exit("\n".join(found) or "terraform: no files")
    print(f"terraform: {folders} folders are as their providers and modules want them")
