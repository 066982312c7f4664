# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The machines of a scenario as molecule reads them, with ${...} replaced from the environment."""

from __future__ import annotations

import os
from typing import Any

import yaml
from molecule.interpolation import Interpolator, TemplateWithDefaults

from tools.checkout import ROOT


def platforms(scenario: str) -> list[dict[str, Any]]:
    """Return the machines in the lab's format."""
    text = (ROOT / "molecule" / scenario / "molecule.yml").read_text(encoding="utf-8")
    content = yaml.safe_load(Interpolator(TemplateWithDefaults, os.environ).interpolate(text))
    machines: list[dict[str, Any]] = content["platforms"]
    return machines
