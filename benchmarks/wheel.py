"""The size of the wheel."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from importlib.metadata import distribution
from pathlib import Path

from .row import Measured

ROOT = Path(__file__).resolve().parent.parent
PEER = "aws_lambda_powertools"


def wheel_bytes() -> Measured:
    """Build our wheel, and pack the files of the installed peer as a wheel holds them."""
    with tempfile.TemporaryDirectory() as folder:
        built = subprocess.run(
            [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
            cwd=ROOT,
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if built.returncode:
            raise RuntimeError(f"the wheel could not be built:\n{built.stdout}")
        (ours,) = Path(folder).glob("*.whl")
        peer = Path(folder) / "peer.zip"
        with zipfile.ZipFile(peer, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in distribution(PEER).files or ():
                if file.suffix != ".pyc":
                    archive.write(str(file.locate()), str(file))
        return Measured(
            ours.stat().st_size,
            peer.stat().st_size,
            "Powertools",
            "the peer's installed files, zipped here as a wheel is",
        )
