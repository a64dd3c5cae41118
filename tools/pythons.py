"""
Run the smoke test on every Python that is found: the built wheel with the newest and the lowest dependencies.

Interpreters are looked for on the path and under pyenv. ``python -m tools.pythons``
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from .venvs import ROOT, lowest, provide

# What Lambda runs today; docs/support.md.
SUPPORTED = ["3.10", "3.11", "3.12", "3.13", "3.14"]


def find(version: str) -> Path | None:
    """Return an interpreter of *version*, or None."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates = [Path(found) for name in (f"python{version}", "python3") if (found := shutil.which(name))]
    candidates += sorted(pyenv.glob(f"{version}.*/bin/python"), reverse=True)
    for candidate in candidates:
        # A pyenv shim exists on the path even if the version that it stands for is not switched on.
        probe = "import sys; print('%d.%d' % sys.version_info[:2])"
        done = subprocess.run([candidate, "-c", probe], capture_output=True, text=True, check=False)
        if done.returncode == 0 and done.stdout.strip() == version:
            return candidate
    return None


def build_wheel(folder: Path) -> Path:
    """Build the wheel into *folder*, which then holds no other."""
    for earlier in folder.glob("*.whl"):
        earlier.unlink()
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def smoke(python: Path, *, path: Path | None) -> str:
    """Return what the smoke test prints under *python*, or its error; *path* is where to import the package from."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "RESILIENT_", "PYTHON"))}
    with tempfile.TemporaryDirectory() as elsewhere:
        done = subprocess.run(
            [python, ROOT / "tools" / "smoke.py"],
            env={**env, **({"PYTHONPATH": str(path)} if path else {})},
            cwd=elsewhere,
            capture_output=True,
            text=True,
            check=False,
        )
    return f"ok    {done.stdout.strip()}" if done.returncode == 0 else f"FAILED\n{done.stderr}"


def main() -> None:
    """Print one line per Python and kind; exit with 1 if any failed."""
    failed = False
    wheel = build_wheel(ROOT / "dist")
    for version in SUPPORTED:
        python = find(version)
        if python is None:
            print(f"{version:5} not found")
            continue
        installed = provide(f"wheel-{version}", python, [f"{wheel}[aws-sdk]"], wheel.read_bytes())
        for kind, line in (
            ("newest", smoke(installed, path=None)),
            ("lowest", smoke(lowest(python), path=ROOT)),
        ):
            failed = failed or line.startswith("FAILED")
            print(f"{version:5} {kind}: {line}", flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
