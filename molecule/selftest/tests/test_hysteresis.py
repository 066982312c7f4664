# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""This director behaves like the picture in the guide "How overload failover works"."""

from __future__ import annotations

import base64
import io
import json
import os
import tarfile
from pathlib import Path

from docs import hysteresis
from lab import Lab
from tools.checkout import COLLECTION, ROOT


def program() -> str:
    """Return an archive of the measuring program, in base64."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.add(COLLECTION / "plugins" / "module_utils", "ansible_collections/lvs/director/plugins/module_utils")
        archive.add(hysteresis.__file__, "hysteresis.py")
    return base64.b64encode(packed.getvalue()).decode()


def test_the_recording_is_as_drawn() -> None:
    director = Lab(Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"], "lab"))["director"]
    folder = director.run("mktemp -d", check=True).stdout.strip()
    director.run(f"base64 -d | tar -xzC {folder}", input=program(), check=True)
    measured = json.loads(director.run(f"PYTHONDONTWRITEBYTECODE=1 python3 {folder}/hysteresis.py", check=True).stdout)
    recorded = json.loads((ROOT / "docs" / "hysteresis.json").read_text(encoding="utf-8"))
    director.run(f"rm -r {folder}", check=True)
    # The other servers' counters must be equal, too. Only the kernel may differ.
    assert {**measured, "kernel": ""} == {**recorded, "kernel": ""}
