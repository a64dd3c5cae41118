"""Throw-away environments under .cache, kept as long as what they were made from stays the same."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "venvs"


def uv(*arguments: str) -> None:
    """Run uv, which the test extra brings; show what it says only if it fails."""
    done = subprocess.run(
        [sys.executable, "-m", "uv", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"uv {' '.join(arguments)} failed:\n{done.stderr}")


def provide(name: str, python: Path, install: Sequence[str], made_from: bytes) -> Path:
    """
    Return the interpreter of an environment with *install* in it, made now or earlier from the same things.

    Args:
        name: The environment's folder; an outdated one of this name is replaced.
        python: The interpreter to build on.
        install: The arguments of ``uv pip install``.
        made_from: Whatever *install* refers to; a change means a new environment.
    """
    # Resolved: whether asked for through an environment or directly, it is the same interpreter.
    parts = [str(python.resolve()).encode(), *(part.encode() for part in install), made_from]
    digest = hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]
    venv = CACHE / f"{name}-{digest}"
    interpreter = venv / "bin" / "python"
    if interpreter.exists():
        return interpreter
    # Made beside its place and then moved there, so that nobody meets a half-made one.
    making = CACHE / f".{venv.name}.{os.getpid()}"
    shutil.rmtree(making, ignore_errors=True)
    uv("venv", "--quiet", "--relocatable", "--python", str(python), str(making))
    # Wheels only: a lower bound older than the interpreter would mean to compile Rust; the first version that has a
    # wheel for this Python is then the lowest that anyone can have.
    uv("pip", "install", "--quiet", "--only-binary", ":all:", "--python", str(making / "bin" / "python"), *install)
    try:
        making.rename(venv)
    except OSError:  # another process was faster; what it made is the same
        shutil.rmtree(making)
    for outdated in CACHE.glob(f"{name}-*"):
        if outdated != venv:
            shutil.rmtree(outdated, ignore_errors=True)
    return interpreter


def lowest(python: Path = Path(sys.executable)) -> Path:
    """Return the interpreter of an environment with the lowest versions allowed, without the package itself."""
    pyproject = ROOT / "pyproject.toml"
    install = ["--resolution", "lowest-direct", "--requirement", str(pyproject), "--extra", "aws-sdk"]
    major_minor = subprocess.run(
        [python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"], capture_output=True, text=True, check=True
    ).stdout.strip()
    return provide(f"lowest-{major_minor}", python, install, pyproject.read_bytes())
