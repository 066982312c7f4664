# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook lvs.director.handover, there and back."""

from __future__ import annotations

import os
import re
import subprocess

import pytest

from pair.pair import Pair
from pair.results import Bounds


@pytest.mark.parametrize("way", ["there", "back"])
def test_the_playbook_hands_over(pair: Pair, way: str) -> None:
    target = pair.other(pair.active)
    wanted = f"to={target} ipvs_director_handover_tolerance=0"
    command = ["ansible-playbook", "-i", os.environ["MOLECULE_INVENTORY_FILE"], "lvs.director.handover", "-e", wanted]
    with pair.step(f"playbook handover, {way}", Bounds(new_lost=0.005, gap=3)) as step:
        ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
        assert not ended.returncode, ended.stdout + ended.stderr
        assert pair.active is target
        step.note = " ".join(re.findall(r"[^\"]*nobody's for [^\"]*", ended.stdout)[:1])
