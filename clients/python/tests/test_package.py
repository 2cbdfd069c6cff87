"""The wheel as the registry gets it: what is in it, and that Python runs it."""

import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LEFT_OUT = shutil.ignore_patterns("build", "dist", "*.egg-info", "__pycache__", ".*")
PROGRAM = "from updraft_client import AirPicture, Session, format_address; print(format_address(0x110B90), Session(AirPicture()).status)"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return built(tmp_path_factory, "wheel", "*.whl")


@pytest.fixture(scope="module")
def sdist(tmp_path_factory):
    return built(tmp_path_factory, "sdist", "*.tar.gz")


def built(tmp_path_factory, kind, pattern):
    source = tmp_path_factory.mktemp("source") / "python"
    shutil.copytree(ROOT, source, ignore=LEFT_OUT)
    into = tmp_path_factory.mktemp(kind)
    build = f"from setuptools import build_meta; build_meta.build_{kind}({str(into)!r})"
    subprocess.run([sys.executable, "-c", build], cwd=source, check=True, capture_output=True)
    return next(into.glob(pattern))


def test_wheel_has_code_types_and_licences(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {"updraft_client/__init__.py", "updraft_client/py.typed", "updraft_client/live.binpb"} <= set(names)
    assert {name.rsplit("/", 1)[-1] for name in names} >= {"LICENSE-MIT", "LICENSE-APACHE"}
    assert not [name for name in names if "test" in name]


def test_wheel_says_version_licence_and_readme(wheel):
    archive = zipfile.ZipFile(wheel)
    [metadata] = [name for name in archive.namelist() if name.endswith("METADATA")]
    fields = Parser().parsestr(archive.read(metadata).decode())
    assert (fields["Name"], fields["License-Expression"]) == ("updraft-client", "MIT OR Apache-2.0")
    assert wheel.name == f"updraft_client-{fields['Version']}-py3-none-any.whl"
    assert "# updraft-client" in fields.get_payload()


def test_sdist_has_the_changes_of_its_version(sdist):
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    with tarfile.open(sdist) as archive:
        changes = archive.extractfile(f"updraft_client-{version}/CHANGELOG.md").read().decode()
    assert f"\n## {version}\n" in changes


def test_wheel_runs(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    run = subprocess.run([sys.executable, "-c", PROGRAM], cwd=tmp_path, env=environment, check=True, capture_output=True, text=True)
    assert run.stdout.startswith("110B90 ")
