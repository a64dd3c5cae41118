"""What is shipped: the wheel and the layer."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from email.parser import Parser

import pytest

import resilient_lambda
from tools import build_layer

from .imports import PACKAGE, ROOT
from .interpreter import run

LAYER_BYTES = 440_000
WHEEL_BYTES = 580_000  # docs/architecture.md says what it is made of, and what the aim was


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Return a freshly built wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def metadata(wheel):
    """Return the wheel's metadata."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return Parser().parsestr(archive.read(name).decode())


@pytest.fixture
def layer(tmp_path):
    """Return a freshly built layer."""
    target = tmp_path / "layer.zip"
    build_layer.build(target)
    return target


def test_wheel_is_small(wheel):
    """The wheel stays under 580 kB: it is downloaded and unpacked at every cold start of a container image."""
    assert wheel.stat().st_size <= WHEEL_BYTES


def test_wheel_holds_every_source_file_and_nothing_else(wheel):
    """The whole package and its type marker are in it; tests, tools and caches are not."""
    with zipfile.ZipFile(wheel) as archive:
        shipped = {name for name in archive.namelist() if ".dist-info/" not in name}
    sources = {p.relative_to(ROOT).as_posix() for p in PACKAGE.rglob("*") if p.is_file() and p.suffix != ".pyc"}

    assert "resilient_lambda/py.typed" in shipped
    assert shipped == sources


def test_wheel_says_what_the_package_says(metadata):
    """Name and version of the metadata are those of the module."""
    assert metadata["Name"] == "resilient_lambda"
    assert metadata["Version"] == resilient_lambda.__version__


def test_wheel_requires_little(metadata):
    """Two dependencies; boto3 only by extra, because the runtime carries it."""
    always = [r.partition(">")[0] for r in metadata.get_all("Requires-Dist") if "extra ==" not in r]

    assert sorted(always) == ["aws-lambda-powertools", "pydantic"]
    assert {"aws-sdk", "all", "test", "bench"} <= set(metadata.get_all("Provides-Extra"))
    assert metadata["Requires-Python"] == ">=3.10"


def test_layer_imports_from_where_lambda_unpacks_it(layer, tmp_path):
    """With the zip's python folder on the path, as in /opt of a function, the package is there with its version."""
    with zipfile.ZipFile(layer) as archive:
        archive.extractall(tmp_path / "opt")
    code = "import resilient_lambda as r; print(r.__version__, r.__file__, r.batch_handler.__name__)"
    version, file, name = run(code, path=tmp_path / "opt" / "python").split()

    assert (version, name) == (resilient_lambda.__version__, "batch_handler")
    assert file.startswith(str(tmp_path))


def test_layer_is_the_same_each_time(layer, tmp_path):
    """An unchanged package gives the same bytes, so no new layer version."""
    again = tmp_path / "again.zip"
    build_layer.build(again)

    assert again.read_bytes() == layer.read_bytes()


def test_layer_is_small(layer):
    """The layer stays under 440 kB."""
    assert layer.stat().st_size <= LAYER_BYTES


def test_layer_holds_the_package_alone(layer):
    """Nothing but sources and the type marker, all readable by Lambda's user; what only tests use is left out."""
    with zipfile.ZipFile(layer) as archive:
        entries = archive.infolist()

    assert not any("simulator" in entry.filename or "pytest" in entry.filename for entry in entries)
    assert all(entry.filename.startswith("python/resilient_lambda/") for entry in entries)
    assert not any("__pycache__" in entry.filename for entry in entries)
    assert {entry.external_attr >> 16 for entry in entries} == {0o644}
