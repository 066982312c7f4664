# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Import the artefact as Galaxy does after an upload, and treat its warnings as errors.

Runs in its own environment below .cache, which is rebuilt when tests/importer-requirements.txt changes.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools import artefact
from tools.checkout import BUILD, CACHE, ROOT

REQUIREMENTS = ROOT / "tests" / "importer-requirements.txt"
VENV = CACHE / "importer"
STAMP = VENV / "made-from"


def make_environment() -> None:
    wanted = REQUIREMENTS.read_text(encoding="utf-8")
    if STAMP.exists() and STAMP.read_text(encoding="utf-8") == wanted:
        return
    shutil.rmtree(VENV, ignore_errors=True)
    artefact.quietly("/usr/bin/python3", "-m", "venv", VENV)
    artefact.quietly(VENV / "bin" / "python3", "-m", "pip", "--disable-pip-version-check", "install", "--no-input", "-r", REQUIREMENTS)
    STAMP.write_text(wanted, encoding="utf-8")


def complaints(output: str) -> list[str]:
    """Return the lines of the importer that are no mere progress; that it has not come to its end is one."""
    found = [line for line in output.splitlines() if re.match(r"(WARNING|ERROR|CRITICAL)\b", line) or "Traceback" in line]
    return found if "Importer processing completed successfully" in output else [*found, "it did not come to its end"]


def main() -> int:
    make_environment()
    made = BUILD / artefact.file_name()
    # It leaves its result, and ansible's things, where it is run.
    with tempfile.TemporaryDirectory(prefix="import.", dir=CACHE) as work:
        environment = {**os.environ, "PATH": f"{VENV / 'bin'}:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": work, "ANSIBLE_HOME": work}
        environment = {name: value for name, value in environment.items() if name not in ("ANSIBLE_COLLECTIONS_PATH", "PYTHONPATH")}
        copy = shutil.copy(made, Path(work) / made.name)
        done = subprocess.run(
            [VENV / "bin" / "python3", "-m", "galaxy_importer.main", copy],
            cwd=work,
            env=environment,
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
        )
    found = complaints(done.stdout)
    if done.returncode or found:
        print("\n".join(found or done.stdout.splitlines()[-20:]))
        return 1
    print(f"galaxy-importer: {made.name} imported, {done.stdout.count('Loading ')} parts, no warning")
    return 0


if __name__ == "__main__":
    sys.exit(main())
