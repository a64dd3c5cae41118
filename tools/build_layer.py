"""
Write dist/layer.zip: this package without its simulator, laid out as a Lambda layer.

The same sources give the same layout on every machine (fixed dates and modes, sorted names), so that an unchanged
package does not become a new layer version. Needs the standard library only.
"""

from __future__ import annotations

import argparse
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "resilient_lambda"
# For tests, which run where the wheel is installed.
LEFT_OUT = (PACKAGE / "testing" / "simulator", PACKAGE / "pytest_plugin.py")
# The earliest date that a zip can hold.
EPOCH = (1980, 1, 1, 0, 0, 0)


def build(target: Path) -> None:
    """Write the layer to *target*, replacing what is there."""
    target.parent.mkdir(parents=True, exist_ok=True)
    names = {
        path.relative_to(ROOT).as_posix(): path
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not any(path.is_relative_to(out) for out in LEFT_OUT)
    }
    with zipfile.ZipFile(target, "w") as layer:
        for name in sorted(names):
            # Lambda unpacks a layer into /opt and has /opt/python on the path.
            entry = zipfile.ZipInfo(f"python/{name}", EPOCH)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            layer.writestr(entry, names[name].read_bytes(), compresslevel=9)


def main() -> None:
    """Build the layer and say how large it is."""
    parser = argparse.ArgumentParser(description="Build the Lambda layer.")
    parser.add_argument("--out", type=Path, default=ROOT / "dist" / "layer.zip")
    target: Path = parser.parse_args().out
    build(target)
    shown = target.relative_to(ROOT) if target.is_relative_to(ROOT) else target
    sys.stdout.write(f"{shown}: {target.stat().st_size:,} bytes\n")


if __name__ == "__main__":
    main()
