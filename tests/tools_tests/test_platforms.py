# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab can create the machines of every scenario, with any Debian."""

from __future__ import annotations

import pytest

from lab.images import RECIPES
from lab.spec import MachineSpec
from tools.platforms import platforms
from tools.scenarios import found


@pytest.mark.parametrize("scenario", found())
@pytest.mark.parametrize("debian", ["", "12", "13"])
def test_its_images_are_known(scenario: str, debian: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if debian:
        monkeypatch.setenv("DEBIAN", debian)
    else:
        monkeypatch.delenv("DEBIAN", raising=False)
    machines = platforms(scenario)
    assert machines
    assert {machine.get("image", MachineSpec.image) for machine in machines} <= {*RECIPES}


def test_a_single_platform_can_be_selected(monkeypatch: pytest.MonkeyPatch) -> None:
    for debian in ("12", "13"):
        monkeypatch.setenv("DEBIAN", debian)
        assert {machine["image"] for machine in platforms("overload")} == {f"debian{debian}", f"debian{debian}-bare"}
