"""Checks a running pusher against its OpenAPI document.

    openapi.py URL KEY [PATHS]

PATHS is a regular expression of paths to leave out.

First openapi-spec-validator validates the document, then schemathesis sends valid and invalid requests and compares each
response with the document.
"""
import subprocess
import sys

import httpx
from openapi_spec_validator import validate

url, key, *left_out = sys.argv[1:]
document = httpx.get(f"{url}/api/openapi.json").raise_for_status().json()
assert document["openapi"].startswith("3.1") and len(document["paths"]) >= 10, document["paths"].keys()
validate(document)

command = [
    sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()",
    "run", f"{url}/api/openapi.json", "--max-examples", "15", "--seed", "1", "--no-color",
    "--header", f"Authorization: Bearer {key}",
    "--checks", "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
]
if left_out:
    command += ["--exclude-path-regex", left_out[0]]
outcome = subprocess.run(command, capture_output=True, text=True)
print(outcome.stdout[-6000:], outcome.stderr[-2000:])
sys.exit(outcome.returncode)
